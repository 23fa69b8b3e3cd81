import ArgumentParser
import Coordination
import Foundation
import LedgerStore

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "What the workers of this host said while they ran a job.",
        discussion: "JOB is the beginning of a job's id (`sower status --cells` lists them). Workers of other hosts keep their own logs.")

    @Argument(help: "A job's id, or its beginning.")
    var job: String

    @Flag(name: [.short, .long], help: "Go on printing until the job is settled.")
    var follow = false

    @Option(help: "The study in whose folder to look; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption

    func run() throws {
        Signals.catchThem()
        let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results))
        let id = try recorded.reader.job(prefix: job).id
        let folder = recorded.folder.logs
        var logs: [String: JobLog] = [:]
        var hasPrinted = false
        while true {
            let row = try recorded.reader.job(prefix: id.digest.hex)
            for name in ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() where name.hasSuffix(".log") {
                let lines = logs[name, default: JobLog(job: id.short)].readOn(folder + "/" + name)
                for line in lines { print("\(name): \(line)") }
                if !lines.isEmpty { hasPrinted = true }
            }
            guard follow, row.state == .waiting || row.state == .running, Signals.pending == nil else { break }
            usleep(500_000)
        }
        if let code = Signals.pending { throw Stop(code) }
        if !hasPrinted { try explainSilence(recorded, id.digest.hex) }
    }

    private func explainSilence(_ recorded: RecordedStudy, _ id: String) throws {
        let row = try recorded.reader.job(prefix: id)
        let attempts = try recorded.reader.attempts(row.id)
        guard let last = attempts.last else {
            throw Stop(.configuration, "no worker has had job \(row.id.short) yet", remedy: "`sower why \(row.id.short)` says what it waits for.")
        }
        throw Stop(
            .configuration, "no log in \(recorded.folder.logs) speaks of job \(row.id.short); attempt \(last.number) was on \(last.worker), host \(last.host)",
            remedy: "Look at the log of that worker on its host.")
    }
}

/// The part of a worker's log that belongs to one job, read on as it grows.
///
/// A worker says which job and attempt it starts; what follows is that job's until it starts another.
struct JobLog {
    let job: String
    private var offset: UInt64 = 0
    private var rest = Data()
    private var isOurs = false

    init(job: String) { self.job = job }

    mutating func readOn(_ path: String) -> [String] {
        guard let file = FileHandle(forReadingAtPath: path) else { return [] }
        defer { try? file.close() }
        guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.readToEnd() else { return [] }
        offset += UInt64(data.count)
        rest.append(data)
        guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let whole = rest[..<end].split(separator: UInt8(ascii: "\n"))
        rest = Data(rest[rest.index(after: end)...])
        var lines: [String] = []
        for bytes in whole {
            let line = String(decoding: bytes, as: UTF8.self)
            if line.contains(": job "), line.contains(", attempt ") { isOurs = line.contains(": job \(job), attempt ") }
            if isOurs || line.contains("job \(job)") { lines.append(Self.printable(line)) }
        }
        return lines
    }

    /// Without what could steer a terminal.
    private static func printable(_ line: String) -> String {
        String(String.UnicodeScalarView(line.unicodeScalars.filter { $0 == "\t" || $0.properties.generalCategory != .control }))
    }
}
