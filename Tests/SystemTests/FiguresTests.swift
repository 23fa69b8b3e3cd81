import Foundation
import Processes
import Testing

extension SystemTests {
    /// `sower figures`, with a real gnuplot where there is one.
    @Suite struct FiguresTests {
        private struct Report: Decodable {
            struct Study: Decodable {
                struct Figure: Decodable {
                    var name: String
                    var files: [String]
                    var cells, cells_with_value: Int
                }
                struct Skipped: Decodable { var name, reason: String }

                var study: String
                var figures: [Figure]
                var skipped: [Skipped]
            }

            var studies: [Study]
        }

        private static let hasGnuplot = Programs.path(of: "gnuplot") != nil

        @Test(.enabled(if: hasGnuplot)) func `a study's figures are drawn, twice the same, and nothing else is left`() throws {
            let bench = try Workbench()
            try bench.succeed(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            let folder = "\(bench.results)/tiny/figures"
            let ending = try bench.succeed(["figures", "tiny", "--output-mode", "json"] + bench.inResults)
            let report = try JSONDecoder().decode(Report.self, from: Data(ending.output)).studies[0]
            #expect(report.figures.map(\.name) == ["arms", "figure-10"])
            #expect(report.figures[0].cells == 12 && report.figures[0].cells_with_value == 12)
            #expect(report.skipped.map(\.name) == (2...9).map { "figure-\($0)" })
            let endings = ["svg", "png", "gp", "csv", "json"]
            #expect(report.figures[0].files == endings.map { "\(folder)/arms.\($0)" })
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names == ["arms", "figure-10"].flatMap { name in endings.map { "\(name).\($0)" } }.sorted())

            // The last row of an arm is the table's mean.
            let csv = try String(contentsOfFile: "\(folder)/arms.csv", encoding: .utf8).split(separator: "\n")
            let last = try #require(csv.last { $0.contains(",clustered,") }).split(separator: ",", omittingEmptySubsequences: false)
            let table = try bench.succeed(["table", "tiny", "--format", "csv"] + bench.inResults).text.split(separator: "\n")
            let row = try #require(table.first { $0.hasPrefix("clustered,") }).split(separator: ",", omittingEmptySubsequences: false)
            let header = table[0].split(separator: ",")
            #expect(last[4] == row[try #require(header.firstIndex(of: "mean"))])

            let before = try names.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) }
            try bench.succeed(["figures"] + bench.inResults)
            #expect(try names.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) } == before)

            let picture = try bench.succeed(["figures", "--filters", "gabor-1/2", "--layer", "1"] + bench.inResults)
            #expect(picture.text.contains("\(folder)/figure-10-gabor-1-2-layer-1.svg"))
            for wrong in [
                ["--filters", "nobody/1"], ["--filters", "clustered/1", "--layer", "18"], ["--filters", "zz"], ["--figure", "3"],
            ] {
                let refused = try bench.sower(["figures"] + wrong + bench.inResults)
                #expect(refused.exitCode != 0 && refused.remedy != nil, "\(wrong): \(refused.standardError)")
            }
            try expectVerification(bench, folder: folder)
        }

        private struct Verification: Decodable {
            struct Problem: Decodable { var what: String }

            var figures, outdated_figures: Int
            var problems: [Problem]
        }

        private func expectVerification(_ bench: Workbench, folder: String) throws {
            func verification(exitCode: Int32) throws -> Verification {
                let ending = try bench.sower(["verify", "tiny", "--output-mode", "json"] + bench.inResults)
                #expect(ending.exitCode == exitCode, "\(ending.standardError)")
                return try JSONDecoder().decode(Verification.self, from: Data(ending.output))
            }
            let sound = try verification(exitCode: 0)
            #expect(sound.figures == 3 && sound.outdated_figures == 0 && sound.problems.isEmpty)
            var script = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/arms.gp"))
            script[script.count / 2] ^= 1
            try script.write(to: URL(fileURLWithPath: "\(folder)/arms.gp"))
            // Files and provenance agree, but the numbers are not what was asked for.
            let other = URL(fileURLWithPath: "\(folder)/figure-10-gabor-1-2-layer-1.json")
            let provenance = try String(contentsOf: other, encoding: .utf8)
            try Data(provenance.replacingOccurrences(of: "\"layer\" : 1", with: "\"layer\" : 2").utf8).write(to: other)
            try Data("[]".utf8).write(to: URL(fileURLWithPath: "\(folder)/figure-10.json"))
            let damaged = try verification(exitCode: 1)
            #expect(damaged.figures == 0 && damaged.problems.count == 3)
            for what in [
                "/arms: arms.gp is gone, or not what was written",
                "layer-1: figure-10-gabor-1-2-layer-1.gp, made again from the ledger, has other bytes",
                "/figure-10: its provenance is not one",
            ] { #expect(damaged.problems.contains { $0.what.contains(what) }, "\(what): \(damaged.problems)") }
        }

        @Test func `without gnuplot the command says how to get it`() throws {
            let bench = try Workbench()
            let process = try bench.start(["figures", "tiny"] + bench.inResults, environment: ["PATH": bench.folder])
            let ending = try process.finish(within: 120)
            #expect(ending.exitCode == 2 && ending.remedy?.contains("apt-get install gnuplot-nox") == true, "\(ending.standardError)")
        }
    }
}
