import ArgumentParser
import Coordination
import Coordinator
import Foundation
import LedgerStore
import Studies

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Why a job is not running, or where its number came from.",
        discussion: """
            JOB is the beginning of a job's id, or a cell of the grid as ARM/PAIR/REPLICATE, for example random/10-14/1.
            Prints the job and everything it was made from: specifications, seeds, hosts, engine versions, artifacts.
            """)

    @Argument(help: "A job's id (or its beginning), or ARM/PAIR/REPLICATE.")
    var job: String

    @Flag(help: "Every source by itself, with its specification and whole digests.")
    var full = false

    @Option(help: "The study in whose ledger to look; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results))
        let cells = try recorded.reader.cellResults(study: recorded.id)
        let id = try job.contains("/") ? cell(of: cells).job.digest.hex : job
        let row = try recorded.reader.job(prefix: id)
        let report = try WhyReport(row, cells: cells.filter { $0.job == row.id }, recorded)
        switch output.outputMode {
        case .json: print(try JSONOutput.text(report))
        case .cli: print(report.text(isFull: full))
        case .quiet: break
        }
    }

    private func cell(of cells: [CellRow]) throws -> CellRow {
        guard let cell = cells.first(where: { $0.place == job }) else {
            throw Stop(
                .configuration, "the study has no cell \(job.prefix(200))",
                remedy:
                    "`sower status --cells` lists them; write ARM/PAIR/REPLICATE, for example \(cells.first?.place ?? "random/10-14/1").")
        }
        return cell
    }
}

/// A job, what became of it, and everything it was made from.
struct WhyReport: Codable {
    struct Attempt: Codable {
        var number: Int
        var state: String
        var worker: String
        var host: String
        var startedAt: Date
        var endedAt: Date?
        var reason: String?
        var message: String?
    }

    struct Cell: Codable {
        var arm, pair: String
        var replicate, epoch: Int
        var validationAccuracy: Double
    }

    /// Where the job comes from.
    struct Origin: Codable {
        var name: String
        /// SHA-256 of the study without paths.
        var digest: String
        var profile: String
        var evaluationProtocol: String
        /// The root of every seed.
        var seed: String
        /// Where it departs from what its profile published.
        var deviations: [String]

        enum CodingKeys: String, CodingKey {
            case name, digest, profile, seed, deviations
            case evaluationProtocol = "protocol"
        }
    }

    /// 2: what the job was made from has settings, seeds, hosts and artifacts with their sizes.
    var version = 2
    var kind = "why"
    var study: Origin
    var job: String
    var what: String
    var state: String
    var explanation: String
    var cells: [Cell]
    var specification: String
    var numericClass: String?
    var resultDigest: String?
    var settledAt: Date?
    var attempts: [Attempt]
    /// The job itself once more, with everything it was made from.
    var lineage: LineageNode

    init(_ row: JobRow, cells: [CellRow], _ recorded: RecordedStudy) throws {
        study = Origin(
            name: recorded.study.name, digest: recorded.study.digest.hex, profile: recorded.study.profile.rawValue,
            evaluationProtocol: recorded.study.evaluationProtocol.rawValue, seed: String(recorded.study.seed),
            deviations: recorded.study.deviations)
        job = row.id.digest.hex
        what = Self.words(row)
        state = row.state.rawValue
        specification = String(decoding: row.spec, as: UTF8.self)
        numericClass = row.numericClass
        resultDigest = row.resultDigest?.hex
        settledAt = row.settledAt
        self.cells = cells.compactMap { cell in
            cell.epochs.last.map {
                Cell(
                    arm: cell.arm, pair: Study.name(of: cell.pair), replicate: cell.replicate, epoch: $0.epoch,
                    validationAccuracy: $0.validationAccuracy)
            }
        }
        attempts = try recorded.reader.attempts(row.id).map {
            Attempt(
                number: $0.number, state: $0.state.rawValue, worker: $0.worker, host: $0.host, startedAt: $0.startedAt,
                endedAt: $0.endedAt, reason: $0.failure?.code, message: $0.failure?.message ?? $0.note)
        }
        lineage = try LineageNode(row, recorded)
        explanation = Self.explanation(row, sources: lineage.sources, recorded)
    }

    private static func explanation(_ row: JobRow, sources: [LineageNode], _ recorded: RecordedStudy) -> String {
        let isCoordinated = recorded.reader.coordinatorProcess != nil
        let resume =
            "`\(recorded.folder.resumeCommand(results: URL(fileURLWithPath: recorded.folder.path).deletingLastPathComponent().path))` goes on"
        switch row.state {
        case .finished: return "It is finished; its first result stands."
        case .diverged:
            let place = row.divergedAt.map { "in epoch \($0.epoch), step \($0.step)" } ?? ""
            return "Its loss became NaN or infinite \(place): a result without an accuracy, and nothing can start from it."
        case .failed:
            let failure = row.failure.map { "\($0.code): \($0.message)" } ?? ""
            return "It has failed for good. \(failure) Mend the cause, then run the study with --retry-failed."
        case .running: return isCoordinated ? "It is running." : "It was running when its coordinator ended; \(resume)."
        case .waiting:
            let missing = sources.filter { $0.state != JobState.finished.rawValue }
            if !missing.isEmpty {
                let names = missing.prefix(3).map { "\($0.job.prefix(12)) (\($0.what), \($0.state))" }.joined(separator: ", ")
                return "It waits for \(missing.count) of its \(sources.count) inputs: \(names)\(missing.count > 3 ? ", …" : "")."
            }
            guard isCoordinated else { return "No coordinator is running; \(resume)." }
            let reply = try? OperatorClient.ask(.explain(row.id), at: SocketFolder(find: recorded.folder).commands, within: 2)
            return reply?.notes.first ?? "Nothing is missing: it starts when a slot is free."
        }
    }

    /// The job in a few words.
    static func words(_ row: JobRow) -> String {
        guard let spec = try? JSONDecoder().decode(JobSpec.self, from: Data(row.spec)) else { return row.kind.rawValue }
        switch spec {
        case .train(let train):
            let start: String
            switch train.start {
            case .random: start = "its default start"
            case .gabor(let layers): start = "Gabor filters in \(layers) layers"
            case .weights(let job, let head): start = "the weights of \(job.short)\(head == .fresh ? " with a fresh head" : "")"
            case .filters(let job, let layers): start = "the filters of \(job.short) in \(layers) layers"
            }
            return
                "train \(train.model.architecture) on \(train.superclasses.isEmpty ? "all classes" : "superclasses \(Study.name(of: train.superclasses))") from \(start)"
                + (train.trainer.map { " with \($0.name)" } ?? "")
        case .cluster(let cluster):
            return "cluster the kernels of \(cluster.sources.count) networks, \(cluster.distance.rawValue), k = \(cluster.clusters)"
        case .sample(let sample): return "sample \(sample.layers) layers from codebook \(sample.codebook.short)"
        case .align(let align):
            return "align the filters of \(align.sources.count) networks in \(align.layers) layers, \(align.matching.rawValue) matching"
        case .file(let file): return "a file of \(file.size) bytes, SHA-256 \(file.digest.short)…"
        case .command(let command): return "run " + command.arguments.map(shellWord).joined(separator: " ")
        case .noop(let noop): return "no-op \(noop.index)"
        }
    }

    // MARK: For people

    func text(isFull: Bool) -> String {
        var lines = ["job \(job.prefix(12))  \(state)  \(what)", "  " + explanation]
        for cell in cells {
            lines.append(
                "  cell \(cell.arm) \(cell.pair) replicate \(cell.replicate): validation accuracy \(String(format: "%.2f", cell.validationAccuracy)) % after epoch \(cell.epoch)"
            )
        }
        if let resultDigest { lines.append("  result \(isFull ? resultDigest : String(resultDigest.prefix(12)))") }
        func short(_ digest: String) -> String { isFull ? digest : String(digest.prefix(12)) }
        lines.append(
            "  study \(study.name), SHA-256 \(short(study.digest)), profile \(study.profile), protocol \(study.evaluationProtocol), seed \(study.seed)"
        )
        if !study.deviations.isEmpty { lines.append("  not as published: \(study.deviations.joined(separator: "; "))") }
        if let dataset = lineage.dataset { lines.append("  data set SHA-256 \(short(dataset))") }
        if !attempts.isEmpty { lines.append("  attempts:") }
        for attempt in attempts {
            let reason = [attempt.reason, attempt.message].compactMap { $0 }.joined(separator: ": ")
            lines.append(
                "    \(attempt.number)  \(attempt.state) on \(attempt.worker) (\(attempt.host)), \(attempt.startedAt.formatted(.iso8601))"
                    + (attempt.endedAt.map { " to \($0.formatted(.iso8601))" } ?? "") + (reason.isEmpty ? "" : "  \(reason)"))
        }
        lines.append("  lineage:")
        lines += LineageText(lineage, isFull: isFull).lines.map { "    " + $0 }
        return lines.joined(separator: "\n")
    }
}
