import ArgumentParser
import Artifacts
import Foundation
import Jobs
import LedgerStore
import Reports
import Studies

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare what two arms' networks take the same test images for, cell by cell.",
        discussion: """
            Needs a study with `evaluation: {keep_predictions: true}`. McNemar's exact test asks whether both are right equally \
            often, the Stuart-Maxwell test whether both give every class equally often.
            Exit codes: 0 every cell is compared, 1 some have no predictions for good, 2 usage, 5 some have none yet.
            """)

    @Argument(help: "The first arm (A).")
    var first: String

    @Argument(help: "The second arm (B); differences are A minus B.")
    var second: String

    @Option(help: "This pair of superclasses only, for example 10-14.")
    var pair: String?

    @Option(help: "This replicate only.")
    var replicate: Int?

    @Option(help: "The study in whose ledger to look; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption

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
        let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results))
        try check(recorded.study)
        let pairs = recorded.study.evaluationPairs.filter { pair == nil || Study.name(of: $0) == pair }
        let replicates = (1...recorded.study.evaluation.replicates).filter { replicate == nil || $0 == replicate }
        let places = pairs.flatMap { pair in replicates.map { Place(pair: pair, replicate: $0) } }
        let cells = try recorded.reader.cellResults(study: recorded.id, epochs: .last)
        let recordedPredictions = try RecordedPredictions(recorded)
        var rows: [PredictionComparison] = []
        var missing: [PredictionTable.Missing] = []
        func file(_ arm: String, _ place: Place) throws -> PredictionsFile? {
            guard let cell = cells.first(where: { $0.arm == arm && $0.pair == place.pair && $0.replicate == place.replicate }) else {
                return nil
            }
            do {
                return try recordedPredictions.file(of: cell)
            } catch let absence as NoPredictions {
                missing.append(.init(pair: place.pair, replicate: place.replicate, reason: "\(arm) \(absence.reason)"))
                return nil
            }
        }
        for place in places {
            guard let a = try file(first, place), let b = try file(second, place) else { continue }
            guard a.images == b.images, a.labels == b.labels, a.fineLabels == b.fineLabels else {
                missing.append(.init(pair: place.pair, replicate: place.replicate, reason: "the arms were tested on different images"))
                continue
            }
            rows.append(
                PredictionComparison(
                    pair: place.pair, replicate: place.replicate, first: a.predictions, second: b.predictions, labels: a.labels,
                    classCount: a.fineLabels.count))
        }
        let table = PredictionTable(info: TableInfo(recorded.study), first: first, second: second, rows: rows, missing: missing)
        if outputMode != .quiet {
            print(table.rendered(as: outputMode == .json ? .json : format, precision: precision), terminator: "")
        }
        // What has diverged or failed for good will not be there later either.
        let mayCome = cells.contains { [first, second].contains($0.arm) && [.waiting, .running].contains($0.state) }
        if !missing.isEmpty { throw Stop(mayCome ? .incomplete : .someCellsFailed) }
    }

    private struct Place {
        var pair: [Int]
        var replicate: Int
    }

    private func check(_ study: Study) throws {
        let arms = study.arms.map(\.name)
        for arm in [first, second] where !arms.contains(arm) {
            throw Stop(
                .configuration, "the study \(study.name) has no arm \(arm.prefix(80))\(Spelling.suggestion(for: arm, among: arms))",
                remedy: "Its arms: \(arms.joined(separator: ", ")).")
        }
        guard first != second else {
            throw Stop(.configuration, "\(first) is compared with itself", remedy: "Name two of the arms: \(arms.joined(separator: ", ")).")
        }
        let pairs = study.evaluationPairs.map(Study.name(of:))
        if let pair, !pairs.contains(pair) {
            throw Stop(
                .configuration, "--pair \(pair.prefix(80)): the study is not evaluated on it",
                remedy: "Its pairs: \(pairs.joined(separator: ", ")).")
        }
        if let replicate, !(1...study.evaluation.replicates).contains(replicate) {
            throw Stop(
                .configuration, "--replicate \(replicate): the study has replicates 1 to \(study.evaluation.replicates)",
                remedy: "Leave --replicate out for all of them.")
        }
        guard study.evaluation.keepsPredictions == true else {
            throw Stop(
                .configuration, "the study \(study.name) keeps no predictions",
                remedy: "Run its study file with --set evaluation.keep_predictions=true: "
                    + "its evaluations are trained again, and leave them.")
        }
    }
}

/// Why a cell has no predictions, as the end of a sentence that begins with its arm.
struct NoPredictions: Error {
    var reason: String
}

/// The predictions that a study's evaluations have left in the coordinator's store.
struct RecordedPredictions {
    private let reader: LedgerReader
    private let store: ArtifactStore

    init(_ recorded: RecordedStudy) throws {
        reader = recorded.reader
        store = try ArtifactStore(folder: recorded.folder.artifacts)
    }

    /// Throws `NoPredictions`, `ArtifactStoreError` for bytes that have changed, `SafetensorsError` and `JobError` for other content.
    func file(of cell: CellRow) throws -> PredictionsFile {
        switch cell.state {
        case .finished: break
        case .diverged: throw NoPredictions(reason: "diverged")
        case .failed: throw NoPredictions(reason: "failed (\(cell.failure?.code ?? "FAILED"))")
        case .waiting, .running: throw NoPredictions(reason: "is not finished")
        }
        let job = try reader.job(prefix: cell.job.digest.hex)
        guard let artifact = job.artifacts.first(where: { $0.name == PredictionsFile.artifactName }) else {
            throw NoPredictions(reason: "has left none")
        }
        guard store.contains(artifact.digest) else { throw NoPredictions(reason: "has left some, but they are not in \(store.folder)") }
        let file = try PredictionsFile(SafetensorsFile(bytes: store.bytes(of: artifact.digest)))
        // They belong to the numbers that tables are made of.
        let right = zip(file.predictions, file.labels).count { $0 == $1 }
        let accuracy = 100 * Double(right) / Double(file.labels.count)
        let recorded = cell.epochs.last?.validationAccuracy
        guard accuracy == recorded else {
            throw Stop(
                .someCellsFailed,
                "the predictions of job \(cell.job.short) have an accuracy of \(accuracy) %, the ledger says \(recorded ?? .nan) %",
                remedy: "`sower verify` says what is damaged.")
        }
        return file
    }
}
