import Clusters
import Foundation
import Processes

/// What a Slurm job of ours is to do on its node: a file of mode 0600, since a queue shows every argument to everybody.
package struct SlurmOrder: Codable, Sendable, Equatable {
    package var worker: WorkerOrder
    /// Trainings at a time; `nil` for one for as many of the node's cores as `threads`.
    package var slots: Int?
    package var threads: Int

    package init(worker: WorkerOrder, slots: Int?, threads: Int) {
        self.worker = worker
        self.slots = slots
        self.threads = threads
    }
}

/// Keeps as many Slurm jobs of one worker each as the cluster file asks for: an array, whose tasks start one by one as the
/// queue gives nodes, and are requeued, preempted and cancelled one by one. Workers join and leave as they come.
package final class SlurmLauncher {
    /// A look at the queue this often.
    static let lookSeconds = 20.0
    /// An array that ends sooner has failed; after so many in a row no more is tried.
    static let shortestSeconds = 120.0
    static let failureLimit = 3

    private let name: String
    private let allocation: SlurmAllocation
    private let order: SlurmOrder
    private let study: String
    private let program: String
    private let folder: String
    private let tell: (String) -> Void
    private var job: String?
    private var submitted = ContinuousClock.now
    private var nextLook = ContinuousClock.now
    private var look: Conversation?
    private var states: [String] = []
    private var failures = 0
    private var lastSummary = ""
    /// Why no more is tried.
    package private(set) var problem: String?

    /// - Parameters:
    ///   - program: the program's path on the nodes.
    ///   - folder: where orders, the script and the logs lie; seen by the nodes under the same path.
    package init(
        name: String, allocation: SlurmAllocation, order: SlurmOrder, study: String, program: String, folder: String,
        tell: @escaping (String) -> Void
    ) {
        self.name = name
        self.allocation = allocation
        self.order = order
        self.study = study
        self.program = program
        self.folder = folder
        self.tell = tell
    }

    /// Hands the jobs in, or finds those of an earlier run of the sweep that still wait or run.
    package func submit() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if let earlier = try? String(contentsOfFile: jobFile, encoding: .utf8), let id = Self.jobID(earlier),
            let (text, _) = try? output("squeue", ["--noheader", "--format=%T", "--jobs=\(id)"]), !text.isEmpty
        {
            job = id
            tell("\(name): Slurm's job \(id) is still there")
            return
        }
        let orderFile = "\(folder)/\(name).json"
        try PrivateFile.write(JSONEncoder().encode(order), to: orderFile)
        let script = folder + "/worker.sh"
        try PrivateFile.write(Data(Self.script.utf8), to: script)
        let (text, errors) = try output("sbatch", arguments + [script, program, orderFile])
        guard let id = Self.jobID(text) else { throw LaunchError.slurm(errors.isEmpty ? "sbatch said \"\(text.prefix(200))\"" : errors) }
        try PrivateFile.write(Data((id + "\n").utf8), to: jobFile)
        job = id
        submitted = ContinuousClock.now
        nextLook = submitted + .seconds(Self.lookSeconds)
        tell(
            "\(name): Slurm has job \(id), \(allocation.nodes) \(allocation.nodes == 1 ? "node" : "nodes"); logs are \(folder)/\(name)-\(id)_*.log"
        )
    }

    /// A constant: what differs comes as parameters.
    package static let script = "#!/bin/sh\nexec \"$1\" host run \"$2\"\n"

    /// After `sbatch`, before the script.
    package var arguments: [String] {
        var arguments = [
            "--parsable", "--job-name=sower-\(study)", "--array=1-\(allocation.nodes)", "--nodes=1", "--ntasks=1", "--requeue",
            "--open-mode=append",
            "--output=\(folder)/\(name)-%A_%a.log", "--input=/dev/null", "--signal=B:TERM@60", "--chdir=\(folder)",
        ]
        if let slots = order.slots { arguments.append("--cpus-per-task=\(slots * order.threads)") }
        // Without a number of slots a worker takes the whole node.
        if allocation.exclusive || order.slots == nil { arguments.append("--exclusive") }
        if let seconds = allocation.timeLimitSeconds { arguments.append("--time=\(max(1, Int((seconds / 60).rounded(.up))))") }
        let words = [
            ("partition", allocation.partition), ("account", allocation.account), ("qos", allocation.qos),
            ("constraint", allocation.constraint),
            ("mem", allocation.memory),
        ]
        return arguments + words.compactMap { name, value in value.map { "--\(name)=\($0)" } }
    }

    /// Looks at the queue now and then; hands in anew what has ended by its time limit.
    package func turn() {
        guard problem == nil else { return }
        if let look {
            let (lines, ending) = look.poll()
            states += lines.flatMap { $0.split(separator: " ").map(String.init) }
            guard let ending else { return }
            self.look = nil
            nextLook = ContinuousClock.now + .seconds(Self.lookSeconds)
            // squeue also ends with an error for a job that it has forgotten.
            if ending.end == .exited(0) || ending.reason.contains("Invalid job id") { judge() }
        } else if ContinuousClock.now >= nextLook, let job, let squeue = Programs.path(of: "squeue") {
            states = []
            look = try? Conversation(executable: squeue, arguments: ["--noheader", "--array", "--format=%T", "--jobs=\(job)"], seconds: 30)
        }
    }

    private func judge() {
        let running = states.count { $0 == "RUNNING" || $0 == "COMPLETING" }
        let waiting = states.count - running
        let summary = "\(running) of \(allocation.nodes) run" + (waiting > 0 ? ", \(waiting) wait" : "")
        if summary != lastSummary { tell("\(name): \(summary)") }
        lastSummary = summary
        guard states.isEmpty else { return }
        failures = ContinuousClock.now - submitted < .seconds(Self.shortestSeconds) ? failures + 1 : 0
        guard failures < Self.failureLimit else {
            problem = "its jobs end at once; their logs are in \(folder)"
            tell("\(name): \(problem!)")
            return
        }
        do {
            try? FileManager.default.removeItem(atPath: jobFile)
            try submit()
        } catch {
            problem = (error as? any LocalizedError)?.errorDescription ?? "\(error)"
            tell("\(name): \(problem!)")
        }
    }

    /// Takes back what waits and ends what runs.
    package func stop() {
        look?.close()
        guard let job else { return }
        if (try? output("scancel", ["--quiet", job])) == nil { tell("\(name): Slurm's job \(job) could not be cancelled: scancel \(job)") }
        try? FileManager.default.removeItem(atPath: jobFile)
        self.job = nil
    }

    private var jobFile: String { "\(folder)/\(name).job" }

    /// `123` or `123;cluster`: the digits.
    package static func jobID(_ text: String) -> String? {
        let digits = text.trimmingCharacters(in: .whitespacesAndNewlines).prefix { $0.isASCII && $0.isNumber }
        return (1...12).contains(digits.count) ? String(digits) : nil
    }

    private func output(_ name: String, _ arguments: [String]) throws -> (text: String, errors: String) {
        guard let program = Programs.path(of: name) else { throw LaunchError.noProgram(name) }
        let conversation = try Conversation(executable: program, arguments: arguments, seconds: 30)
        var lines: [String] = []
        while true {
            let (more, ending) = conversation.poll()
            lines += more
            if let ending {
                guard ending.end == .exited(0) else { throw LaunchError.slurm("\(name): \(ending.reason)") }
                return (lines.joined(separator: "\n"), ending.errors.joined(separator: "; "))
            }
            usleep(10_000)
        }
    }
}

/// Files that only their owner reads: whole or not at all, and never for an instant with another mode.
package enum PrivateFile {
    package static func write(_ data: Data, to path: String) throws {
        let temporary = "\(path).\(getpid()).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw ProcessError.system("open \(temporary)", errno) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: data)
        try file.synchronize()
        guard rename(temporary, path) == 0 else { throw ProcessError.system("rename \(temporary)", errno) }
    }
}
