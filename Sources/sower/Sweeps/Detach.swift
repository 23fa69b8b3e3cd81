import Coordinator
import Foundation
import LedgerStore
import Processes

extension Sweep {
    /// Runs here, or in a process of its own that no terminal ends.
    func run(_ option: DetachOption, _ results: ResultsOption) throws {
        guard option.detach else { return try run() }
        try detach(results)
    }

    /// Starts the same command without `--detach` in a session of its own, and waits until it has the ledger.
    private func detach(_ results: ResultsOption) throws {
        let folder = loaded.folder
        if let process = LedgerLock.holder(ledger: folder.ledger) {
            throw Stop(
                .unreachable, "a sweep of \(folder.name) is already running (process \(process))",
                remedy: "Follow it with: \(Self.attachCommand(folder, results))")
        }
        try FileManager.default.createDirectory(atPath: folder.logs, withIntermediateDirectories: true)
        let log = folder.logs + "/coordinator.log"
        let logSize = ((try? FileManager.default.attributesOfItem(atPath: log))?[.size] as? UInt64) ?? 0
        let daemon = try DetachedProcess.start(
            executable: Executable.path, arguments: CommandLine.arguments.dropFirst().filter { $0 != "--detach" },
            environment: ProcessInfo.processInfo.environment, logPath: log)
        let deadline = ContinuousClock.now + .seconds(60)
        while !isUp(daemon.processID) {
            guard daemon.isRunning, ContinuousClock.now < deadline else {
                let ending = SweepEnding.read(in: folder, process: daemon.processID)
                if ending?.exitCode == 0 { break }
                throw Stop(
                    ending.flatMap { SowerExit(rawValue: $0.exitCode) } ?? .incomplete,
                    "the sweep has not come up: \(ending?.message ?? Self.lastLine(of: log, from: logSize) ?? "it left no word")",
                    remedy: ending?.remedy ?? "Its log is \(log).")
            }
            usleep(20_000)
        }
        let report = DetachReport(study: folder.name, process: daemon.processID, log: log)
        switch mode {
        case .cli:
            print("\(folder.name) runs in the background: process \(report.process), log \(log)")
            print("Follow it with: \(Self.attachCommand(folder, results))")
        case .json: print(try JSONOutput.text(report))
        case .quiet: break
        }
    }

    /// Whether the process coordinates: it has the ledger, and its loop answers.
    private func isUp(_ process: pid_t) -> Bool {
        LedgerLock.holder(ledger: loaded.folder.ledger) == process
            && (try? OperatorClient.ask(.report, at: SocketFolder(find: loaded.folder).commands, within: 1)) != nil
    }

    private static func attachCommand(_ folder: StudyFolder, _ results: ResultsOption) -> String {
        "sower attach \(folder.name)\(ResultsOption.flag(results.results))"
    }

    private static func lastLine(of path: String, from offset: UInt64) -> String? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        try? file.seek(toOffset: offset)
        return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self).split(separator: "\n").last.map(String.init)
    }
}

private struct DetachReport: Codable {
    var version = 1
    var kind = "detached"
    var study: String
    var process: pid_t
    var log: String
}
