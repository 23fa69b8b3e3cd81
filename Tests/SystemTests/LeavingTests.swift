import Foundation
import Processes
import Testing

extension HostSystemTests {
    /// Workers that leave: told to, or at the end of their time; and jobs that only some workers may run.
    @Suite struct LeavingTests {
        private func counted(_ bench: Workbench) throws -> String? {
            try bench.query("SELECT count(*) FROM attempts WHERE reason NOT IN ('PREEMPTED', 'CANCELED')")
        }

        @Test func `a worker that is told to leave finishes what it runs, delivers it and goes`() throws {
            let bench = try Workbench()
            let address = try bench.freeAddress()
            try bench.exchangeKeys(with: ["leaver", "stayer"])
            let coordinator = try bench.start(
                ["coordinator", bench.studyFile, "--listen", address] + bench.keys("coordinator") + bench.inResults)
            let leaver = try bench.startWorker("leaver", at: address)
            let frozen = try bench.freeze(in: "pretrain", of: coordinator)
            let stayer = try bench.startWorker("stayer", at: address)
            try bench.wait("the other trains", for: coordinator) { bench.processes("runner").count >= 2 }

            kill(leaver.processID, SIGTERM)
            try bench.wait("it takes the signal", for: leaver, within: 5) {
                leaver.standardError.contains("told to leave: nothing new starts")
            }
            usleep(1_500_000)
            #expect(leaver.isRunning, "its runner is not done")
            bench.thaw(frozen)
            let left = try leaver.finish(within: 30)
            #expect(left.exitCode == 0, "\(left.standardError)")

            let ending = try coordinator.finish()
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try stayer.finish(within: 10).exitCode == 0)
            #expect(
                try bench.query("SELECT count(*) FROM attempts WHERE worker = 'leaver' AND state = 'finished'").map { $0 == "1" } ?? true)
            #expect(try counted(bench).map { $0 == "0" } ?? true, "nothing counts as a crash")
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
            bench.expectNoProcessIsLeft()
        }

        @Test func `told twice it gives back what it runs, and the job goes on elsewhere from its checkpoint`() throws {
            let bench = try Workbench()
            let address = try bench.freeAddress()
            try bench.exchangeKeys(with: ["leaver", "stayer"])
            let coordinator = try bench.start(
                ["coordinator", bench.studyFile, "--listen", address, "--checkpoint-every", "0"] + bench.keys("coordinator")
                    + bench.inResults)
            let leaver = try bench.startWorker("leaver", at: address)
            var frozen: [pid_t] = []
            try bench.wait("a job has a checkpoint", for: coordinator) {
                frozen = bench.processes("runner").filter { bench.parent(of: $0.id) == leaver.processID }.map(\.id)
                frozen.forEach { kill($0, SIGSTOP) }
                let count = try? bench.query("SELECT count(*) FROM checkpoints")
                if !frozen.isEmpty, count != nil, count != "0" { return true }
                bench.thaw(frozen)
                return false
            }
            kill(leaver.processID, SIGINT)
            try bench.wait("it takes the signal", for: leaver, within: 5) { leaver.standardError.contains("nothing new starts") }
            kill(leaver.processID, SIGTERM)
            #expect(try leaver.finish(within: 10).exitCode == 0)
            #expect(try bench.query("SELECT count(*) FROM attempts WHERE reason = 'PREEMPTED'").map { $0 == "1" } ?? true)
            let stayer = try bench.startWorker("stayer", at: address)
            #expect(try coordinator.finish().exitCode == 0)
            #expect(try stayer.finish(within: 10).exitCode == 0)
            #expect(try counted(bench).map { $0 == "0" } ?? true)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }

        @Test func `a worker with an end leaves before it, and the table is the same`() throws {
            let bench = try Workbench()
            let address = try bench.freeAddress()
            try bench.exchangeKeys(with: ["mortal", "stayer"])
            let coordinator = try bench.start(
                ["coordinator", bench.studyFile, "--listen", address] + bench.keys("coordinator") + bench.inResults)
            let mortal = try bench.startWorker("mortal", at: address, ["--lifetime", "3s"])
            let start = ContinuousClock.now
            #expect(try mortal.finish(within: 10).exitCode == 0)
            #expect(ContinuousClock.now - start < .seconds(8))
            let stayer = try bench.startWorker("stayer", at: address)
            #expect(try coordinator.finish().exitCode == 0)
            #expect(try stayer.finish(within: 10).exitCode == 0)
            #expect(try counted(bench).map { $0 == "0" } ?? true)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }

        @Test func `jobs go to the hosts that are called as they need, and who waits for one is told`() throws {
            let bench = try Workbench()
            try bench.write(
                Workbench.study.replacing("arms:\n", with: "needs: {class: here}\narms:\n").replacing(
                    "- random", with: "- {method: random, needs: {gpu: yes}}"), to: "tiny.yaml")
            let stranded = try bench.sower(["run", bench.studyFile, "--workers", "1", "--label", "class=there"] + bench.inResults)
            #expect(stranded.exitCode == 4)
            #expect(
                stranded.standardError.contains("for a worker with class=here; connected is 1 with class=there"),
                "\(stranded.standardError)")

            let address = try bench.freeAddress()
            try bench.exchangeKeys(with: ["plain", "gifted"])
            let coordinator = try bench.start(
                ["coordinator", bench.studyFile, "--listen", address] + bench.keys("coordinator") + bench.inResults)
            let plain = try bench.startWorker("plain", at: address, ["--label", "class=here"])
            try bench.wait("only what needs the GPU is left", for: coordinator) {
                try bench.succeed(["status", "tiny"] + bench.inResults).text
                    .contains(
                        "4 jobs (training resnet18 at 32 pixels for 2 epochs) wait for a worker with class=here, gpu=yes; connected is 1 with class=here"
                    )
            }
            let why = try bench.succeed(["status", "tiny", "--cells"] + bench.inResults).text.split(separator: "\n").first {
                $0.contains("evaluate random")
            }
            #expect(
                try bench.succeed(["why", String(try #require(why).prefix(12))] + bench.inResults).text.contains(
                    "It waits for a worker with class=here, gpu=yes"))
            let gifted = try bench.startWorker("gifted", at: address, ["--label", "class=here", "--label", "gpu=yes"])
            #expect(try coordinator.finish().exitCode == 0)
            for worker in [plain, gifted] { #expect(try worker.finish(within: 10).exitCode == 0) }
            #expect(try bench.everyDigit() == Undisturbed.everyDigit(), "where a job runs changes no digit")
            for wrong in ["class", "=x", "a=b c", "class=here\u{1}"] {
                #expect(try bench.sower(["worker", "--connect", address, "--label", wrong]).exitCode == 2)
            }
        }

        /// Slurm sends it when it cancels or preempts.
        @Test func `a signal to every process of a worker is no crash of its jobs`() throws {
            let bench = try Workbench()
            let run = try bench.start(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            try bench.wait("two jobs are running", for: run) {
                try bench.status()?.stage("pretrain")?.running ?? 0 > 1 && bench.processes("runner").count > 1
            }
            let worker = try #require(bench.processes("worker").first { !$0.arguments.contains("--central") })
            let runners = bench.processes("runner").filter { bench.parent(of: $0.id) == worker.id }
            #expect(!runners.isEmpty)
            for process in runners + [worker] { kill(process.id, SIGTERM) }
            let ending = try run.finish(within: 120)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try bench.query("SELECT count(*) FROM attempts WHERE reason = 'CRASHED'") ?? "0" == "0")
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }
    }
}
