import Foundation
import Processes
import Testing

extension SystemTests {
    /// Sweeps that lose a process at the worst moment.
    @Suite struct InterruptionTests {
        @Test func `workers and the coordinator are killed in every stage, and no digit changes`() throws {
            let bench = try Workbench()
            // A worker, in pre-training: the sweep recovers by itself.
            let first = try bench.start(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            let early = try bench.freeze(in: "pretrain", of: first, runners: 2)
            kill(try #require(bench.parent(of: early[0])), SIGKILL)
            bench.thaw([early[0]])
            try bench.wait("a new worker has taken the place", for: first) {
                let names = bench.processes("worker").compactMap(\.arguments.last)
                return try names.contains { $0.hasSuffix("-restart-1") } && (bench.status()?.stage("pretrain")?.finished ?? 0) > 0
            }
            // The coordinator, still in pre-training: one of its jobs is held up.
            let afterFirst = try killCoordinator(first, of: bench, thawing: early)

            // Worker and coordinator, in evaluation.
            let second = try bench.start(["resume", "tiny", "--workers", "2"] + bench.inResults)
            let late = try bench.freeze(in: "evaluate", of: second)
            #expect(second.standardError.contains("20 jobs, \(afterFirst) of them done before"), "nothing finished is done again")
            bench.processes("worker").prefix(1).forEach { kill($0.id, SIGKILL) }
            let afterSecond = try killCoordinator(second, of: bench, thawing: late)
            #expect(afterSecond >= afterFirst)

            let last = try bench.succeed(["resume", "tiny", "--workers", "2"] + bench.inResults)
            #expect(last.standardError.contains("20 jobs, \(afterSecond) of them done before"))
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
            bench.expectNoProcessIsLeft()
            if let attempts = try bench.query("SELECT count(*), count(DISTINCT job) FROM attempts WHERE state = 'finished'") {
                #expect(attempts == "20|20", "each job has one finished attempt")
            }
        }

        /// Returns how many jobs are finished then.
        private func killCoordinator(_ process: SowerProcess, of bench: Workbench, thawing frozen: [pid_t]) throws -> Int {
            kill(process.processID, SIGKILL)
            bench.thaw(frozen)
            #expect(try process.finish().end == .signalled(SIGKILL))
            bench.expectNoProcessIsLeft()
            let status = try #require(try bench.status())
            #expect(status.coordinator_process == nil)
            #expect(status.stages.allSatisfy { $0.running == 0 }, "a job without a coordinator does not run")
            return status.finished
        }

        @Test func `a chain goes on at the link where it was killed, in another worker, and no digit changes`() throws {
            let chained = [
                "--set", "protocol=chained", "--set", "arms=[random]", "--set", "evaluation.pairs=6", "--set", "evaluation.replicates=1",
                "--set", "evaluation.epochs=4",
            ]
            let calm = try Workbench()
            try calm.succeed(["run", calm.studyFile, "--workers", "1"] + chained + calm.inResults)

            let bench = try Workbench()
            let first = try bench.start(["run", bench.studyFile, "--workers", "2"] + chained + bench.inResults)
            func waitForLinks(_ count: Int, of sweep: SowerProcess) throws {
                try bench.wait("\(count) links are done", for: sweep) { (try bench.status()?.stage("evaluate")?.finished ?? 0) >= count }
            }
            try waitForLinks(1, of: first)
            let early = try bench.freeze(in: "evaluate", of: first)
            // Whoever had the link is among them; others take their places.
            for worker in Set(early.compactMap { bench.parent(of: $0) }) { kill(worker, SIGKILL) }
            bench.thaw(early)
            try waitForLinks(2, of: first)
            let late = try bench.freeze(in: "evaluate", of: first)
            let done = try killCoordinator(first, of: bench, thawing: late)
            #expect((2..<6).contains(done))

            let last = try bench.succeed(["resume", "tiny", "--workers", "2"] + bench.inResults)
            #expect(last.standardError.contains("6 jobs, \(done) of them done before"))
            #expect(try bench.everyDigit() == calm.everyDigit())
        }

        @Test func `Ctrl-C and SIGTERM save the state and say how to go on`() throws {
            let bench = try Workbench()
            let first = try bench.start(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            _ = try bench.freeze(in: "pretrain", of: first)
            for worker in bench.processes("worker") {
                #expect(getpgid(worker.id) == worker.id, "a worker is out of reach of the terminal's Ctrl-C")
            }
            let interrupted = try stop(first, with: SIGINT, in: bench)
            #expect(interrupted.exitCode == 130)

            let second = try bench.start(["resume", "tiny", "--workers", "2"] + bench.inResults)
            _ = try bench.freeze(in: "evaluate", of: second)
            let terminated = try stop(second, with: SIGTERM, in: bench)
            #expect(terminated.exitCode == 143)

            // The table of an unfinished study says so.
            let partial = try bench.sower(["table", "tiny"] + bench.inResults)
            #expect(partial.exitCode == 5)

            // The command is followed as it is printed.
            let remedy = try #require(terminated.remedy)
            // The options of the run are repeated.
            #expect(remedy == "Continue with: sower resume tiny --results \(bench.results) --workers 2")
            try bench.succeed(remedy.components(separatedBy: "sower ")[1].split(separator: " ").map(String.init))
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }

        @Test func `a runner killed in the middle of a training goes on from its checkpoint, and no digit changes`() throws {
            let study = [
                "--set", "arms=[random]", "--set", "evaluation.pairs=1", "--set", "evaluation.replicates=1",
                "--set", "evaluation.epochs=40", "--workers", "1",
            ]
            let calm = try Workbench()
            try calm.succeed(["run", calm.studyFile, "--checkpoint-every", "never"] + study + calm.inResults)
            if let count = try calm.query("SELECT count(*) FROM checkpoints") { #expect(count == "0") }

            let bench = try Workbench()
            let sweep = try bench.start(["run", bench.studyFile, "--checkpoint-every", "0"] + study + bench.inResults)
            try bench.wait("a checkpoint is in the ledger", for: sweep) {
                // There is no ledger at first.
                (try? bench.query("SELECT count(*) FROM checkpoints WHERE epoch > 2")) == "1"
            }
            for runner in bench.processes("runner") { kill(runner.id, SIGKILL) }
            #expect(try sweep.finish(within: 120).end == .exited(0))
            #expect(try bench.everyDigit() == calm.everyDigit())
            let second = try bench.query(
                "SELECT min(epoch) > 2 FROM epochs WHERE attempt = 2 AND streamed_at IS NOT NULL")
            #expect(second == "1", "the second attempt has trained only what was left")
            #expect(try bench.query("SELECT count(*) FROM checkpoints") == "0")
            let cells = try bench.succeed(["status", "tiny", "--cells"] + bench.inResults).text
            let job = try #require(cells.split(separator: "\n").last).prefix(12)
            let log = try bench.succeed(["logs", String(job)] + bench.inResults).text
            #expect(log.contains("job \(job), attempt 1") && log.contains("signal 9") && log.contains("job \(job), attempt 2"))
            let folder = URL(fileURLWithPath: bench.results + "/tiny/artifacts/objects")
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
            let left = files?.compactMap { $0 as? URL }.filter {
                (try? $0.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
            }
            #expect(left?.isEmpty == true, "a study that keeps no weights leaves no artifact, and no checkpoint either")
        }

        private func stop(_ process: SowerProcess, with signal: Int32, in bench: Workbench) throws -> SowerProcess.Ending {
            process.signalGroup(signal)
            let ending = try process.finish(within: 10)
            #expect(ending.output.isEmpty, "no table of a study that was stopped")
            #expect(ending.standardError.contains("stopped; everything finished is saved"))
            #expect(ending.standardError.contains("Continue with: sower resume tiny --results \(bench.results)"))
            bench.expectNoProcessIsLeft()
            return ending
        }

        @Test func `a killed runner costs one attempt, and a second coordinator disturbs nobody`() throws {
            let bench = try Workbench()
            let run = try bench.start(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            let frozen = try bench.freeze(in: "pretrain", of: run)

            let second = try bench.sower(["run", bench.studyFile] + bench.inResults, within: 20)
            #expect(second.exitCode == 3)
            #expect(second.standardError.contains("(process \(run.processID))"))
            #expect(second.output.isEmpty)
            #expect(try bench.status()?.coordinator_process == run.processID)

            let workers = bench.processes("worker").map(\.id)
            kill(try #require(frozen.first), SIGKILL)
            try bench.wait("the attempt has failed", for: run, within: 10) {
                // Without the sqlite3 program this is not looked at.
                try bench.query("SELECT count(*) FROM attempts WHERE reason = 'CRASHED'") ?? "1" != "0"
            }
            #expect(bench.processes("worker").map(\.id) == workers, "the worker outlives its runner")
            bench.thaw(frozen)
            let ending = try run.finish()
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }

        @Test func `a sweep whose workers end again and again stops, also while its central worker lives`() throws {
            let bench = try Workbench()
            let run = try bench.start(["run", bench.studyFile, "--workers", "1"] + bench.inResults)
            let deadline = ContinuousClock.now + .seconds(60)
            while run.isRunning, ContinuousClock.now < deadline {
                for worker in bench.processes("worker") where !worker.arguments.contains("--central") { kill(worker.id, SIGKILL) }
                usleep(20_000)
            }
            let ending = try run.finish(within: 5)
            #expect(ending.exitCode == 4, "\(ending.standardError)")
            #expect(ending.standardError.contains("no worker is left"))
            #expect(ending.standardError.contains("Read the log, then continue with: sower resume tiny"))
            bench.expectNoProcessIsLeft()
        }
    }
}
