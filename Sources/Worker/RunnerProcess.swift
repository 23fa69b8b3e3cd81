import Coordination
import Foundation
import Processes

/// One runner child: a persistent process that runs a slot's jobs one after another.
///
/// It is spoken to in frames on its standard input and output; its standard error goes to the worker's. It ends when its
/// input is closed, so no runner outlives its worker, however that ends; a scheduler's SIGTERM to every process leaves it alone. It leads
/// a process group: the command that it runs ends with it, even when it is killed.
package final class RunnerProcess {
    private let process: ChildProcess
    private var splitter = FrameSplitter()
    private let log: RunnerLog
    /// The kernel's count when the runner got its job, at most a second older: it costs too much for jobs of a millisecond.
    private var outOfMemoryKills = OutOfMemoryKills.count
    private var countedAt = ContinuousClock.now
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// Starts `executable` with `arguments`; `environment` is the whole of its environment.
    package init(executable: String, arguments: [String], environment: [String: String]) throws(ProcessError) {
        process = try ChildProcess(
            executable: executable, arguments: arguments, environment: environment, readsOutput: true, readsErrors: true,
            ownGroup: true, blocksEnd: true)
        log = RunnerLog(descriptor: process.errors)
    }

    /// Readable when the runner has spoken or has ended.
    package var output: Int32 { process.output }
    /// Readable when the runner has printed something for people.
    package var errors: Int32 { process.errors }

    /// Passes on to the worker's log what the runner has printed; `false` when no more can come.
    package func passOnLog() -> Bool { log.passOn() }

    /// Hands the runner a job. A frame is smaller than a pipe's buffer and the runner always reads, so this does not wait.
    ///
    /// A runner that is gone is noticed at its output, not here.
    package func send(_ request: RunnerRequest) {
        log.beginJob()
        if ContinuousClock.now - countedAt > .seconds(1) {
            outOfMemoryKills = OutOfMemoryKills.count
            countedAt = .now
        }
        let bytes = FrameSplitter.framed(request.frame)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(process.input, $0.baseAddress! + sent, bytes.count - sent) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// What the runner has said, and how it ended if it has.
    package func receive() -> (messages: [RunnerMessage], death: JobFailure?) {
        var hasEnded = false
        while true {
            let count = read(process.output, &buffer, buffer.count)
            if count > 0 {
                splitter.append(buffer[..<count])
                // A short read has emptied the pipe; what comes later is told by the next poll.
                if count < buffer.count { break }
            } else if count == 0 {
                hasEnded = true
                break
            } else if errno != EINTR {
                break
            }
        }
        var messages: [RunnerMessage] = []
        do {
            while let frame = try splitter.next() { messages.append(try RunnerMessage(frame: frame)) }
        } catch {
            process.kill()
            return (messages, JobFailure(.crashed, "the runner's output is not its protocol (\(error)): does a library print there?"))
        }
        guard hasEnded else { return (messages, nil) }
        log.passOn()
        let kills = OutOfMemoryKills.count - outOfMemoryKills
        return (messages, RunnerDeath.failure(process.waitForGroup(), outOfMemoryKills: kills, lastLines: log.lastLines))
    }

    /// Ends the process at once.
    package func end() { process.kill() }
}
