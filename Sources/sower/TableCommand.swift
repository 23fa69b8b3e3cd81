import ArgumentParser
import Foundation
import Reports

extension TableFormat: ExpressibleByArgument {}
extension TableMetric: ExpressibleByArgument {}
extension ComparisonUnit: ExpressibleByArgument {}

/// What the mean runs over.
enum MeanOver: String, ExpressibleByArgument, CaseIterable {
    /// Pairs and replicates: a row an arm.
    case all
    /// Replicates: a row an arm and pair.
    case seed
    /// Pairs: a row an arm and replicate.
    case pair

    var grouping: RowGrouping {
        switch self {
        case .all: .arm
        case .seed: .armAndPair
        case .pair: .armAndReplicate
        }
    }
}

struct TableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table", abstract: "Print mean and deviation of a metric for every arm, from the ledger.")

    @Argument(help: "A study's name in the results folder; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption

    @Option(help: "all (a row an arm), seed (mean over replicates: a row an arm and pair) or pair (a row an arm and replicate).")
    var over: MeanOver = .all

    @Option(
        help: """
            validation_accuracy, validation_top5_accuracy, validation_loss, training_accuracy, training_top5_accuracy, \
            training_loss or learning_rate.
            """)
    var metric: TableMetric = .validationAccuracy

    @Option(help: "The epoch, from 1; the default is the last.")
    var epoch: Int?

    @Option(help: "The arm that the others are compared with, or none; the default is random.")
    var baseline: String?

    @Option(help: "What counts as one observation in a comparison of arms: pair, replicate (the default of chained studies) or cell.")
    var unit: ComparisonUnit?

    @Option(help: "table, csv, json, jsonl, markdown or latex.")
    var format: TableFormat = .table

    @Option(help: "Decimals, 0 to 15.")
    var precision: Int?

    @Option(help: "cli, json (the same as --format json) or quiet.")
    var outputMode: OutputMode = .cli

    func validate() throws {
        if let precision, !(0...15).contains(precision) { throw ValidationError("--precision \(precision): expected 0 to 15") }
    }

    func run() throws {
        let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results), readsCells: true)
        let last = recorded.study.evaluation.recipe.epochs
        if let epoch, !(1...last).contains(epoch) {
            throw Stop(.configuration, "--epoch \(epoch): the study has epochs 1 to \(last)", remedy: "Leave --epoch out for the last one.")
        }
        let report = try StudyReport(recorded, epoch: epoch)
        let table = try report.table(
            metric: metric, epoch: epoch, grouping: over.grouping,
            baseline: baseline.map { $0 == "none" ? .none : .named($0) } ?? .usual, unit: unit)
        if outputMode != .quiet {
            print(table.rendered(as: outputMode == .json ? .json : format, precision: precision), terminator: "")
        }
        if !report.isComplete { throw Stop(table.rows.allSatisfy { $0.statistics.n + $0.failed + $0.diverged == $0.expected } ? .someCellsFailed : .incomplete) }
    }
}
