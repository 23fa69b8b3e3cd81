import Foundation
import Testing

extension SystemTests {
    /// Files for other programs, from the ledger of a whole run.
    @Suite struct ExportTests {
        private struct Report: Decodable {
            var file, provenance, sha256: String
            var bytes, cells_expected, cells_with_value: Int
        }

        private struct Verification: Decodable {
            struct Problem: Decodable { var what, remedy: String }

            var exports, outdated_exports: Int
            var problems: [Problem]
        }

        private func export(_ bench: Workbench, _ format: String, _ more: [String] = []) throws -> Report {
            let ending = try bench.succeed(["export", "tiny", "-f", format, "--output-mode", "json"] + more + bench.inResults)
            return try JSONDecoder().decode(Report.self, from: Data(ending.output))
        }

        private func verification(_ bench: Workbench, exitCode: Int32) throws -> Verification {
            let ending = try bench.sower(["verify", "tiny", "--output-mode", "json"] + bench.inResults)
            #expect(ending.exitCode == exitCode, "\(ending.standardError)")
            return try JSONDecoder().decode(Verification.self, from: Data(ending.output))
        }

        @Test func `every format says what the ledger says, and verify derives each file again`() throws {
            let bench = try Workbench()
            try bench.succeed(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            let formats = ["csv", "jsonl", "markdown", "latex", "joblog", "optuna"]
            let reports = try formats.map { try export(bench, $0) }
            for (format, report) in zip(formats, reports) {
                let bytes = try #require(FileManager.default.contents(atPath: report.file))
                #expect(bytes.count == report.bytes, "\(format)")
                let provenance = try #require(
                    try JSONSerialization.jsonObject(with: FileManager.default.contents(atPath: report.provenance) ?? Data())
                        as? [String: Any])
                #expect(provenance["sha256"] as? String == report.sha256 && provenance["study"] as? String == "tiny")
                #expect((provenance["missing"] as? [Any])?.isEmpty == true && report.cells_with_value == report.cells_expected)
                #expect(
                    try export(bench, format, ["-o", "\(bench.folder)/again"]).sha256 == report.sha256, "\(format): the same bytes again")
            }
            // 4 pre-trainings and 12 evaluations of 2 epochs and 7 metrics.
            let lines = String(decoding: FileManager.default.contents(atPath: reports[0].file) ?? Data(), as: UTF8.self).split(
                separator: "\n")
            #expect(lines.count == 1 + 16 * 2 * 7)
            let printed = try bench.succeed(["export", "tiny", "-f", "csv", "-o", "-"] + bench.inResults)
            #expect(Data(printed.output) == FileManager.default.contents(atPath: reports[0].file))
            let table = try bench.succeed(["table", "tiny", "--format", "markdown"] + bench.inResults)
            #expect(Data(table.output) == FileManager.default.contents(atPath: reports[2].file))
            // 4 pre-trainings, 2 clusterings, 2 samplings, 12 evaluations.
            let log = String(decoding: FileManager.default.contents(atPath: reports[4].file) ?? Data(), as: UTF8.self).split(
                separator: "\n")
            #expect(log.count == 21 && log.dropFirst().allSatisfy { $0.split(separator: "\t").count == 9 })
            if let values = try bench.query("SELECT count(*) FROM epochs") { #expect(values == "32") }

            // Six tables of the run, six exports.
            let sound = try verification(bench, exitCode: 0)
            #expect(sound.exports == 12 && sound.outdated_exports == 0 && sound.problems.isEmpty)
            try expectDamageIsFound(bench, reports)
        }

        private func expectDamageIsFound(_ bench: Workbench, _ reports: [Report]) throws {
            var csv = try #require(FileManager.default.contents(atPath: reports[0].file))
            csv[csv.count - 3] ^= 1
            try csv.write(to: URL(fileURLWithPath: reports[0].file))
            let log = URL(fileURLWithPath: reports[4].file)
            // A file and a provenance that agree, but say something else than the ledger.
            var provenance = try String(contentsOf: URL(fileURLWithPath: reports[3].provenance), encoding: .utf8)
            provenance = provenance.replacingOccurrences(of: "\"validation_accuracy\"", with: "\"validation_loss\"")
            try Data(provenance.utf8).write(to: URL(fileURLWithPath: reports[3].provenance))
            try FileManager.default.removeItem(at: log)
            try Data("{".utf8).write(to: URL(fileURLWithPath: reports[5].provenance))
            let problems = try verification(bench, exitCode: 1).problems.map(\.what)
            #expect(problems.count == 4)
            for (report, what) in [
                (reports[0], "its bytes are not those that were written"), (reports[3], "derived again from the ledger it has other bytes"),
                (reports[4], "the file is gone"), (reports[5], "its provenance is not one that this build can read"),
            ] {
                #expect(problems.contains { $0.hasPrefix(report.file) && $0.contains(what) }, "\(what)")
            }
            // Exported again, all is well again.
            for format in ["csv", "latex", "joblog", "optuna"] { _ = try export(bench, format) }
            #expect(try verification(bench, exitCode: 0).problems.isEmpty)
        }

        @Test func `what cannot be exported is said in time`() throws {
            let bench = try Workbench()
            try bench.succeed(
                ["run", bench.studyFile, "--set", "evaluation.replicates=1", "--set", "evaluation.pairs=1"] + bench.inResults)
            for (arguments, message) in [
                (["-f", "parquet"], "parquet"),
                (["-f", "csv", "--stage", "cluster"], "csv has nothing of it; expected pretrain, evaluate"),
                (["-f", "joblog", "--metric", "training_loss"], "a joblog has no metrics"), (["-f", "optuna", "-o", "-"], "give -o FILE"),
                (["-f", "markdown", "--metric", "training_loss", "--metric", "learning_rate"], "markdown has one metric"),
                (["-f", "csv", "-o", "\(bench.folder)/nowhere/x.csv"], "there is no folder \(bench.folder)/nowhere"),
                (["-f", "csv", "-o", bench.folder], "is no file"), (["-f", "csv", "-o", "/dev/null"], "is no file"),
            ] {
                let ending = try bench.sower(["export", "tiny"] + arguments + bench.inResults)
                #expect(ending.exitCode == 2 && ending.standardError.contains(message), "\(arguments): \(ending.standardError)")
            }
            let report = try export(bench, "csv", ["--stage", "evaluate", "--metric", "validation_loss"])
            #expect(report.file.hasSuffix("/exports/values-evaluate-validation_loss.csv"))
            // More of the study is asked for: what was exported stays what it was, and more is missing.
            let file = FileManager.default.contents(atPath: report.file)
            let larger = try bench.succeed(["run", bench.studyFile] + bench.inResults)
            #expect(!larger.output.isEmpty)
            let verified = try verification(bench, exitCode: 0)
            #expect(verified.outdated_exports == 1 && verified.exports == 7)
            #expect(FileManager.default.contents(atPath: report.file) == file)
        }
    }
}
