import ArgumentParser
import Foundation
import Reports
import Studies

/// What `sower export` writes.
enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
    case csv, jsonl, markdown, latex, joblog, optuna

    var kind: ExportContents.Kind {
        switch self {
        case .csv, .jsonl: .values
        case .markdown, .latex: .table
        case .joblog: .attempts
        case .optuna: .trials
        }
    }

    /// The stages that it can have something of.
    var stages: [Stage] {
        switch kind {
        case .values: [.pretrain, .evaluate]
        case .table, .trials: [.evaluate]
        case .attempts: Stage.allCases
        }
    }

    var fileExtension: String {
        switch self {
        case .csv, .jsonl: rawValue
        case .markdown: "md"
        case .latex: "tex"
        case .joblog: "tsv"
        case .optuna: "sqlite3"
        }
    }
}

extension Stage: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write what the ledger holds to a file for other programs, with its provenance beside it.",
        discussion: """
            csv, jsonl: a row a metric value: study, arm and its settings, pair, replicate, state, job, host, epoch, metric, value.
            markdown, latex: the table, as `sower table` prints it.
            joblog: a line an attempt, as GNU parallel's --joblog has it.
            optuna: an SQLite file for Optuna and its dashboard (sqlite:///FILE), a trial a cell.
            A cell without a value is in every one of them, with its state; FILE.provenance.json lists them, and says where the
            numbers come from. Exit codes are those of `sower table`.
            """)

    @Argument(help: "A study's name in the results folder; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption

    @Option(name: .shortAndLong, help: "csv, jsonl, markdown, latex, joblog or optuna.")
    var format: ExportFormat

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "Where to; - for standard output, without provenance. The default lies in the study's folder, in exports/.", valueName: "file"))
    var output: String?

    @Option(
        name: .customLong("stage"), parsing: .singleValue, help: "Only this stage: pretrain or evaluate; of a joblog any. May be repeated.")
    var stages: [Stage] = []

    @Option(
        name: .customLong("metric"), parsing: .singleValue,
        help:
            "Only this metric, named as for `sower table`; may be repeated. Of a table and of Optuna's trials it is the one; the default is validation_accuracy."
    )
    var metrics: [TableMetric] = []

    @Option(help: "cli, json (exactly one JSON value on standard output) or quiet.")
    var outputMode: OutputMode = .cli

    func validate() throws {
        for stage in stages where !format.stages.contains(stage) {
            let known = format.stages.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--stage \(stage.rawValue): \(format.rawValue) has nothing of it; expected \(known)")
        }
        if format == .joblog, !metrics.isEmpty { throw ValidationError("--metric: a joblog has no metrics") }
        if format.kind == .table || format.kind == .trials, metrics.count > 1 {
            throw ValidationError("--metric: \(format.rawValue) has one metric; got \(metrics.count)")
        }
        if format == .optuna, metrics == [.learningRate] {
            throw ValidationError("--metric learning_rate: a trial's value must be better when it is greater or smaller")
        }
        if format == .optuna, output == "-" { throw ValidationError("-o -: a database cannot go to standard output; give -o FILE") }
        if output == "-", outputMode != .cli { throw ValidationError("-o - needs --output-mode cli: the file is what is printed") }
    }

    /// In the order of the study and of the ledger, each once: the same wish gives the same bytes.
    private var contents: ExportContents {
        let stages = format.stages.filter { self.stages.isEmpty || self.stages.contains($0) }
        let chosen: [TableMetric] =
            switch format.kind {
            case .values: TableMetric.allCases.filter { metrics.isEmpty || metrics.contains($0) }
            case .table, .trials: [metrics.first ?? .validationAccuracy]
            case .attempts: []
            }
        return ExportContents(kind: format.kind, format: format.rawValue, stages: stages, metrics: chosen)
    }

    /// `values-evaluate-validation_loss.csv`: files of other contents have other names.
    private var defaultName: String {
        let parts: [String] =
            switch format.kind {
            case .values:
                ["values"] + contents.stages.filter { _ in !stages.isEmpty }.map(\.rawValue)
                    + (metrics.isEmpty ? [] : contents.metrics.map(\.rawValue))
            case .table: contents.metrics.map(\.rawValue)
            case .attempts: ["joblog"] + (stages.isEmpty ? [] : contents.stages.map(\.rawValue))
            case .trials: ["optuna"] + (metrics.isEmpty ? [] : contents.metrics.map(\.rawValue))
            }
        return parts.joined(separator: "-") + "." + format.fileExtension
    }

    func run() throws {
        let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results))
        let export = StudyExport(recorded)
        if output == "-" {
            try export.print(contents)
        } else {
            let path = try output ?? standardPath(recorded.folder)
            let provenance = try export.write(contents, to: path)
            switch outputMode {
            case .json: print(try JSONOutput.text(ExportReport(path, provenance)))
            case .cli: print(ExportReport(path, provenance).text)
            case .quiet: break
            }
        }
        let states = try recorded.reader.cellResults(study: recorded.id, epochs: .none).map(\.state)
        guard states.contains(where: { $0 != .finished }) else { return }
        throw Stop(states.contains { $0 == .waiting || $0 == .running } ? .incomplete : .someCellsFailed)
    }

    private func standardPath(_ folder: StudyFolder) throws -> String {
        do {
            try FileManager.default.createDirectory(atPath: folder.exports, withIntermediateDirectories: true)
        } catch {
            throw Stop(
                .configuration, "there is no folder \(folder.exports), and none can be made", remedy: "Give another place with -o FILE.")
        }
        return "\(folder.exports)/\(defaultName)"
    }
}

/// What was written.
private struct ExportReport: Codable {
    var version = 1
    var kind = "export"
    var file: String
    var provenance: String
    var bytes: Int
    var sha256: String
    var cellsExpected, cellsWithValue: Int

    enum CodingKeys: String, CodingKey {
        case version, kind, file, provenance, bytes, sha256
        case cellsExpected = "cells_expected"
        case cellsWithValue = "cells_with_value"
    }

    init(_ path: String, _ written: Provenance) {
        file = path
        provenance = path + Provenance.fileSuffix
        bytes = written.bytes
        sha256 = written.sha256
        cellsExpected = written.cellsExpected
        cellsWithValue = written.cellsWithValue
    }

    var text: String {
        let missing = cellsExpected - cellsWithValue
        let cells = missing == 0 ? "all \(cellsExpected) cells have a value" : "\(missing) of \(cellsExpected) cells have no value"
        return "\(file)  (\(bytes) bytes; \(cells); beside it: provenance)"
    }
}
