import Foundation
import Processes

/// Starts workers as child processes on this host and starts a worker anew when its process ends unexpectedly.
///
/// Each worker has its parent's pipe as its lifeline: when the parent is gone, even by SIGKILL, the worker ends and takes
/// its runners along. Workers have process groups of their own, so Ctrl-C reaches only the parent, which ends them in
/// order.
package final class LocalLauncher {
    /// What a worker is there for: a sweep cannot end while a kind that it needs has none left.
    package enum Kind: Sendable, Hashable { case ordinary, central }

    /// One worker to keep running.
    package struct Worker: Sendable {
        package var kind: Kind
        /// The name it greets with; each restart adds a number.
        package var name: String
        /// Everything after the executable; the launcher adds `--name`.
        package var arguments: [String]
        package var logPath: String

        package init(kind: Kind, name: String, arguments: [String], logPath: String) {
            self.kind = kind
            self.name = name
            self.arguments = arguments
            self.logPath = logPath
        }
    }

    /// A worker that ends so often is not started again.
    static let restartLimit = 5

    private struct Running {
        var worker: Worker
        var process: ChildProcess
        var starts: Int
    }

    private let executable: String
    private let environment: [String: String]
    private var running: [String: Running] = [:]
    /// Why workers are no longer started, for the person who waits.
    package private(set) var abandoned: [(worker: Worker, reason: String)] = []

    package init(executable: String, environment: [String: String]) {
        self.executable = executable
        self.environment = environment
    }

    /// The kinds of which workers were started and none is left.
    package var desertedKinds: Set<Kind> {
        Set(abandoned.map(\.worker.kind)).subtracting(running.values.map(\.worker.kind))
    }

    package func start(_ worker: Worker) throws(ProcessError) { try start(worker, starts: 1) }

    /// Workers whose process has ended since the last call, each with the reason; those within the limit run again, unless
    /// they ended well: then somebody has told them to leave.
    package func takeEnded() -> [(worker: String, reason: String)] {
        var ended: [(worker: String, reason: String)] = []
        for (name, entry) in running {
            guard let end = entry.process.endIfOver() else { continue }
            running[name] = nil
            ended.append((name, "its process ended with \(end), see \(entry.worker.logPath)"))
            guard end != .exited(0) else {
                abandoned.append((entry.worker, "it was told to leave, see \(entry.worker.logPath)"))
                continue
            }
            guard entry.starts <= Self.restartLimit, (try? start(entry.worker, starts: entry.starts + 1)) != nil else {
                abandoned.append((entry.worker, "its process ended \(entry.starts) times, last with \(end), see \(entry.worker.logPath)"))
                continue
            }
        }
        return ended
    }

    /// Waits for the workers to end by themselves, then ends those that have not.
    package func stop(within seconds: Double) {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            running = running.filter { $0.value.process.endIfOver() == nil }
            if running.isEmpty { return }
            usleep(10_000)
        }
        for entry in running.values { entry.process.kill() }
        running = [:]
    }

    private func start(_ worker: Worker, starts: Int) throws(ProcessError) {
        let name = starts == 1 ? worker.name : "\(worker.name)-restart-\(starts - 1)"
        let process = try ChildProcess(
            executable: executable, arguments: worker.arguments + ["--name", name], environment: environment,
            readsOutput: false, errorPath: worker.logPath, ownGroup: true)
        running[name] = Running(worker: worker, process: process, starts: starts)
    }
}
