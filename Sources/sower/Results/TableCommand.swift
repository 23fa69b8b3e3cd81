import ArgumentParser
import Foundation
import Reports

extension TableFormat: ExpressibleByArgument {}
extension TableMetric: ExpressibleByArgument {}
extension ComparisonUnit: ExpressibleByArgument {}

/// What a study's numbers are held against, beside each other.
enum Counterpart: String, ExpressibleByArgument, CaseIterable {
    /// The figures of the clustered-initialization paper.
    case published
}

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

    @Option(
        help: """
            published: the clustered-initialization paper's own numbers beside ours, found by what an arm does, whatever its name; \
            the arms are not compared with each other then, unless --baseline asks for it.
            """)
    var compare: Counterpart?

    @Option(help: "What counts as one observation in a comparison of arms: pair, replicate (the default of chained studies) or cell.")
    var unit: ComparisonUnit?

    @Option(
        help: ArgumentHelp("Order the rows by a column, as --format csv names it; those without a value come last.", valueName: "column"))
    var sortBy: String?

    @Flag(help: "The largest first.")
    var descending = false

    @Option(help: "table, csv, json, jsonl, markdown or latex.")
    var format: TableFormat = .table

    @Option(help: "Decimals, 0 to 15.")
    var precision: Int?

    @Option(help: "cli, json (the same as --format json) or quiet.")
    var outputMode: OutputMode = .cli

    func validate() throws {
        if let precision, !(0...15).contains(precision) { throw ValidationError("--precision \(precision): expected 0 to 15") }
        if descending, sortBy == nil { throw ValidationError("--descending needs --sort-by COLUMN") }
        guard compare == .published else { return }
        guard over == .all else {
            throw ValidationError("--compare published needs --over all: only means over pairs and replicates were published")
        }
        guard PublishedCurve.metrics.contains(metric) else {
            let known = PublishedCurve.metrics.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--compare published: \(metric.rawValue) was not published; expected \(known)")
        }
    }

    func run() throws {
        let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results), comparing: .study)
        let last = recorded.study.evaluation.recipe.epochs
        if let epoch, !(1...last).contains(epoch) {
            throw Stop(.configuration, "--epoch \(epoch): the study has epochs 1 to \(last)", remedy: "Leave --epoch out for the last one.")
        }
        let report = try StudyReport(recorded, epoch: epoch)
        var table = try report.table(
            metric: metric, epoch: epoch, grouping: over.grouping,
            baseline: baseline.map { $0 == "none" ? .none : .named($0) } ?? (compare == nil ? .usual : .none), unit: unit)
        if compare == .published { table = report.comparedWithPublished(table) }
        if let sortBy { table = table.sorted(by: try column(sortBy, of: table), descending: descending) }
        if outputMode != .quiet {
            print(table.rendered(as: outputMode == .json ? .json : format, precision: precision), terminator: "")
        }
        if !report.isComplete {
            throw Stop(table.rows.allSatisfy { $0.statistics.n + $0.failed + $0.diverged == $0.expected } ? .someCellsFailed : .incomplete)
        }
    }

    private func column(_ name: String, of table: SummaryTable) throws -> TableColumn {
        let columns = TableColumn.columns(of: table)
        guard let column = columns.first(where: { $0.rawValue == name }) else {
            throw Stop(
                .configuration, "--sort-by \(name): the table has no column of that name",
                remedy: "Its columns: \(columns.map(\.rawValue).joined(separator: ", ")).")
        }
        return column
    }
}
