import Coordination
import Foundation
import Processes
import Studies

extension JobRunner {
    /// Runs a program to its end; it finishes with exit code 0.
    ///
    /// What it prints goes to this process's standard error, the worker's log; of its own standard error the end is kept, for the
    /// failure's message. Errors: ``JobError/commandsNotAllowed``, ``JobError/commandFailed(_:_:tail:)``, `ProcessError` when it
    /// cannot start.
    func command(_ spec: CommandSpec) throws {
        guard allowsCommands else { throw JobError.commandsNotAllowed }
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let errors = try errorFile ?? TailFile()
        errorFile = errors
        try errors.clear()
        let environment = ProcessInfo.processInfo.environment.merging(spec.environment) { $1 }
        let end = try CommandProcess.run(
            spec.arguments, environment: environment, folder: scratch.path, output: 2, errors: errors.descriptor)
        guard end == .exited(0) else {
            throw JobError.commandFailed(spec.arguments[0], end, tail: errors.tail(1000))
        }
    }
}

/// A folder of one command's own.
private struct ScratchFolder {
    let path: String

    init() throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/sower-command-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw ProcessError.system("mkdtemp", errno) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    func remove() {
        // Most commands leave nothing there.
        if rmdir(path) != 0 { try? FileManager.default.removeItem(atPath: path) }
    }
}

/// A nameless file that a child's output goes to. Unlike a pipe, nobody has to read it while the child runs, and what the
/// child leaves running cannot hold it open against us.
final class TailFile {
    let descriptor: Int32

    init() throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/sower-errors-XXXXXX").utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw ProcessError.system("mkstemp", errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // After the file was cleared, a writer goes on at its end, not where it was.
        _ = fcntl(descriptor, F_SETFL, O_APPEND)
        unlink(template)
    }

    deinit { close(descriptor) }

    func clear() throws { if ftruncate(descriptor, 0) != 0 { throw ProcessError.system("ftruncate", errno) } }

    /// The last bytes as text, from the beginning of a character.
    func tail(_ count: Int) -> String {
        let size = Int(lseek(descriptor, 0, SEEK_END))
        var bytes = [UInt8](repeating: 0, count: min(count, max(0, size)))
        let read = pread(descriptor, &bytes, bytes.count, off_t(size - bytes.count))
        let isContinuation = { (byte: UInt8) in byte & 0xC0 == 0x80 }
        return String(decoding: bytes.prefix(max(0, read)).drop(while: isContinuation), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
