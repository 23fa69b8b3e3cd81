import Digests
import Foundation
import Processes

/// One file on its way into a folder, by curl, which hands over the bytes; they end with this process, whatever ends it.
///
/// What has arrived stays in `NAME.part`, with the headers of the answer it came with in `NAME.headers`. The next attempt asks for
/// the rest by an HTTP range, on the condition (`If-Range`) that the file is still the one that its ETag or time of change names;
/// otherwise, or where the server knows no ranges, it begins anew. A file is whole when it has its size and its checksum, whatever
/// the server says.
///
/// Source: RFC 9110, sections 13.1.5 and 14; curl(1), exit codes.
package struct FileDownload {
    let file: PublishedFile
    /// The folder of the parts.
    let folder: String
    /// Seconds before each further attempt at one address that failed as it may be mended by waiting.
    var delays: [Double] = [1, 2, 4, 8, 16]
    /// Told why it waits.
    var tell: (String) -> Void = { _ in }
    /// Told of the bytes that are there, a few times a second.
    var progress: (_ bytes: Int) -> Void = { _ in }
    /// Asked a few times a second.
    var isCancelled: () -> Bool = { false }

    package init(_ file: PublishedFile, folder: String) {
        self.file = file
        self.folder = folder
    }

    /// The file, once it is whole.
    package var path: String { "\(folder)/\(file.name)" }
    private var part: String { path + ".part" }
    private var headers: String { path + ".headers" }
    private var newHeaders: String { path + ".headers.new" }

    /// How much of it is here.
    package var bytesHere: Int { FileSize.of(path) ?? FileSize.of(part) ?? 0 }

    /// Gets the file, or what is missing of it.
    ///
    /// Errors: ``DownloadError``, `CancellationError`.
    package func run() throws {
        if FileSize.of(path) == file.size, (try? checkSum(of: path)) == file.checksum { return }
        unlink(path)
        guard let curl = Programs.path(of: "curl") else { throw DownloadError.noProgram("curl") }
        // An answer that was cut short is finished from its part; if the bytes are wrong, they may be of two files.
        for wasFresh in [bytesHere == 0, true] {
            if FileSize.of(part) != file.size { try transfer(curl) }
            do {
                try check()
                break
            } catch let error as DownloadError {
                removeParts()
                if wasFresh { throw error }
            }
        }
        guard rename(part, path) == 0 else { throw DownloadError.unwritable(path: path, reason: String(cString: strerror(errno))) }
        unlink(headers)
    }

    private func check() throws {
        guard let size = FileSize.of(part), size == file.size else {
            throw DownloadError.wrongSize(file: file.name, actual: FileSize.of(part) ?? 0, expected: file.size)
        }
        let actual = try checkSum(of: part)
        guard actual == file.checksum else { throw DownloadError.wrongChecksum(file: file.name, actual: actual, expected: file.checksum) }
    }

    private func checkSum(of path: String) throws -> Checksum {
        switch file.checksum {
        case .sha256:
            var hasher = DigestHasher()
            try FileBytes.forEach(of: path) { hasher.update($0) }
            return .sha256(hasher.finalize().hex)
        case .md5:
            var hasher = MD5Hasher()
            try FileBytes.forEach(of: path) { hasher.update($0) }
            return .md5(hasher.hex)
        }
    }

    private func removeParts() { for path in [part, headers, newHeaders] { unlink(path) } }

    // MARK: Attempts

    /// All addresses, each with all its attempts.
    private func transfer(_ curl: String) throws {
        var reasons: [String] = []
        for address in file.addresses {
            var last = ""
            var waits = delays[...]
            while true {
                switch try attempt(curl, address) {
                case .whole: return
                case .again:
                    removeParts()
                    continue
                case .failed(let reason, let mayPass):
                    last = reason
                    guard mayPass, let wait = waits.popFirst() else { break }
                    tell("\(file.name): \(reason); trying again in \(wait) s")
                    try pause(wait)
                    continue
                }
                break
            }
            reasons.append("\(address): \(last)")
        }
        throw DownloadError.unreachable(file: file.name, reasons: reasons)
    }

    private func pause(_ seconds: Double) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if isCancelled() { throw CancellationError() }
            usleep(50_000)
        }
    }

    private enum Attempt {
        case whole
        /// What is here cannot be continued.
        case again
        case failed(reason: String, mayPass: Bool)
    }

    private func attempt(_ curl: String, _ address: String) throws -> Attempt {
        // The headers of an answer that was cut short, perhaps with the whole program.
        if let answer = AnswerHeaders(path: newHeaders), answer.isGood { rename(newHeaders, headers) }
        unlink(newHeaders)
        let start = FileSize.of(part) ?? 0
        if start > file.size { return .again }
        let descriptor = open(part, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw DownloadError.unwritable(path: part, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }

        let isLocal = address.hasPrefix("file:")
        var arguments = [
            "--disable", "--silent", "--show-error", "--fail", "--location", "--max-redirs", "10", "--proto",
            isLocal ? "=file" : "=http,https", "--proto-redir", "=http,https", "--connect-timeout", "20", "--speed-limit", "1",
            "--speed-time", "60", "--dump-header", newHeaders,
        ]
        if start > 0 {
            arguments += ["--continue-at", "\(start)"]
            if let validator = AnswerHeaders(path: headers)?.validator { arguments += ["--header", "If-Range: \(validator)"] }
        }
        var sink = Sink(descriptor: descriptor, path: part, bytes: start, limit: file.size, progress: progress, isCancelled: isCancelled)
        let (end, words) = try sink.run(curl, arguments + ["--", address])
        if sink.isTooMuch { return .failed(reason: "more than the \(file.size) bytes that it must have", mayPass: false) }
        guard end != .exited(0) else {
            // Whole for curl, so that another try would give the same.
            return sink.bytes == file.size
                ? .whole : .failed(reason: "it has \(sink.bytes) bytes there, expected \(file.size)", mayPass: false)
        }
        let status = AnswerHeaders(path: newHeaders)?.status
        return classify(end, status: status, words: words, isContinued: start > 0)
    }

    private func classify(_ end: ProcessEnd, status: Int?, words: String, isContinued: Bool) -> Attempt {
        guard case .exited(let code) = end else { return .failed(reason: "curl ended with \(end)", mayPass: false) }
        // 33: the server sent all of it in place of a range. 416: it has fewer bytes than are here. 36: so has a local file.
        if isContinued, code == 33 || code == 36 || (code == 22 && status == 416) { return .again }
        let reason = words.isEmpty ? "curl ended with exit code \(code)" : words
        // Refused for good: bad address or protocol, no such file, a certificate; or an HTTP status that waiting does not change.
        let isFinal =
            [1, 2, 3, 4, 9, 35, 37, 47, 51, 58, 60, 77].contains(code)
            || (code == 22 && (400..<500).contains(status ?? 0) && ![408, 425, 429].contains(status))
        return .failed(reason: reason, mayPass: !isFinal)
    }
}

/// Takes what curl prints.
private struct Sink {
    let descriptor: Int32
    let path: String
    var bytes: Int
    let limit: Int
    let progress: (Int) -> Void
    let isCancelled: () -> Bool
    var isTooMuch = false
    private var words: [UInt8] = []

    init(descriptor: Int32, path: String, bytes: Int, limit: Int, progress: @escaping (Int) -> Void, isCancelled: @escaping () -> Bool) {
        (self.descriptor, self.path, self.bytes, self.limit) = (descriptor, path, bytes, limit)
        (self.progress, self.isCancelled) = (progress, isCancelled)
    }

    /// - Returns: how it ended, and its last line of complaint.
    mutating func run(_ curl: String, _ arguments: [String]) throws -> (ProcessEnd, String) {
        let child = try ChildProcess(
            executable: curl, arguments: arguments, environment: ProcessInfo.processInfo.environment, readsOutput: true, readsErrors: true)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var lastWord = ContinuousClock.now - .seconds(1)
        while true {
            let end = child.isOver
            try drain(child, &buffer)
            if isTooMuch {
                child.kill()
                return (.exited(63), "")
            }
            if ContinuousClock.now - lastWord > .milliseconds(200) || end {
                lastWord = .now
                progress(bytes)
            }
            if end { break }
            if isCancelled() {
                child.kill()
                throw CancellationError()
            }
            var waiting = [child.output, child.errors].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            // At the end of both pipes poll returns at once: the child is about to be over.
            if poll(&waiting, 2, 100) > 0, waiting.allSatisfy({ $0.revents & Int16(POLLIN) == 0 }) { usleep(5000) }
        }
        let end = child.wait()
        guard fsync(descriptor) == 0 else { throw DownloadError.unwritable(path: path, reason: String(cString: strerror(errno))) }
        if end == .signalled(SIGINT) || end == .signalled(SIGTERM) { throw CancellationError() }
        let line = String(decoding: words, as: UTF8.self).split(separator: "\n").last.map { String($0.prefix(300)) } ?? ""
        return (end, line.hasPrefix("curl: ") ? String(line.dropFirst(6)) : line)
    }

    private mutating func drain(_ child: ChildProcess, _ buffer: inout [UInt8]) throws {
        while !isTooMuch {
            let count = read(child.output, &buffer, buffer.count)
            guard count > 0 else { break }
            if bytes + count > limit {
                isTooMuch = true
                break
            }
            try write(buffer, count)
            bytes += count
        }
        while true {
            let count = read(child.errors, &buffer, buffer.count)
            guard count > 0 else { break }
            words = (words + buffer[..<count]).suffix(2000)
        }
    }

    private func write(_ buffer: [UInt8], _ count: Int) throws {
        var done = 0
        while done < count {
            let written = buffer.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress! + done, count - done) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw DownloadError.unwritable(path: path, reason: String(cString: strerror(errno))) }
            done += written
        }
    }
}
