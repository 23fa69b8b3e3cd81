import Foundation
import Studies
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
            for (format, file) in [
                ("table", "txt"), ("csv", "csv"), ("json", "json"), ("jsonl", "jsonl"), ("markdown", "md"), ("latex", "tex"),
            ] {
                let printed = try bench.succeed(["table", "tiny", "--format", format] + bench.inResults)
                #expect(
                    FileManager.default.contents(atPath: "\(bench.results)/tiny/tables/validation_accuracy.\(file)") == Data(printed.output)
                )
                if format == "table" { #expect(printed.output == first.output) }
            }
            let after = try bench.succeed(["plan", bench.studyFile] + bench.inResults).text
            #expect(after.contains("evaluate  12 jobs, 12 done"))
            try expectOneJSONValueEach(bench)
            try expectLineage(bench)
            #expect(try bench.succeed(["status"] + bench.inResults).text.contains("evaluate  12 of 12 finished"))
            if let attempts = try bench.query("SELECT count(*), count(DISTINCT job) FROM attempts WHERE state = 'finished'") {
                #expect(attempts == "20|20")
            }
        }

        /// `sower why` walks a cell back to what it was made from.
        private func expectLineage(_ bench: Workbench) throws {
            struct Node: Decodable {
                struct Artifact: Decodable {
                    var name: String
                    var isStored: Bool
                }

                var job, what, state, specification: String
                var seeds: [String: String]
                var host, engineVersion, dataset: String?
                var artifacts: [Artifact]
                var sources: [Node]
            }
            struct Why: Decodable {
                struct Attempt: Decodable { var startedAt, endedAt: Date }

                var job, state: String
                var attempts: [Attempt]
                var lineage: Node
            }
            let cells = try bench.succeed(["status", "tiny", "--cells"] + bench.inResults).text.split(separator: "\n")
            let words = try #require(cells.last { $0.contains("evaluate clustered") }).split(separator: " ")
            let cell = "clustered/\(words[4])/\(words[6])"
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            let why = try decoder.decode(
                Why.self, from: Data(try bench.succeed(["why", cell, "--output-mode", "json"] + bench.inResults).output))
            #expect(why.job.hasPrefix(words[0]) && why.state == "FINISHED" && why.attempts.count == 1)
            let sample = try #require(why.lineage.sources.first), codebook = try #require(sample.sources.first)
            #expect(why.lineage.dataset?.count == 64 && why.lineage.seeds.keys.sorted() == ["augmentation", "order", "weights"])
            #expect(sample.seeds.keys.sorted() == ["kernels"] && sample.engineVersion == "2" && sample.host?.isEmpty == false)
            for node in [sample, codebook] + codebook.sources {
                #expect(node.artifacts.count == 1 && node.artifacts.allSatisfy(\.isStored), "\(node.what)")
                #expect(JobID(canonicalJSON: Array(node.specification.utf8)).digest.hex == node.job)
            }
            #expect(sample.what.hasPrefix("sample 17 layers") && codebook.what.hasPrefix("cluster the kernels of 4 networks"))
            #expect(codebook.sources.count == 4 && codebook.sources.allSatisfy { $0.what.contains("from its default start") })
            let text = try bench.succeed(["why", String(words[0])] + bench.inResults).text
            #expect(
                text.contains("It is finished") && text.contains("cell clustered \(words[4]) replicate \(words[6]): validation accuracy"))
            #expect(
                text.contains("└─ 4 times  FINISHED  train resnet18 from its default start")
                    && text.contains("all 4 artifacts in the store"))
            let full = try bench.succeed(["why", cell, "--full"] + bench.inResults).text
            #expect(full.components(separatedBy: "specification: ").count == 8 && codebook.sources.allSatisfy { full.contains($0.what) })
            let unknown = try bench.sower(["why", "clustered/1-2/9"] + bench.inResults)
            #expect(unknown.exitCode == 2 && unknown.remedy?.contains("sower status --cells") == true)
        }

        private func expectOneJSONValueEach(_ bench: Workbench) throws {
            let commands = [
                ["status", "--output-mode", "json"], ["plan", bench.studyFile, "--output-mode", "json"],
                ["table", "--output-mode", "json"],
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
