import Clusters
import Foundation
import Keys
import Processes
import Transport

/// Carries out what `SlurmLaunch` decides for one block of the cluster file, one `squeue` or `sbatch` at a time.
///
/// Nothing waits but `stop`: `turn()` moves what can be moved, however slow Slurm is.
package final class SlurmLauncher {
    static let answerSeconds = 30.0
    /// A block has at most 1000 tasks; ended ones stay for some minutes.
    static let maximumLines = 20_000
    static let maximumReason = 500

    private let allocation: SlurmAllocation
    private let order: SlurmOrder
    private let study: String
    private let program: String
    private let folder: String
    private let tell: (String) -> Void
    private let start = ContinuousClock.now
    private let door: SlurmDoor
    private var launch: SlurmLaunch
    private var conversation: Conversation?
    private var lines: [String] = []
    /// What was wrong with the last array that was to be handed in.
    private var refusal: (any Error)?

    /// - Parameters:
    ///   - program: the program's path on the nodes.
    ///   - folder: where orders, the script and the logs lie; seen by the nodes under the same path.
    ///   - admit: lets the worker of a task in, by its key.
    ///   - withdraw: lets those of tasks that are over in no more.
    package init(
        name: String, allocation: SlurmAllocation, order: SlurmOrder, study: String, program: String, folder: String,
        admit: @escaping (SlurmTaskID, PublicKey) throws -> Void, withdraw: @escaping ([SlurmTaskID]) -> Void,
        tell: @escaping (String) -> Void
    ) {
        self.allocation = allocation
        self.order = order
        self.study = study
        self.program = program
        self.folder = folder
        self.tell = tell
        door = SlurmDoor(
            folder: EnrolmentFolder(path: order.enrolment), admit: admit, withdraw: withdraw, tell: { tell("\(name): \($0)") })
        launch = SlurmLaunch(
            name: name, nodes: allocation.nodes, timeLimitSeconds: order.timeLimitSeconds,
            earlier: Self.remembered("\(folder)/\(name).job"), folder: folder)
    }

    private var name: String { launch.name }

    /// Why not all runs that could: an error, or what Slurm says of those that wait.
    package var notice: String? { (door.problem ?? launch.notice).map { "\(name): \($0)" } }

    /// Why nobody will come, when that is certain.
    package var hopeless: (any Error)? {
        guard launch.isHopeless, let problem = launch.problem else { return nil }
        return refusal ?? LaunchError.noHostReached(["\(name): \(problem)"])
    }

    /// Moves what can be moved.
    package func turn() {
        door.turn(at: now, standing: launch.standing)
        guard let conversation else { return feed(.tick) }
        let (more, ending) = conversation.poll()
        lines += more.prefix(max(0, Self.maximumLines + 1 - lines.count))
        guard let ending else { return }
        self.conversation = nil
        feed(launch.phase == .listing ? listed(ending) : submitted(ending))
    }

    private var now: Double { (ContinuousClock.now - start) / .seconds(1) }

    private func feed(_ event: SlurmLaunch.Event) {
        let now = now
        var actions = launch.handle(event, at: now)
        while !actions.isEmpty {
            switch actions.removeFirst() {
            case .list(let jobs):
                do {
                    let which = "--jobs=\(jobs.joined(separator: ","))"
                    try begin("squeue", ["--noheader", "--array", "--states=all", "--format=\(SlurmTask.format)", which])
                } catch {
                    actions += launch.handle(.notListed(Self.text(error)), at: now)
                }
            case .submit(let tasks):
                do {
                    try handIn(tasks)
                } catch {
                    actions += launch.handle(refused(error), at: now)
                }
            case .remember(let jobs):
                remember(jobs)
            case .tell(let text):
                tell(text)
            }
        }
    }

    private func listed(_ ending: Conversation.Ending) -> SlurmLaunch.Event {
        // squeue ends with an error for a single job that it has forgotten.
        if ending.end != .exited(0) { return ending.reason.contains("Invalid job id") ? .listed([]) : .notListed(bounded(ending.reason)) }
        guard lines.count <= Self.maximumLines, let tasks = SlurmTask.list(lines) else {
            return .notListed("squeue said what nobody understands, \(lines.count) lines: \"\((lines.first ?? "").prefix(80))\"")
        }
        return .listed(tasks)
    }

    private func submitted(_ ending: Conversation.Ending) -> SlurmLaunch.Event {
        guard ending.end == .exited(0) else { return refused(LaunchError.slurm(bounded(ending.reason))) }
        guard let id = lines.first(where: { !$0.isEmpty }).flatMap(SlurmTask.jobID) else {
            return refused(LaunchError.slurm("sbatch said \"\((lines.first ?? "").prefix(200))\""))
        }
        refusal = nil
        return .submitted(job: id)
    }

    private func refused(_ error: any Error) -> SlurmLaunch.Event {
        refusal = error
        return .refused(Self.text(error))
    }

    private func handIn(_ tasks: Int) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try door.folder.prepare()
        let orderFile = "\(folder)/\(name).json"
        try PrivateFile.write(JSONEncoder().encode(order), to: orderFile)
        let script = folder + "/worker.sh"
        try PrivateFile.write(Data(Self.script.utf8), to: script)
        try begin("sbatch", arguments(tasks: tasks) + [script, program, orderFile])
    }

    /// A constant: what differs comes as parameters.
    package static let script = "#!/bin/sh\nexec \"$1\" host run \"$2\"\n"

    /// After `sbatch`, before the script.
    package func arguments(tasks: Int) -> [String] {
        var arguments = [
            "--parsable", "--job-name=sower-\(study)", "--array=1-\(tasks)", "--nodes=1", "--ntasks=1", "--requeue",
            "--open-mode=append",
            "--output=\(folder)/\(name)-%A_%a.log", "--input=/dev/null", "--signal=B:TERM@60", "--chdir=\(folder)",
        ]
        if let slots = order.slots { arguments.append("--cpus-per-task=\(slots * order.threads)") }
        // Without a number of slots a worker takes the whole node.
        if allocation.exclusive || order.slots == nil { arguments.append("--exclusive") }
        if let minutes = allocation.timeLimitMinutes { arguments.append("--time=\(minutes)") }
        let words = [
            ("partition", allocation.partition), ("account", allocation.account), ("qos", allocation.qos),
            ("constraint", allocation.constraint),
            ("mem", allocation.memory),
        ]
        return arguments + words.compactMap { name, value in value.map { "--\(name)=\($0)" } }
    }

    /// Takes back what waits and ends what runs.
    package func stop() {
        guard launch.phase != .stopped else { return }
        if let conversation, case .submitting = launch.phase {
            // What Slurm is about to take would be nobody's.
            while self.conversation === conversation { turn(); usleep(10_000) }
        }
        conversation?.close()
        conversation = nil
        let jobs = launch.jobIDs
        feed(.stop)
        defer { door.close() }
        guard !jobs.isEmpty else { return }
        if !cancel(jobs) { tell("\(name): Slurm's jobs could not be cancelled: scancel \(jobs.joined(separator: " "))") }
        remember([])
    }

    private func cancel(_ jobs: [String]) -> Bool {
        guard let scancel = Programs.path(of: "scancel"),
            let conversation = try? Conversation(executable: scancel, arguments: ["--quiet"] + jobs, seconds: Self.answerSeconds)
        else { return false }
        while true {
            if let ending = conversation.poll().ending { return ending.end == .exited(0) }
            usleep(10_000)
        }
    }

    // MARK: The arrays that are ours, a line each, for the next run of the sweep.

    private static func remembered(_ file: String) -> [String] {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").prefix(1000).compactMap { SlurmTask.jobID(String($0)) }
    }

    /// What cannot be written is a pity: the next run hands in anew.
    private func remember(_ jobs: [String]) {
        let file = "\(folder)/\(name).job"
        guard !jobs.isEmpty else { unlink(file); return }
        try? PrivateFile.write(Data((jobs.joined(separator: "\n") + "\n").utf8), to: file)
    }

    private func begin(_ name: String, _ arguments: [String]) throws {
        guard let program = Programs.path(of: name) else { throw LaunchError.noProgram(name) }
        lines = []
        conversation = try Conversation(executable: program, arguments: arguments, seconds: Self.answerSeconds)
    }

    private func bounded(_ text: String) -> String { String(text.prefix(Self.maximumReason)) }

    private static func text(_ error: any Error) -> String { (error as? any LocalizedError)?.errorDescription ?? "\(error)" }
}
