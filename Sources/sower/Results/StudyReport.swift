import Coordination
import Foundation
import LedgerStore
import Reports
import Studies

/// A study's table as a function of its ledger.
struct StudyReport {
    private let study: Study
    private let cells: [CellResult]
    private let recorded: RecordedStudy
    let isComplete: Bool

    /// Reads the last epochs only, unless another `epoch` is asked for: a hundredth of the ledger. Compares all of the study with its
    /// seals.
    init(_ recorded: RecordedStudy, epoch: Int? = nil) throws {
        study = recorded.study
        let isLast = epoch ?? study.evaluation.recipe.epochs == study.evaluation.recipe.epochs
        cells = try recorded.reader.cellResults(study: recorded.id, epochs: isLast ? .last : .at(epoch ?? 0), CellResult.init)
        self.recorded = recorded
        // By index: a copy of each would count references to all of it.
        isComplete = cells.indices.allSatisfy { [cells] in cells[$0].state == .finished }
    }

    func table(
        metric: TableMetric = .validationAccuracy, epoch: Int? = nil, grouping: RowGrouping = .arm, baseline: Baseline = .usual,
        unit: ComparisonUnit? = nil
    ) throws -> SummaryTable {
        SummaryTable.make(
            info: TableInfo(study), cells: cells, metric: metric, epoch: epoch, grouping: grouping,
            baseline: try baseline.arm(of: study), otherBaselines: baseline.otherArms(of: study), unit: unit)
    }

    /// The table, whose rows are arms, with the published numbers beside ours.
    func comparedWithPublished(_ table: SummaryTable) -> SummaryTable {
        table.compared(with: PublishedReference(study), cells: cells)
    }

    func settledText() throws -> String {
        let stages = try recorded.reader.stageCounts(study: recorded.id)
        let settled = stages.reduce(0) { $0 + $1.finished + $1.diverged + $1.failed }
        return "\(settled) of \(stages.reduce(0) { $0 + $1.total }) jobs"
    }

    /// The jobs that failed for good, with the reason and where to look.
    func failureLines() throws -> [String] {
        try recorded.reader.failures(study: recorded.id, limit: 10).map { failure in
            let place = failure.worker.map { " (worker \($0) on \(failure.host ?? "?"))" } ?? ""
            return "\(failure.job.short) \(failure.failure.code): \(JobFailure.firstLine(of: failure.failure.message))\(place)"
        }
    }

    /// The end of a sweep as its caller sees it: the table, and on standard error what failed for good.
    func show(_ mode: OutputMode) throws {
        switch mode {
        case .cli:
            print(try table().rendered(as: .table), terminator: "")
            for line in try failureLines() { printToError(line) }
        case .json: print(try table().rendered(as: .json), terminator: "")
        case .quiet: break
        }
    }

    /// The table in every format, so that a paper's build can read the one it likes; each with its provenance.
    func writeTables(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let export = StudyExport(recorded, report: self)
        for format in TableFormat.allCases {
            let contents = ExportContents(kind: .table, format: format.rawValue, stages: [.evaluate], metrics: [.validationAccuracy])
            try export.write(contents, to: "\(folder)/validation_accuracy.\(format.fileExtension)")
        }
    }
}

/// The arm that the others are compared with.
enum Baseline {
    /// The arm called random, if there are others; without one of that name the first with the default start.
    case usual
    case named(String)
    case none

    /// For the arms on another network than `random`: the first arm that has the default start on theirs.
    func otherArms(of study: Study) -> [String: String] {
        guard case .usual = self, let usual = Self.usualArm(of: study) else { return [:] }
        var others: [String: String] = [:]
        for arm in study.arms where study.model(of: arm) != study.model(of: usual) {
            others[arm.name] = study.arms.first { $0.method == .random && study.model(of: $0) == study.model(of: arm) }?.name
        }
        return others
    }

    private static func usualArm(of study: Study) -> Arm? {
        study.arms.first { $0.name == "random" } ?? study.arms.first { $0.method == .random }
    }

    func arm(of study: Study) throws -> String? {
        let arms = study.arms.map(\.name)
        switch self {
        case .none: return nil
        case .usual: return arms.count > 1 ? Self.usualArm(of: study)?.name : nil
        case .named(let name):
            guard arms.contains(name) else {
                throw Stop(
                    .configuration, "--baseline \(name): the study has no arm of that name",
                    remedy: "Its arms: \(arms.joined(separator: ", ")); or none.")
            }
            return name
        }
    }
}

extension CellResult {
    init(_ row: CellRow) {
        let state: CellState =
            switch row.state {
            case .finished: .finished
            case .diverged: .diverged
            case .failed: .failed(reason: row.failure?.code ?? "FAILED")
            case .waiting, .running: .missing
            }
        self.init(
            arm: row.arm, pair: row.pair, replicate: row.replicate, state: state, epochs: row.epochs,
            numericClass: row.numericClass)
    }
}
