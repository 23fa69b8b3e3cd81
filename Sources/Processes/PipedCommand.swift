import CSpawn
import Foundation

/// A program whose output is read while it runs, in its parent's process group, so that it ends with that group.
///
/// Its standard input is empty. Its output is read until the program itself has ended: what it leaves running cannot keep its reader
/// waiting by holding the pipes open.
package enum PipedCommand {
    /// Runs the program to its end.
    ///
    /// - Parameters:
    ///   - arguments: the program, by absolute path or looked up in this process's `PATH`, and its arguments.
    ///   - environment: the whole of its environment.
    ///   - folder: its working directory.
    ///   - onOutput: takes what it prints, as it comes; when it throws, the program is ended and the error passed on.
    ///   - onErrors: takes what it prints on its standard error.
    ///
    /// Errors: `ProcessError`, and those of `onOutput`.
    package static func run(
        _ arguments: [String], environment: [String: String], folder: String, onOutput: (ArraySlice<UInt8>) throws -> Void,
        onErrors: (ArraySlice<UInt8>) -> Void
    ) throws -> ProcessEnd {
        var output = try Pipe()
        var errors = try Pipe()
        let child = try CommandProcess.start(
            arguments, environment: environment, folder: folder, output: output.writing, errors: errors.writing)
        output.closeWriting()
        errors.closeWriting()
        var end: ProcessEnd?
        do {
            while true {
                // Over first, then the rest of its output: nothing is printed in between.
                end = end ?? child.endIfOver()
                let hasEnded = end != nil
                var waiting = [output.awaited, errors.awaited]
                // The end of the program is no event here, so it is looked for.
                if !hasEnded { _ = poll(&waiting, 2, 50) }
                try output.drain(onOutput)
                try errors.drain(onErrors)
                if let end { return end }
            }
        } catch {
            child.kill()
            throw error
        }
    }

    /// A pipe whose reading end does not block.
    private struct Pipe: ~Copyable {
        let reading: Int32
        private(set) var writing: Int32
        private(set) var isAtEnd = false

        init() throws(ProcessError) {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw .system("pipe", errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            (reading, writing) = (ends[0], ends[1])
        }

        /// What to wait for; nothing at the end.
        var awaited: pollfd { pollfd(fd: isAtEnd ? -1 : reading, events: Int16(POLLIN), revents: 0) }

        deinit {
            close(reading)
            if writing >= 0 { close(writing) }
        }

        mutating func closeWriting() {
            close(writing)
            writing = -1
        }

        mutating func drain(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while !isAtEnd {
                let count = read(reading, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                if count < 0 { return }
                if count == 0 { isAtEnd = true } else { try body(buffer[..<count]) }
            }
        }
    }
}
