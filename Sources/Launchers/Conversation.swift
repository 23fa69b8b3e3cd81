import Foundation
import Processes

/// A child process that is spoken to in lines, without ever waiting for it. All it says is hostile: lines are short and few.
package final class Conversation {
    /// How it ended, with the first lines of its standard error.
    package struct Ending: Sendable, Equatable {
        package var end: ProcessEnd
        package var errors: [String]
        /// Whether its time was up, and it was ended here.
        package var hasTimedOut: Bool

        package init(end: ProcessEnd, errors: [String], hasTimedOut: Bool = false) {
            self.end = end
            self.errors = errors
            self.hasTimedOut = hasTimedOut
        }

        /// What the program said of its failure, or how it ended.
        package var reason: String {
            let text = errors.prefix(3).joined(separator: "; ")
            return text.isEmpty ? "it ended with \(end)" : text
        }
    }

    static let maximumErrorBytes = 8 * 1024
    /// More is not taken in one turn, whoever floods; a pipe holds less.
    static let turnBytes = 1 << 20

    private let process: ChildProcess
    private var waiting: [UInt8]
    private var output: [UInt8] = []
    private var errors: [UInt8] = []
    private let deadline: ContinuousClock.Instant?
    private var hasTimedOut = false
    private(set) var ending: Ending?

    /// - Parameters:
    ///   - lines: said first.
    ///   - inputPath: a file that is the standard input, in place of what is said.
    ///   - seconds: after which it is ended; `nil` for never.
    package init(
        executable: String, arguments: [String], lines: [String] = [], inputPath: String? = nil, seconds: Double? = nil
    ) throws(ProcessError) {
        process = try ChildProcess(
            executable: executable, arguments: arguments, environment: ProcessInfo.processInfo.environment, readsOutput: true,
            readsErrors: true, ownGroup: true, inputPath: inputPath)
        waiting = Array(lines.map { $0 + "\n" }.joined().utf8)
        deadline = seconds.map { ContinuousClock.now + .seconds($0) }
        if process.input >= 0 { _ = fcntl(process.input, F_SETFL, O_NONBLOCK) }
    }

    package func say(_ line: String) { waiting += Array((line + "\n").utf8) }

    /// Moves what can be moved; the lines that have arrived, and how the process has ended when it has.
    package func poll() -> (lines: [String], ending: Ending?) {
        if let ending { return ([], ending) }
        while !waiting.isEmpty, process.input >= 0 {
            let count = waiting.withUnsafeBytes { write(process.input, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            waiting.removeFirst(count)
        }
        // Over first, then the rest of what it said: nothing comes in between.
        let isOver = isChildOver()
        var lines = drain(process.output, into: &output)
        _ = drain(process.errors, into: &errors, keeps: Self.maximumErrorBytes)
        if let deadline, ContinuousClock.now > deadline, !isOver {
            hasTimedOut = true
            process.kill()
        }
        guard isOver || hasTimedOut else { return (lines, nil) }
        if !output.isEmpty { lines += Self.lines(of: output, includingRest: true).lines }
        var words = Self.lines(of: errors, includingRest: true).lines.filter { !$0.isEmpty }
        if hasTimedOut { words.insert("no answer in time", at: 0) }
        let result = Ending(end: process.wait(), errors: words, hasTimedOut: hasTimedOut)
        ending = result
        return (lines, result)
    }

    /// Ends it at once.
    package func close() { process.kill() }

    /// Looks without waiting for it, since that would close the pipes before they are read.
    private func isChildOver() -> Bool {
        var info = siginfo_t()
        guard waitid(P_PID, id_t(process.processID), &info, WEXITED | WNOWAIT | WNOHANG) == 0 else { return true }
        return info.si_signo == SIGCHLD
    }

    private func drain(_ descriptor: Int32, into bytes: inout [UInt8], keeps limit: Int? = nil) -> [String] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var taken = 0
        while taken < Self.turnBytes {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
            taken += count
            if let limit, bytes.count > limit { bytes.removeLast(bytes.count - limit) }
        }
        guard limit == nil else { return [] }
        let (lines, rest) = Self.lines(of: bytes, includingRest: false)
        bytes = rest
        if bytes.count > HostReport.maximumBytes { bytes = [] }
        return lines
    }

    private static func lines(of bytes: [UInt8], includingRest: Bool) -> (lines: [String], rest: [UInt8]) {
        var parts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let rest = includingRest ? [] : Array(parts.removeLast())
        return (parts.map { PrintableText.of(String(decoding: $0, as: UTF8.self)) }, rest)
    }
}

/// What another host has said, as it may be shown on a terminal.
package enum PrintableText {
    /// Without control characters but tabs.
    package static func of(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 == "\t" || $0.properties.generalCategory != .control }))
    }
}
