import Digests
import Failpoints
import Foundation
import Processes

/// The far side of a conversation: starts a worker that outlives it, or finds the one that runs, and watches over it.
package final class WorkerKeeper {
    /// What is remembered of a worker on its host's disk.
    package struct Record: Codable {
        package var name: String
        package var process: DetachedProcess
        package var log: String
        /// The digest of the command that it was started with; `nil` in what an earlier version has left.
        package var command: String?
    }

    /// A log longer than this is put aside before a worker begins to write on.
    static let longestLogBytes = 8 << 20
    static let tailLines = 20
    /// More is not sent of a worker that has ended.
    static let lastPieces = 2 * LogReading.backlogBytes / LogReading.pieceBytes

    /// The last line of a worker's log that has left in good order.
    package static let leavingWords = "left; what was not finished is the coordinator's to give to others"

    private let order: WorkerOrder
    private let logPlace: LogPlace?
    private let program: String
    /// Makes the worker's key pair and pins the coordinator's key: the worker's options, and the public key to be let in.
    private let prepareKeys: (WorkerOrder) throws -> (arguments: [String], key: String)?
    private let report: (HostReport) -> Void
    private var input: [UInt8] = []
    private var hasInputEnded = false

    /// - Parameter logPlace: up to where the worker's log has been sent before.
    package init(
        order: WorkerOrder, logPlace: LogPlace? = nil, program: String,
        prepareKeys: @escaping (WorkerOrder) throws -> (arguments: [String], key: String)?,
        report: @escaping (HostReport) -> Void
    ) {
        self.order = order
        self.logPlace = logPlace
        self.program = program
        self.prepareKeys = prepareKeys
        self.report = report
    }

    /// Goes on until the worker ends, is to be ended, or nobody listens any more (then the worker goes on alone).
    package func run() throws {
        guard (1...128).contains(order.id.utf8.count), order.id.utf8.allSatisfy(Self.isPlain), order.id.utf8.first != UInt8(ascii: ".")
        else {
            throw LaunchError.cannotPack("\"\(order.id.prefix(80))\" is no id of a worker")
        }
        var arguments = order.arguments
        if let keys = try prepareKeys(order) {
            arguments += keys.arguments
            report(.key(keys.key))
            guard waitForWord() == .go else { return }
        }
        let (record, isNew) = try startOrFind(arguments)
        report(.running(name: record.name, process: record.process, log: record.log, isNew: isNew))
        var log = WorkerLogReader(path: record.log, from: logPlace)
        func sendRest() { for _ in 0..<Self.lastPieces { if let piece = log.next() { report(.log(piece)) } } }
        while record.process.isRunning {
            let piece = log.next()
            if let piece { report(.log(piece)) }
            // A backlog is worked off in seconds, and nobody is flooded.
            switch word(within: piece == nil ? 500 : 50) {
            case .stop?:
                record.process.end()
                sendRest()
                report(.ended(reason: "it was told to end"))
                return
            case .go?, nil: break
            }
            if hasInputEnded { return }
        }
        sendRest()
        let last = tail(of: record.log)
        report(last.last?.hasSuffix(Self.leavingWords) == true ? .left : .ended(reason: lastWords(of: last)))
    }

    // MARK: The worker

    /// The worker that runs with these arguments, or a new one. One that was started otherwise (other slots, labels, data, keys) is
    /// told to leave: it gives back what it runs, and its successor delivers the results that are left.
    package func startOrFind(_ arguments: [String]) throws -> (Record, isNew: Bool) {
        let host = HostFolders.hostName
        let folders = try HostFolders()
        let path = "\(folders.running)/\(host)-\(order.id).json"
        // Two conversations about one worker: the second waits for the first to have started it.
        let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else { throw ProcessError.system("flock \(path).lock", errno) }
        defer { close(lock) }
        let digest = try commandDigest(arguments)
        if let data = FileManager.default.contents(atPath: path), let record = try? JSONDecoder().decode(Record.self, from: data),
            record.process.isRunning
        {
            if record.command == digest { return (record, false) }
            record.process.end()
        }
        let log = "\(folders.logs)/\(host)-\(order.id).log"
        if let size = (try? FileManager.default.attributesOfItem(atPath: log))?[.size] as? Int, size > Self.longestLogBytes {
            rename(log, WorkerLogReader.earlier(of: log))
        }
        let name = "\(order.name.prefix(100))-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
        let command = WorkerCommandLine(
            program: program, arguments: ["worker"] + arguments.map(HomeFolder.expanding) + ["--name", name],
            setup: order.setup, environment: order.environment)
        let process = try DetachedProcess.start(
            executable: command.executable, arguments: command.arguments, environment: command.environment, folder: HomeFolder.path,
            logPath: log)
        let record = Record(name: name, process: process, log: log, command: digest)
        do {
            if let code = Failpoint.workerRecordBefore.failure() { throw ProcessError.system("write \(path)", code) }
            try JSONEncoder().encode(record).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            // Nobody would find it again.
            process.end()
            throw error
        }
        Failpoint.workerRecordAfter.pass()
        return (record, true)
    }

    /// Not of the program: another build of the same version computes the same.
    private func commandDigest(_ arguments: [String]) throws -> String {
        let environment = order.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return Digest(of: try JSONEncoder().encode([arguments, environment, order.setup])).hex
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: Its log

    private func tail(of log: String) -> [String] {
        guard let file = FileHandle(forReadingAtPath: log) else { return [] }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > 8192 ? size - 8192 : 0)
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").suffix(Self.tailLines).map { PrintableText.of(String($0.prefix(1000))) }
    }

    /// The error that a program of ours ends with stands in its last lines, after its name.
    private func lastWords(of lines: [String]) -> String {
        lines.last { $0.hasPrefix("sower: ") }.map { String($0.dropFirst(7)) } ?? lines.last ?? "it left no word"
    }

    // MARK: What is said

    private func waitForWord() -> HostWord? {
        while !hasInputEnded { if let word = word(within: 1000) { return word } }
        return nil
    }

    private func word(within milliseconds: Int32) -> HostWord? {
        if !input.contains(UInt8(ascii: "\n")) {
            var wait = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, milliseconds) > 0 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = read(0, &buffer, buffer.count)
            if count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) { hasInputEnded = true }
            if count > 0 { input += buffer[..<count] }
        }
        guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else {
            if input.count > 1024 { hasInputEnded = true }
            return nil
        }
        defer { input.removeFirst(end + 1) }
        return HostWord(rawValue: String(decoding: input[..<end], as: UTF8.self))
    }
}

/// Where a launched worker's things lie on its host. Homes may be shared between hosts, so names hold the host's.
package struct HostFolders {
    package var running: String
    package var logs: String

    package init() throws {
        running = HomeFolder.path + "/.cache/sower/run"
        logs = HomeFolder.path + "/.cache/sower/log"
        for folder in [running, logs] {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
    }

    /// This host's name, as a part of a file's name.
    package static var hostName: String {
        String(
            ProcessInfo.processInfo.hostName.prefix(80).map {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") ? $0 : "_"
            })
    }
}

/// A worker's command with its environment, after the lines of a shell that prepare it.
package struct WorkerCommandLine {
    package var executable: String
    package var arguments: [String]
    package var environment: [String: String]

    package init(program: String, arguments: [String], setup: [String], environment: [String: String]) {
        // What belongs to the connection does not belong to the worker.
        self.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("SSH_") }.merging(environment) { $1 }
        guard !setup.isEmpty else {
            executable = program
            self.arguments = arguments
            return
        }
        // A login shell, since `module load` is one of its functions. The lines are the user's own; the program and its
        // arguments are handed over as parameters.
        let bash = "/bin/bash"
        let hasBash = FileManager.default.isExecutableFile(atPath: bash)
        executable = hasBash ? bash : "/bin/sh"
        let lines = setup.enumerated().map { number, line in
            "\(line)\n[ $? -eq 0 ] || { echo \"sower: line \(number + 1) of the host's setup failed\" >&2; exit 90; }\n"
        }
        self.arguments = (hasBash ? ["-l"] : []) + ["-c", lines.joined() + "exec \"$@\"", "sower", program] + arguments
    }
}
