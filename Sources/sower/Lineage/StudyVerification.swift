import Artifacts
import Coordination
import Digests
import Foundation
import LedgerStore
import Reports
import Studies

/// Everything that can be checked of a study without training anything.
struct StudyVerification: Codable {
    struct Problem: Codable {
        var what: String
        var remedy: String
    }

    var version = 1
    var kind = "verify"
    var study: String
    /// Jobs whose specification, result and epochs agree with their digests, or are among the problems.
    var jobs = 0
    var epochs = 0
    var artifacts = 0
    var artifactBytes = 0
    /// Cells whose numbers were derived again from their epochs.
    var cells = 0
    /// Files in tables/ and exports/ that are what was written, with a provenance.
    var exports = 0
    /// Among them, those that could not be derived again: a sweep is running, the ledger has changed since, or another build wrote them.
    var outdatedExports = 0
    /// Figures whose files are what was written, and among them those whose numbers and script could not be derived again.
    var figures = 0
    var outdatedFigures = 0
    var problems: [Problem] = []
    /// What was trained again, if that was asked for.
    var replay: StudyReplay?

    enum CodingKeys: String, CodingKey {
        case version, kind, study, jobs, epochs, artifacts, cells, exports, figures, problems, replay
        case outdatedExports = "outdated_exports"
        case outdatedFigures = "outdated_figures"
        case artifactBytes = "artifact_bytes"
    }

    /// Throws only when there is nothing to look at; damage is a problem in the report.
    ///
    /// - Parameter also: folders besides the study's own in which exported files and figures lie.
    init(_ folder: StudyFolder, also: [String] = [], results: String) throws {
        study = folder.name
        do {
            let reader = try LedgerReader(path: folder.ledger)
            let audit = try reader.audit()
            jobs = audit.jobs
            epochs = audit.epochs
            let damaged = LedgerError.damaged(path: folder.ledger, detail: "")
            problems += audit.problems.map { Problem(what: "\(folder.ledger): \($0)", remedy: damaged.recoverySuggestion ?? "") }
            guard audit.problems.isEmpty else { return }
            try checkArtifacts(reader, folder, results: results)
            try checkTables(folder)
            try checkExports(folder, also: also, results: results)
            try checkFigures(folder, also: also)
        } catch let error as LedgerError {
            switch error {
            case .damaged, .notALedger: add(error)
            default: throw error
            }
        }
    }

    private mutating func add(_ error: LedgerError) {
        problems.append(Problem(what: error.localizedDescription, remedy: error.recoverySuggestion ?? ""))
    }

    // MARK: Artifacts

    /// Hashes every artifact of the study's store again, those that no job names as well.
    private mutating func checkArtifacts(_ reader: LedgerReader, _ folder: StudyFolder, results: String) throws {
        let recorded = try reader.recordedArtifacts()
        let isThere = FileManager.default.fileExists(atPath: folder.artifacts)
        guard isThere || !recorded.isEmpty else { return }
        let store = try ArtifactStore(folder: folder.artifacts)
        let named = Dictionary(recorded.map { ($0.artifact.digest, $0) }, uniquingKeysWith: { first, _ in first })
        let references = named.map { ArtifactReference(digest: $0.key, size: Int(clamping: $0.value.artifact.size)) }
        let audit = try store.audit(expecting: references)
        let missing = audit.missing.map { ($0, ArtifactStoreError.missing($0, folder: store.folder).localizedDescription) }
        let bad = audit.damaged.map { ($0.digest, $0.reason) } + missing
        artifacts = references.count - bad.count
        artifactBytes = references.reduce(0) { $0 + $1.size } - bad.reduce(0) { $0 + Int(clamping: named[$1.0]?.artifact.size ?? 0) }
        for (digest, reason) in bad {
            guard let entry = named[digest] else { continue }
            let again = "sower job run \(entry.job.short) --study \(folder.name)" + ResultsOption.flag(results)
            let name = "the artifact \(entry.artifact.name) of job \(entry.job.short)"
            add(digest, in: store, what: "\(name): \(reason)", remedy: "Make it again, to the same bits: ", command: again)
        }
        for digest in audit.unknown {
            do {
                artifactBytes += try store.verify(digest).size
                artifacts += 1
            } catch {
                let what = "a file that no result names: \(error.localizedDescription)"
                add(digest, in: store, what: what, remedy: "Remove it: ", command: nil)
            }
        }
    }

    private mutating func add(_ digest: Digest, in store: ArtifactStore, what: String, remedy: String, command: String?) {
        // A damaged file is in the way of a whole one of its size.
        let steps = [store.contains(digest) ? "rm -f \(shellWord(store.path(of: digest)))" : nil, command].compactMap { $0 }
        problems.append(Problem(what: what, remedy: remedy + steps.joined(separator: " && ")))
    }

    // MARK: Tables

    /// Each finished cell has the epochs of its recipe, one after another, and two readings of the ledger give the same bytes.
    private mutating func checkTables(_ folder: StudyFolder) throws {
        let recorded = try RecordedStudy(folder)
        let evaluation = try recorded.reader.cellResults(study: recorded.id)
        let length = recorded.study.evaluation.recipe.epochs
        for cell in evaluation where cell.state == .finished {
            cells += 1
            if cell.epochs.map(\.epoch) != Array(1...length) {
                problems.append(
                    Problem(
                        what: "cell \(cell.arm)/\(Study.name(of: cell.pair))/\(cell.replicate) has the epochs "
                            + "\(cell.epochs.map { String($0.epoch) }.joined(separator: ", ")), expected 1 to \(length)",
                        remedy: "This is a bug in sower: please report it with the ledger."))
            }
        }
        // A coordinator may record between two readings.
        guard recorded.reader.coordinatorProcess == nil else { return }
        let tables = try (0..<2).map { _ in try Self.everyTable(RecordedStudy(folder)) }
        if tables[0] != tables[1] {
            problems.append(
                Problem(
                    what: "two tables of the same ledger differ",
                    remedy: "Check this host's memory (dmesg, memtester), then repeat the command."))
        }
    }

    private static func everyTable(_ recorded: RecordedStudy) throws -> String {
        let report = try StudyReport(recorded)
        return try RowGrouping.allCases.flatMap { grouping in
            let table = try report.table(grouping: grouping)
            return TableFormat.allCases.map { table.rendered(as: $0) }
        }.joined()
    }

    // MARK: Replays

    /// Takes over what a replay has found.
    mutating func add(_ replay: StudyReplay) {
        self.replay = replay
        for cell in replay.cells {
            if let difference = cell.difference {
                problems.append(
                    Problem(
                        what: "cell \(cell.cell), trained again as job \(cell.job.prefix(12)), gives other bits: \(difference)",
                        remedy: "Repeat it on another host: `sower verify --replay` with the same seed. If it differs there in the same "
                            + "place the recorded number is wrong, otherwise this host computes wrongly (check its memory)."))
            } else if let obstacle = cell.obstacle {
                problems.append(
                    Problem(
                        what: "cell \(cell.cell) cannot be trained again: \(obstacle)",
                        remedy: "`sower why \(cell.cell)` says which inputs it has, and `sower job run JOB` makes one again."))
            }
        }
    }

    // MARK: For people

    private static func words(_ count: Int, _ what: String, outdated: Int) -> String {
        guard count > 0 else { return "" }
        return ", \(count) \(what)"
            + (outdated == 0
                ? ""
                : " (\(outdated) of them not derived again: a sweep is running, the ledger has changed since, or another build wrote them)")
    }

    var lines: [String] {
        let counts =
            "\(jobs) jobs, \(epochs) epochs, \(cells) cells, \(artifacts) artifacts (\(artifactBytes) bytes)"
            + Self.words(exports, "exported files", outdated: outdatedExports) + Self.words(figures, "figures", outdated: outdatedFigures)
        let replayed = replay?.lines ?? []
        guard !problems.isEmpty else { return ["\(study): \(counts): nothing is wrong"] + replayed }
        let shown = problems.prefix(10).flatMap { ["  \($0.what)", "    → \($0.remedy)"] }
        let rest = problems.count > 10 ? ["  and \(problems.count - 10) more; --output-mode json lists them all"] : []
        return ["\(study): \(counts): \(problems.count) problems"] + shown + rest + replayed
    }
}
