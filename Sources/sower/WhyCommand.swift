import ArgumentParser
import Coordination
import Coordinator
import Foundation
import LedgerStore
import Studies

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Why a job is not running, or where its number came from.",
        discussion: "JOB is the beginning of a job's id, or a cell of the grid as ARM/PAIR/REPLICATE, for example random/10-14/1.")

    @Argument(help: "A job's id (or its beginning), or ARM/PAIR/REPLICATE.")
    var job: String

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
        case .cli: print(report.text)
        case .quiet: break
        }
    }

    private func cell(of cells: [CellRow]) throws -> CellRow {
        guard let cell = cells.first(where: { "\($0.arm)/\(Study.name(of: $0.pair))/\($0.replicate)" == job }) else {
            throw Stop(
                .configuration, "the study has no cell \(job.prefix(200))",
                remedy: "`sower status --cells` lists them; write ARM/PAIR/REPLICATE, for example \(cells.first.map { "\($0.arm)/\(Study.name(of: $0.pair))/\($0.replicate)" } ?? "random/10-14/1").")
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

    /// A job that this one reads, with those it reads in turn.
    struct Source: Codable {
        var job: String
        var what: String
        var state: String
        var artifacts: [String: String]
        var sources: [Source]
    }

    struct Cell: Codable {
        var arm, pair: String
        var replicate, epoch: Int
        var validationAccuracy: Double
    }

    var version = 1
    var kind = "why"
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
    var sources: [Source]

    init(_ row: JobRow, cells: [CellRow], _ recorded: RecordedStudy) throws {
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
        var known: Set<String> = []
        sources = try Self.sources(of: row, recorded, &known)
        explanation = Self.explanation(row, sources: sources, recorded)
    }

    private static func sources(of row: JobRow, _ recorded: RecordedStudy, _ known: inout Set<String>) throws -> [Source] {
        try row.inputs.map { input in
            let source = try recorded.reader.job(prefix: input.digest.hex)
            // A job that several read is followed once.
            let isNew = known.insert(input.digest.hex).inserted
            return Source(
                job: input.digest.hex, what: words(source), state: source.state.rawValue,
                artifacts: Dictionary(source.artifacts.map { ($0.name, $0.digest.hex) }, uniquingKeysWith: { first, _ in first }),
                sources: isNew ? try sources(of: source, recorded, &known) : [])
        }
    }

    private static func explanation(_ row: JobRow, sources: [Source], _ recorded: RecordedStudy) -> String {
        let isCoordinated = recorded.reader.coordinatorProcess != nil
        let resume = "`\(recorded.folder.resumeCommand(results: URL(fileURLWithPath: recorded.folder.path).deletingLastPathComponent().path))` goes on"
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
    private static func words(_ row: JobRow) -> String {
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
            return "train \(train.model.architecture) on superclasses \(Study.name(of: train.superclasses)) from \(start)"
                + (train.trainer.map { " with \($0.name)" } ?? "")
        case .cluster(let cluster):
            return "cluster the kernels of \(cluster.sources.count) networks, \(cluster.distance.rawValue), k = \(cluster.clusters)"
        case .sample(let sample): return "sample \(sample.layers) layers from codebook \(sample.codebook.short)"
        case .file(let file): return "a file of \(file.size) bytes, SHA-256 \(file.digest.short)…"
        case .command(let command): return "run " + command.arguments.map(shellWord).joined(separator: " ")
        case .noop(let noop): return "no-op \(noop.index)"
        }
    }

    // MARK: For people

    var text: String {
        var lines = ["job \(job.prefix(12))  \(state)  \(what)", "  " + explanation]
        for cell in cells {
            lines.append("  cell \(cell.arm) \(cell.pair) replicate \(cell.replicate): validation accuracy \(String(format: "%.2f", cell.validationAccuracy)) % after epoch \(cell.epoch)")
        }
        if let numericClass, let resultDigest {
            lines.append("  result \(resultDigest.prefix(12)), numeric class \(numericClass)")
        }
        if !attempts.isEmpty { lines.append("  attempts:") }
        for attempt in attempts {
            let reason = [attempt.reason, attempt.message].compactMap { $0 }.joined(separator: ": ")
            lines.append(
                "    \(attempt.number)  \(attempt.state) on \(attempt.worker) (\(attempt.host)), \(attempt.startedAt.formatted(.iso8601))"
                    + (attempt.endedAt.map { " to \($0.formatted(.iso8601))" } ?? "") + (reason.isEmpty ? "" : "  \(reason)"))
        }
        if !sources.isEmpty { lines.append("  made from:") }
        append(sources, indent: "    ", to: &lines)
        lines.append("  specification: \(specification)")
        return lines.joined(separator: "\n")
    }

    private func append(_ sources: [Source], indent: String, to lines: inout [String]) {
        for source in sources {
            lines.append("\(indent)\(source.job.prefix(12))  \(source.state)  \(source.what)")
            append(source.sources, indent: indent + "  ", to: &lines)
        }
    }
}
