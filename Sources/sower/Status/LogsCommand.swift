import ArgumentParser
import Coordination
import Foundation
import Launchers
import LedgerStore

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "What workers said while they ran a job, or at all.",
        discussion: """
            JOB is the beginning of a job's id (`sower status --cells` lists them). Logs of workers that a sweep has started elsewhere are sent \
            to it, or lie in its folder; workers that were started by hand keep their own.
            """)

    @Argument(help: "A job's id, or its beginning.")
    var job: String?

    @Option(help: ArgumentHelp("All that a worker said: a host of the cluster file, or a log's name.", valueName: "host"))
    var worker: String?

    @Flag(name: [.short, .long], help: "Go on printing: until the job is settled, or Ctrl-C.")
    var follow = false

    @Option(help: "The study in whose folder to look; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption

    func validate() throws {
        guard (job == nil) != (worker == nil) else { throw ValidationError("name a job, or a worker by --worker HOST") }
    }

    func run() throws {
        Signals.catchThem()
        if let job { try show(job: job) }
        if let worker { try show(worker: worker) }
        if let code = Signals.pending { throw Stop(code) }
    }

    // MARK: A job

    private func show(job: String) throws {
        let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results))
        let id = try recorded.reader.job(prefix: job).id
        let folder = LogFolder(recorded.folder)
        var logs: [String: JobLog] = [:]
        var hasPrinted = false
        var isFirst = true
        while true {
            let row = try recorded.reader.job(prefix: id.digest.hex)
            // What a file that was put aside holds has been read under its earlier name.
            for log in folder.logs where isFirst || !log.isEarlier {
                let lines = logs[log.name, default: JobLog(job: id.short)].readOn(log.path)
                for line in lines { print("\(log.name).log: \(line)") }
                if !lines.isEmpty { hasPrinted = true }
            }
            isFirst = false
            guard follow, row.state == .waiting || row.state == .running, Signals.pending == nil else { break }
            usleep(500_000)
        }
        if Signals.pending == nil, !hasPrinted { try explainSilence(recorded, id.digest.hex) }
    }

    private func explainSilence(_ recorded: RecordedStudy, _ id: String) throws {
        let row = try recorded.reader.job(prefix: id)
        let attempts = try recorded.reader.attempts(row.id)
        guard let last = attempts.last else {
            throw Stop(
                .configuration, "no worker has had job \(row.id.short) yet", remedy: "`sower why \(row.id.short)` says what it waits for.")
        }
        throw Stop(
            .configuration,
            "no log in \(recorded.folder.logs) speaks of job \(row.id.short); attempt \(last.number) was on \(last.worker), host \(last.host)",
            remedy: "Look at the log of that worker on its host.")
    }

    // MARK: A worker

    private func show(worker: String) throws {
        let folder = LogFolder(try StudyFolder.find(study, in: results.results))
        let chosen = folder.logs.filter { $0.isOf(worker) }
        guard !chosen.isEmpty else {
            let names = Set(folder.logs.filter { !$0.isEarlier }.map(\.name)).sorted()
            throw Stop(
                .configuration,
                "no worker \(worker.prefix(200)) has left a log there; there \(names.isEmpty ? "is none" : "are \(names.joined(separator: ", "))")",
                remedy: "Name one of them, or look at the log on the worker's own host.")
        }
        var logs: [String: LineReader] = [:]
        var isFirst = true
        while true {
            for log in folder.logs where log.isOf(worker) && (isFirst || !log.isEarlier) {
                for line in logs[log.path, default: LineReader()].readOn(log.path) {
                    // Several are told apart: workers of a Slurm block, say.
                    print(chosen.count(where: { !$0.isEarlier }) > 1 ? "\(log.name).log: \(line)" : line)
                }
            }
            isFirst = false
            guard follow, Signals.pending == nil else { return }
            usleep(500_000)
        }
    }
}

/// The workers' logs of a study: of this host's, of those that ssh has started, and of Slurm's jobs.
private struct LogFolder {
    struct Log {
        var path: String
        /// Without what they end with; a log that was put aside has the name of the one after it.
        var name: String
        var isEarlier: Bool

        /// Whether it belongs to a host's worker, or is called so; to all workers of a Slurm block, for the block's name.
        func isOf(_ worker: String) -> Bool { [worker, "host-\(worker)"].contains(name) || (isOfSlurm && name.hasPrefix(worker + "-")) }

        var isOfSlurm = false
    }

    private let folder: StudyFolder

    init(_ folder: StudyFolder) { self.folder = folder }

    /// What was put aside comes first.
    var logs: [Log] {
        var logs: [Log] = []
        for (place, isOfSlurm) in [(folder.logs, false), (folder.slurm, true)] {
            for file in ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted() where file.hasSuffix(".log") {
                let stem = String(file.dropLast(".log".count))
                let isEarlier = stem.hasSuffix(".old")
                logs.append(
                    Log(
                        path: place + "/" + file, name: isEarlier ? String(stem.dropLast(".old".count)) : stem, isEarlier: isEarlier,
                        isOfSlurm: isOfSlurm))
            }
        }
        return logs.filter(\.isEarlier) + logs.filter { !$0.isEarlier }
    }
}

/// The lines of a file that grows, as they may be shown on a terminal.
struct LineReader {
    private var offset: UInt64 = 0
    private var rest = Data()

    mutating func readOn(_ path: String) -> [String] {
        guard let file = FileHandle(forReadingAtPath: path) else { return [] }
        defer { try? file.close() }
        // A shorter one has taken its place.
        if let size = try? file.seekToEnd(), size < offset { (offset, rest) = (0, Data()) }
        guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.readToEnd() else { return [] }
        offset += UInt64(data.count)
        rest.append(data)
        guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let whole = rest[..<end].split(separator: UInt8(ascii: "\n"))
        rest = Data(rest[rest.index(after: end)...])
        return whole.map { PrintableText.of(String(decoding: $0, as: UTF8.self)) }
    }
}

/// The part of a worker's log that belongs to one job, read on as it grows.
///
/// A worker says which job and attempt it starts; what follows is that job's until it starts another, in the next file too.
struct JobLog {
    let job: String
    private var readers: [String: LineReader] = [:]
    private var isOurs = false

    init(job: String) { self.job = job }

    mutating func readOn(_ path: String) -> [String] {
        let lines = readers[path, default: LineReader()].readOn(path)
        return lines.filter { line in
            if line.contains(": job "), line.contains(", attempt ") { isOurs = line.contains(": job \(job), attempt ") }
            return isOurs || line.contains("job \(job)")
        }
    }
}
