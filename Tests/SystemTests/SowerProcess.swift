import Foundation
import Processes

/// The program under test.
enum Sower {
    /// `SOWER_BINARY`, or the product that was built beside this test bundle.
    static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["SOWER_BINARY"] { return path }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let folders = [own, CommandLine.arguments[0], Bundle.main.bundlePath + "/x"].map {
            URL(fileURLWithPath: $0).deletingLastPathComponent()
        }
        let places = folders.map { $0.appendingPathComponent("sower").path }
        return places.first { FileManager.default.isExecutableFile(atPath: $0) } ?? places[0]
    }()
}

/// One `sower` process: what it prints, how it ends, and a deadline on everything.
///
/// It is the first of its own process group, and it is killed when this object goes away.
final class SowerProcess {
    let command: String
    private let process: ChildProcess
    private let errorPath: String
    private var output: [UInt8] = []

    init(_ arguments: [String], environment: [String: String], errorPath: String) throws {
        command = "sower " + arguments.joined(separator: " ")
        self.errorPath = errorPath
        process = try ChildProcess(
            executable: Sower.binary, arguments: arguments, environment: environment, readsOutput: true, errorPath: errorPath,
            ownGroup: true)
    }

    var processID: pid_t { process.processID }

    /// What it has said on standard error so far.
    var standardError: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }

    var isRunning: Bool {
        drain()
        return process.endIfOver() == nil
    }

    /// Sends the signal as a terminal would: to the whole process group.
    func signalGroup(_ signal: Int32) { _ = kill(-processID, signal) }

    /// Waits for the end; a process that does not end in time is killed, and that is an error.
    func finish(within seconds: Double = 120) throws -> Ending {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            // Over first, then the rest of its output: nothing is printed in between.
            if let end = endAfterDraining() { return Ending(end: end, output: output, standardError: standardError) }
            usleep(5_000)
        }
        process.kill()
        throw SystemTestError("\(command) did not end within \(seconds) s. Its standard error:\n\(standardError)")
    }

    private func endAfterDraining() -> ProcessEnd? {
        // The pipe's end of file comes with the end of the process: `ChildProcess` closes the pipe when it notices that.
        guard drain() else { return nil }
        return process.wait()
    }

    /// Whether the output has reached its end.
    @discardableResult private func drain() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(process.output, &buffer, buffer.count)
            if count > 0 { output += buffer[..<count] }
            if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { return true }
            if count < 0 && errno == EAGAIN { return false }
        }
    }

    struct Ending {
        var end: ProcessEnd
        var output: [UInt8]
        var standardError: String

        var text: String { String(decoding: output, as: UTF8.self) }
        var exitCode: Int32? { if case .exited(let code) = end { code } else { nil } }
        /// The second line of an error: what to do next.
        var remedy: String? {
            standardError.split(separator: "\n").first { $0.hasPrefix("  → ") }.map { String($0.dropFirst(4)) }
        }
    }
}

/// A test that cannot go on.
struct SystemTestError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
