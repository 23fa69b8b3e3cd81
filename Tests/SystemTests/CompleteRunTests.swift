import Foundation
import Testing

extension SystemTests {
    /// A sweep that nothing disturbs.
    @Suite struct CompleteRunTests {
        @Test func `a study runs to its table, and a second run does nothing and prints the same bytes`() throws {
            let bench = try Workbench()
            let before = try bench.succeed(["plan", bench.studyFile] + bench.inResults).text
            #expect(before.contains("evaluate  12 jobs, 0 done"))
            #expect(before.contains("Run it with: sower run \(bench.studyFile)"), "the command must work as it is printed")

            let first = try bench.succeed(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            #expect(first.standardError.contains("20 jobs, 0 of them done before"))
            bench.expectNoProcessIsLeft()
            let second = try bench.succeed(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            #expect(second.standardError.contains("20 jobs, 20 of them done before"))
            #expect(second.output == first.output)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())

            // The files in tables/ are what `table` prints.
            for (format, file) in [("table", "txt"), ("csv", "csv"), ("json", "json"), ("jsonl", "jsonl"), ("markdown", "md"), ("latex", "tex")] {
                let printed = try bench.succeed(["table", "tiny", "--format", format] + bench.inResults)
                #expect(FileManager.default.contents(atPath: "\(bench.results)/tiny/tables/validation_accuracy.\(file)") == Data(printed.output))
                if format == "table" { #expect(printed.output == first.output) }
            }
            let after = try bench.succeed(["plan", bench.studyFile] + bench.inResults).text
            #expect(after.contains("evaluate  12 jobs, 12 done"))
            try expectOneJSONValueEach(bench)
            #expect(try bench.succeed(["status"] + bench.inResults).text.contains("evaluate  12 of 12 finished"))
            if let attempts = try bench.query("SELECT count(*), count(DISTINCT job) FROM attempts WHERE state = 'finished'") {
                #expect(attempts == "20|20")
            }
        }

        private func expectOneJSONValueEach(_ bench: Workbench) throws {
            let commands = [
                ["status", "--output-mode", "json"], ["plan", bench.studyFile, "--output-mode", "json"], ["table", "--output-mode", "json"],
                ["table", "--format", "json"], ["run", bench.studyFile, "--output-mode", "json"],
            ]
            for command in commands {
                let ending = try bench.succeed(command + bench.inResults)
                let value = try JSONSerialization.jsonObject(with: Data(ending.output)) as? [String: Any]
                #expect(value?["version"] as? Int == 1, "\(command)")
            }
            #expect(try bench.succeed(["run", bench.studyFile, "--output-mode", "quiet"] + bench.inResults).output.isEmpty)
        }

        @Test(arguments: [1, 3]) func `the number of workers changes no digit`(workers: Int) throws {
            let bench = try Workbench()
            try bench.succeed(["run", bench.studyFile, "--workers", "\(workers)"] + bench.inResults)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }
    }
}
