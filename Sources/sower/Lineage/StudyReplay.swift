import Artifacts
import Coordination
import Digests
import Foundation
import Jobs
import LedgerStore
import Studies
import Tensors

/// Some evaluations of a study trained again in this process, and compared with what the ledger says, to the bit.
struct StudyReplay: Codable {
    struct Cell: Codable {
        /// ARM/PAIR/REPLICATE.
        var cell: String
        var job: String
        var epochs: Int
        var artifacts: Int
        var seconds: Double
        /// Where it first differs; `nil` when every bit is the same.
        var difference: String?
        /// Why it could not be computed again.
        var obstacle: String?
    }

    /// Keys the choice: the same seed chooses the same cells of the same ledger.
    var seed: UInt64
    var numericClass: String
    var cells: [Cell] = []
    /// Settled cells that were not among those to choose from, and why.
    var leftOut: [String] = []

    enum CodingKeys: String, CodingKey {
        case seed, cells
        case numericClass = "numeric_class"
        case leftOut = "left_out"
    }

    /// Trains `count` cells again, or all when there are fewer. `onCell` is told of each when it has been compared.
    ///
    /// Throws `Stop` when there is none that this host could compute to the same bits.
    init(
        of recorded: RecordedStudy, count: Int, seed: UInt64, threads: Int, results: String, onCell: (Cell) -> Void
    ) throws {
        self.seed = seed
        numericClass = NumericClass.current
        let settled = try recorded.reader.cellResults(study: recorded.id).filter { $0.state == .finished || $0.state == .diverged }
        let chosen = try choose(count, of: settled, recorded, seed: seed)

        try BLAS.setThreads(1)
        let loaded = try LoadedStudy(recorded.study, results: results)
        let artifacts = try ArtifactStore(folder: recorded.folder.artifacts)
        let folder = try ReplayFolder(in: recorded.folder)
        defer { folder.remove() }
        let runner = JobRunner(threads: threads, now: MonotonicClock.now)
        for (row, job) in chosen {
            let inputs = try job.inputs.flatMap { input in
                try recorded.reader.job(prefix: input.digest.hex).artifacts.map { InputArtifact(job: input, artifact: $0) }
            }
            var cell = Cell(cell: row.place, job: job.id.digest.hex, epochs: row.epochs.count, artifacts: job.artifacts.count, seconds: 0)
            do {
                for input in inputs { try folder.link(input.artifact, from: artifacts) }
                let again = runner.run(
                    RunnerRequest(spec: job.spec, datasetPath: loaded.dataPath, storePath: folder.store.folder, inputs: inputs)
                ) { _ in }
                cell.seconds = again.seconds
                if case .failed(let failure) = again.outcome {
                    cell.obstacle = "\(failure.code): \(failure.message)"
                } else {
                    let outcome = job.divergedAt.map { AttemptOutcome.diverged(epoch: $0.epoch, step: $0.step) } ?? .finished
                    let first = RunnerResult(
                        outcome: outcome, epochs: Array(row.epochs), artifacts: job.artifacts, seconds: job.seconds ?? 0)
                    cell.difference = ResultDifference(recorded: first, again: again)?.description
                }
            } catch let error as ArtifactStoreError {
                cell.obstacle = error.errorDescription
            }
            cells.append(cell)
            onCell(cell)
        }
    }

    /// The first of a keyed shuffle of those that this host's arithmetic can give again, each job once.
    private mutating func choose(
        _ count: Int, of settled: [CellRow], _ recorded: RecordedStudy, seed: UInt64
    ) throws -> [(CellRow, JobRow)] {
        guard !settled.isEmpty else {
            throw Stop(.incomplete, "the study \(recorded.study.name) has no finished evaluation to replay", remedy: "Run it first.")
        }
        if let trainer = recorded.study.trainer {
            throw Stop(
                .configuration,
                "the evaluations of \(recorded.study.name) were trained by \(trainer.spec.numericClass), which promises no bits: "
                    + "they are not replayed",
                remedy: "`sower job run JOB --allow-command` trains one again.")
        }
        var others: [String: Int] = [:]
        for cell in settled where cell.numericClass != numericClass { others[cell.numericClass ?? "not recorded", default: 0] += 1 }
        leftOut = others.sorted { $0.key < $1.key }.map {
            "\($0.value) of \(settled.count) cells have the numeric class \($0.key), this host's is \(numericClass)"
        }
        var known: Set<JobID> = []
        let eligible = settled.filter { $0.numericClass == numericClass && known.insert($0.job).inserted }
        guard !eligible.isEmpty else {
            throw Stop(
                .configuration, "nothing can be replayed here: \(leftOut.joined(separator: "; "))",
                remedy: "Other arithmetic gives other last digits. Replay on a host, and with the build, that computed them.")
        }
        let order = SeedDerivation(root: seed).keyedOrder("replay", of: eligible, name: \.place)
        return try order.prefix(count).map { ($0, try recorded.reader.job(prefix: $0.job.digest.hex)) }
    }

    // MARK: For people

    var lines: [String] {
        let different = cells.count { $0.difference != nil }
        let stuck = cells.count { $0.obstacle != nil }
        let verdict =
            different + stuck == 0
            ? "every bit is the same"
            : [different > 0 ? "\(different) differ" : nil, stuck > 0 ? "\(stuck) could not be computed" : nil].compactMap { $0 }
                .joined(separator: ", ")
        return ["replayed \(cells.count) cells with \(numericClass), seed \(seed): \(verdict)"] + leftOut.map { "  left out: \($0)" }
    }
}

extension StudyReplay.Cell {
    var line: String {
        let size = "\(epochs) epochs" + (artifacts > 0 ? ", \(artifacts) artifacts" : "")
        let verdict = difference.map { "DIFFERENT: \($0)" } ?? obstacle.map { "not computed: \($0)" } ?? "the same"
        return "\(cell)  \(job.prefix(12))  \(size), \(String(format: "%.1f", seconds)) s: \(verdict)"
    }
}

extension CellRow {
    /// As commands name a cell: ARM/PAIR/REPLICATE.
    var place: String { "\(arm)/\(Study.name(of: pair))/\(replicate)" }
}
