import ArgumentParser
import Coordination
import Failpoints
import Foundation
import Jobs
import Tensors

/// A worker's child: runs the jobs that arrive on standard input, one after another.
struct RunnerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runner", abstract: "Run jobs for a worker (started by it).", shouldDisplay: false)

    @Option(help: "Threads of a training.")
    var threads = 1

    @Flag(help: "Run jobs that are commands.")
    var allowCommand = false

    func run() throws {
        // Schedulers that end a job send SIGTERM to every process of it; what becomes of a runner is its worker's decision, and an end
        // by a signal would count as a crash of the job. Its worker has blocked both since before the first instruction.
        signal(SIGTERM, SIG_IGN)
        signal(SIGINT, SIG_IGN)
        try BLAS.setThreads(1)
        let runner = JobRunner(threads: max(1, threads), allowsCommands: allowCommand, now: MonotonicClock.now)
        let requests = RequestReader()
        requests.watchForEnd()
        send(.ready(numericClass: NumericClass.current))
        while true {
            let request = requests.next()
            Failpoint.runnerTakeAfter.pass()
            let result = runner.run(request, onCheckpoint: { send(.checkpoint($0)) }) { send(.epoch($0)) }
            send(.ended(result))
        }
    }

    private func send(_ message: RunnerMessage) {
        Failpoint.runnerAnswerBefore.pass()
        defer { Failpoint.runnerAnswerAfter.pass() }
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

/// Reads requests from standard input, and ends the process when the worker is gone, in the middle of a training too.
private final class RequestReader {
    private var splitter = FrameSplitter()
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// A thread that waits for nothing but the end of the pipe: without events to ask for, poll(2) reports POLLHUP alone.
    func watchForEnd() {
        let thread = Thread {
            var end = pollfd(fd: 0, events: 0, revents: 0)
            while poll(&end, 1, -1) < 0 && errno == EINTR {}
            Self.endWithCommand()
        }
        thread.name = "end"
        thread.start()
    }

    /// The next request; waits for it. Does not return when there is none any more.
    func next() -> RunnerRequest {
        do {
            while true {
                if let frame = try splitter.next() { return try RunnerRequest(frame: frame) }
                let count = read(0, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { Self.endWithCommand() }
                splitter.append(buffer[..<count])
            }
        } catch {
            printToError("sower runner: the worker's bytes are no request: \(error)")
            _exit(2)
        }
    }

    /// A worker starts its runners as leaders of process groups, so that the command under way can be ended too. One that a
    /// person has started is in a group with others.
    private static func endWithCommand() -> Never {
        if getpgrp() == getpid() { kill(0, SIGKILL) }
        _exit(0)
    }
}

/// The process's monotonic clock.
enum MonotonicClock {
    private static let start = ContinuousClock.now
    static func now() -> Duration { ContinuousClock.now - start }
}
