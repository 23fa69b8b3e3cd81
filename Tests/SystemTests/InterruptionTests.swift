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
            // The number of workers is repeated where it is not the default of one a core.
            let workers = ProcessInfo.processInfo.activeProcessorCount == 2 ? "" : " --workers 2"
            #expect(remedy == "Continue with: sower resume tiny --results \(bench.results)\(workers)")
            try bench.succeed(remedy.components(separatedBy: "sower ")[1].split(separator: " ").map(String.init))
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
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
