import Foundation
import Testing

extension SystemTests {
    /// What a person can ask of a sweep: while it runs through its coordinator, else on its ledger.
    @Suite struct OperatorTests {
        private struct Report: Decodable { var mode: String, changed: Int, running: Int }

        private func ask(_ words: [String], _ bench: Workbench) throws -> Report {
            let ending = try bench.succeed(words + ["--study", "tiny", "--output-mode", "json"] + bench.inResults)
            return try JSONDecoder().decode(Report.self, from: Data(ending.output))
        }

        @Test func `a sweep pauses, goes on, stops after its running jobs, and is finished later with the same digits`() throws {
            let bench = try Workbench()
            let sweep = try bench.start(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            let frozen = try bench.freeze(in: "pretrain", of: sweep)
            #expect(try ask(["pause"], bench).mode == "paused")
            bench.thaw(frozen)
            try bench.wait("nothing runs any more", for: sweep) { try bench.status()?.stages.allSatisfy { $0.running == 0 } == true }
            let paused = try bench.succeed(["status", "tiny"] + bench.inResults).text
            #expect(paused.contains("tiny: paused (process "))
            let finished = try #require(try bench.status()).finished
            usleep(600_000)
            #expect(try bench.status()?.finished == finished, "nothing starts during a pause")

            #expect(try ask(["pause", "--off"], bench).mode == "working")
            let later = try bench.freeze(in: "evaluate", of: sweep)
            #expect(try ask(["stop"], bench).mode == "stopping")
            bench.thaw(later)
            let ending = try sweep.finish(within: 60)
            #expect(ending.exitCode == 5 && ending.standardError.contains("stopped by `sower stop`"))
            #expect(ending.remedy == "Continue with: sower resume tiny --results \(bench.results) --workers 2")
            bench.expectNoProcessIsLeft()
            #expect(try bench.status()?.stages.allSatisfy { $0.running == 0 && $0.failed == 0 } == true)

            try bench.succeed(["resume", "tiny", "--workers", "2"] + bench.inResults)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }

        @Test func `jobs are canceled and tried again, in a sweep that runs and in one that does not`() throws {
            let bench = try Workbench()
            let sweep = try bench.start(["run", bench.studyFile, "--workers", "1"] + bench.inResults)
            let frozen = try bench.freeze(in: "pretrain", of: sweep)
            let cells = try bench.succeed(["status", "tiny", "--cells"] + bench.inResults).text
            let job = String(try #require(cells.split(separator: "\n").last).prefix(12))
            #expect(try ask(["cancel", job], bench).changed == 1)
            #expect(try bench.sower(["cancel", job, "--study", "tiny"] + bench.inResults).exitCode == 2, "it is settled already")
            #expect(try bench.succeed(["why", job] + bench.inResults).text.contains("CANCELED"))
            #expect(try ask(["retry", job], bench).changed == 1)
            #expect(try ask(["cancel", job], bench).changed == 1)
            #expect(try ask(["cancel"], bench).mode == "canceled")
            let ending = try sweep.finish(within: 20)
            #expect(ending.exitCode == 5 && ending.standardError.contains("canceled by `sower cancel`"))
            bench.thaw(frozen)
            bench.expectNoProcessIsLeft()

            for words in [["pause"], ["stop"], ["cancel"]] {
                let refused = try bench.sower(words + ["--study", "tiny"] + bench.inResults)
                #expect(refused.exitCode == 3 && refused.standardError.contains("no sweep of tiny is running"))
            }
            let again = try ask(["retry", "--failed"], bench)
            #expect(again.changed == 1 && again.mode == "not running")
            #expect(try ask(["cancel", job], bench).changed == 1)
            let partial = try bench.sower(["resume", "tiny", "--workers", "2"] + bench.inResults)
            #expect(partial.exitCode == 1, "one cell is canceled")
            try bench.succeed(["resume", "tiny", "--workers", "2", "--retry-failed"] + bench.inResults)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }

        @Test func `a job that runs too long ends with TIMEOUT and the time limit`() throws {
            let bench = try Workbench()
            let sweep = try bench.start(
                [
                    "run", bench.studyFile, "--workers", "1", "--time-limit", "1s", "--set", "arms=[random]", "--set", "evaluation.pairs=1",
                    "--set", "evaluation.replicates=1", "--set", "evaluation.epochs=300", "--checkpoint-every", "never",
                ]
                    + bench.inResults)
            let ending = try sweep.finish(within: 60)
            #expect(ending.exitCode == 1)
            #expect(ending.standardError.contains("TIMEOUT: it ran for 1 s, the time limit is 1 s"), "\(ending.standardError)")
            #expect(try bench.sower(["run", bench.studyFile, "--time-limit", "soon"] + bench.inResults).exitCode == 2)
        }
    }
}
