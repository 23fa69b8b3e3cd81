import ArgumentParser
import Foundation
import Launchers
import Processes

/// The far side of the launchers; people have no use for it.
struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "Start and watch over a worker for a coordinator on another host (started by it).",
        shouldDisplay: false,
        subcommands: [Converse.self, Run.self], defaultSubcommand: Converse.self)

    /// Does what the first line of standard input asks, and says what happens on standard output.
    struct Converse: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "converse", abstract: "Do what standard input asks.")

        func run() throws {
            let report: (HostReport) -> Void = {
                print($0.line); fflush(nil)
            }
            guard let request = RequestLine.read().flatMap({ try? JSONDecoder().decode(HostRequest.self, from: $0) }) else {
                throw Stop(.configuration, "standard input holds no request", remedy: "`sower run --cluster` starts this by itself.")
            }
            do {
                switch request {
                case .supervise(let order, let place):
                    try WorkerKeeper(
                        order: order, logPlace: place, program: Executable.path, prepareKeys: ClusterKeys.prepare, report: report
                    ).run()
                case .examine(let examination):
                    report(.examined(HostExamination.facts(examination) { report(.looking(at: $0)) }))
                }
            } catch {
                let stop = Stop(error)
                report(.refused(reason: stop.message ?? "", remedy: stop.remedy ?? ""))
            }
        }
    }

    /// Becomes a worker on a node of Slurm.
    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "run", abstract: "Become the worker that an order's file describes.")

        @Argument var order: String

        func run() throws {
            guard let data = FileManager.default.contents(atPath: order), let order = try? JSONDecoder().decode(SlurmOrder.self, from: data)
            else {
                throw Stop(.configuration, "\(order) holds no worker's order", remedy: "`sower run --cluster` writes one.")
            }
            let variables = ProcessInfo.processInfo.environment
            var arguments = order.worker.arguments
            let cores = variables["SLURM_CPUS_ON_NODE"].flatMap { Int($0) } ?? ProcessInfo.processInfo.activeProcessorCount
            arguments += ["--slots", "\(order.slots ?? max(1, cores / order.threads))"]
            let end = variables["SLURM_JOB_END_TIME"]
            let timeLeft = end == nil && order.timeLimitSeconds == nil ? variables["SLURM_JOB_ID"].flatMap(SlurmTimeLeft.ask) : nil
            if let left = order.secondsLeft(endTime: end, timeLeft: timeLeft, now: Date().timeIntervalSince1970) {
                arguments += ["--lifetime", "\(left)s"]
            }
            guard let task = SlurmTaskID(environment: variables), let coordinator = order.worker.coordinatorKey else {
                throw Stop(
                    .configuration, "this is no task of a job array that a sweep has handed in",
                    remedy: "`sower run --cluster` hands one in.")
            }
            arguments += ["--coordinator-key=\(coordinator)", "--enrolment", "\(order.enrolment)/\(task.text)"]
            let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
            let name = "\(order.worker.name)-\(task.job)-\(task.index)-\(random)"
            let command = WorkerCommandLine(
                program: Executable.path, arguments: ["worker"] + arguments.map(HomeFolder.expanding) + ["--name", name],
                setup: order.worker.setup, environment: order.worker.environment)
            for (key, value) in command.environment { setenv(key, value, 1) }
            var words = ([command.executable] + command.arguments).map { strdup($0) } + [nil]
            execv(command.executable, &words)
            throw Stop(.configuration, "\(command.executable) cannot be started: \(String(cString: strerror(errno)))")
        }
    }
}

/// The rest of a job's time limit where the partition has set it, and Slurm is too old to say so in the job's environment.
private enum SlurmTimeLeft {
    static let seconds = 10.0

    /// In Slurm's words; `nil` when the node cannot ask, which leaves a worker that does not know when it has to end.
    static func ask(job: String) -> String? {
        guard let id = SlurmTask.jobID(job), let squeue = Programs.path(of: "squeue"),
            let conversation = try? Conversation(
                executable: squeue, arguments: ["--noheader", "--format=%L", "--jobs=\(id)"], seconds: seconds)
        else { return nil }
        var lines: [String] = []
        while true {
            let (more, ending) = conversation.poll()
            lines += more
            if ending != nil { return lines.first { !$0.isEmpty } }
            usleep(10_000)
        }
    }
}

/// The request's line, byte by byte: what follows belongs to the conversation.
private enum RequestLine {
    static let maximumBytes = 256 * 1024

    static func read() -> Data? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < maximumBytes {
            let count = Foundation.read(0, &byte, 1)
            if count < 0 && errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return Data(bytes) }
            bytes.append(byte)
        }
        return nil
    }
}
