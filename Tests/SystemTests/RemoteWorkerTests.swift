import Foundation
import Processes
import Testing

extension HostSystemTests {
    /// Workers that are started by hand and come over TCP.
    @Suite struct RemoteWorkerTests {
        @Test func `workers on tcp give the same bytes, and one that is told to leave hands its jobs back`() throws {
            let bench = try Workbench()
            let address = try bench.freeAddress()
            try bench.exchangeKeys(with: ["leaver", "stayer"])
            let coordinator = try bench.start(
                ["coordinator", bench.studyFile, "--listen", address] + bench.keys("coordinator") + bench.inResults)
            let leaver = try bench.startWorker("leaver", at: address)
            let stayer = try bench.startWorker("stayer", at: address)
            try bench.wait("both workers train", for: coordinator) { bench.processes("runner").count >= 2 }
            _ = try bench.freeze(in: "evaluate", of: coordinator)

            kill(leaver.processID, SIGTERM)
            try bench.wait("it takes the first signal", for: leaver, within: 5) { leaver.standardError.contains("told to leave") }
            kill(leaver.processID, SIGTERM)
            let left = try leaver.finish(within: 5)
            #expect(left.exitCode == 0, "\(left.standardError)")
            try bench.wait("the ledger knows that it has left", for: coordinator, within: 5) {
                try bench.status()?.workers.contains { $0.name == "leaver" } == false
            }
            bench.thaw(bench.processes("runner").map(\.id))

            let ending = try coordinator.finish()
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try bench.query("SELECT count(*) FROM attempts WHERE reason = 'PREEMPTED'").map { $0 != "0" } ?? true)
            #expect(try stayer.finish(within: 10).exitCode == 0, "a worker goes home when all is done")
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
            bench.expectNoProcessIsLeft()
        }

        @Test func `a worker that is revoked in the middle ends and says why, and the others do its jobs to the same bytes`() throws {
            let bench = try Workbench()
            let address = try bench.freeAddress()
            try bench.exchangeKeys(with: ["bad", "good"])
            let coordinator = try bench.start(
                ["coordinator", bench.studyFile, "--listen", address] + bench.keys("coordinator") + bench.inResults)
            let bad = try bench.startWorker("bad", at: address)
            // It has no data set: the coordinator sends it.
            let good = try bench.startWorker("good", at: address, ["--data", "push"])
            try bench.wait("both workers train", for: coordinator) { bench.processes("runner").count >= 2 }
            #expect(good.standardError.contains("\(bench.folder)/store-good/datasets/"), "\(good.standardError)")
            let frozen = try bench.freeze(in: "pretrain", of: coordinator, runners: 2)
            try bench.succeed([
                "data", "synthesize", "--seed", "2", "--training-per-class", "1", "--test-per-class", "1", "-o", bench.folder + "/other",
            ])
            let other = try bench.startWorker("other", keys: "good", at: address, ["--data", bench.folder + "/other"])
            let mistaken = try other.finish(within: 10)
            #expect(mistaken.exitCode == 3 && mistaken.standardError.contains("its data set has the digest"), "\(mistaken.standardError)")
            try bench.wait("the refusal is in the status", for: coordinator, within: 5) {
                try bench.succeed(["status", "tiny"] + bench.inResults).text.contains("worker-refused")
            }
            let revoked = try bench.succeed(["keys", "revoke", "bad"] + bench.keys("coordinator"))
            #expect(revoked.standardError.contains("told the running coordinator"))
            let ended = try bad.finish(within: 10)
            #expect(ended.exitCode == 3)
            #expect(ended.standardError.contains("the coordinator refused this worker: its key was revoked"), "\(ended.standardError)")
            bench.thaw(frozen)
            // It cannot come back.
            let again = try bench.startWorker("again", keys: "bad", at: address).finish(within: 10)
            #expect(again.exitCode == 3 && again.remedy?.contains("sower keys enroll") == true, "\(again.standardError)")

            let ending = try coordinator.finish()
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try good.finish(within: 10).exitCode == 0)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
            bench.expectNoProcessIsLeft()
        }
    }
}
