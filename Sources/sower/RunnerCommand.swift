import ArgumentParser
import Coordination
import Foundation
import Jobs
import Synchronization
import Tensors

/// A worker's child: runs the jobs that arrive on standard input, one after another.
struct RunnerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runner", abstract: "Run jobs for a worker (started by it).", shouldDisplay: false)

    @Option(help: "Threads of a training.")
    var threads = 1

    func run() throws {
        BLAS.setThreads(1)
        let runner = JobRunner(threads: max(1, threads), now: MonotonicClock.now)
        let requests = RequestReader()
        requests.start()
        send(.ready(numericClass: NumericClass.current))
        while true {
            let request = requests.next()
            let result = runner.run(request, onCheckpoint: { send(.checkpoint($0)) }) { send(.epoch($0)) }
            send(.ended(result))
        }
    }

    private func send(_ message: RunnerMessage) {
        let bytes = FrameSplitter.framed(message.frame)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(1, $0.baseAddress! + sent, bytes.count - sent) }
            if count < 0 && errno == EINTR { continue }
            // The worker is gone.
            guard count > 0 else { _exit(0) }
            sent += count
        }
    }
}

/// Reads requests on a thread of its own, so that the end of the worker ends the runner in the middle of a training.
private final class RequestReader: Sendable {
    private let requests = Mutex<[RunnerRequest]>([])
    private let arrived = DispatchSemaphore(value: 0)

    func start() {
        let thread = Thread { [self] in
            var splitter = FrameSplitter()
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(0, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { _exit(0) }
                splitter.append(buffer[..<count])
                do {
                    while let frame = try splitter.next() {
                        let request = try RunnerRequest(frame: frame)
                        requests.withLock { $0.append(request) }
                        arrived.signal()
                    }
                } catch {
                    printToError("sower runner: the worker's bytes are no request: \(error)")
                    _exit(2)
                }
            }
        }
        thread.name = "requests"
        thread.start()
    }

    func next() -> RunnerRequest {
        arrived.wait()
        return requests.withLock { $0.removeFirst() }
    }
}

/// The process's monotonic clock.
enum MonotonicClock {
    private static let start = ContinuousClock.now
    static func now() -> Duration { ContinuousClock.now - start }
}
