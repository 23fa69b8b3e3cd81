import ArgumentParser
import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import Keys
import Launchers
import LedgerStore
import Studies
import Transport

/// One measured sweep of jobs that do next to nothing, in a temporary folder.
struct DispatchBenchmark {
    enum Kind: String, ExpressibleByArgument, CaseIterable, Codable { case noop, command, epochs }

    var kind: Kind
    var jobs: Int
    var workers: Int
    var slots: Int
    /// Epochs a job reports.
    var epochs: Int
    /// Whether each job waits for the one before.
    var oneAtATime: Bool
    /// Where the temporary folder is made.
    var folder: String
    /// Whether workers come over CURVE, like those of other hosts.
    var usesCurve = false

    func run() throws -> DispatchReport {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.path + "/sower-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let ledger = try Ledger.open(path: path + "/ledger.sqlite", now: Date())
        let study = try register(in: ledger)
        let dispatcher = Dispatcher(entries: try ledger.snapshot(study: study), datasetPath: path, holdsForEarlierWorkers: false)
        let any = "tcp://127.0.0.1:*"
        var settings = CoordinatorLoop.Settings(controlEndpoints: [], dataEndpoints: [])
        var keyArguments: [String] = []
        if usesCurve {
            let keys = KeyFolder(path: path + "/keys"), identity = KeyPair.generate()
            settings.remote = RemoteDoor(
                controlEndpoint: any, dataEndpoint: any,
                curve: CurveServer(identity: identity, authorized: [try keys.makeIdentity().pair.publicKey]))
            keyArguments = ["--keys", keys.path, "--coordinator-key", "\(identity.publicKey)"]
        } else {
            (settings.controlEndpoints, settings.dataEndpoints) = ([any], [any])
        }
        let loop = try CoordinatorLoop(
            settings, dispatcher: dispatcher, ledger: ledger,
            store: try ArtifactStore(folder: path + "/artifacts"))
        defer { loop.close() }
        let launcher = LocalLauncher(executable: Executable.path, environment: ProcessInfo.processInfo.environment)
        defer { launcher.stop(within: 0) }
        for number in 1...workers {
            try launcher.start(
                LocalLauncher.Worker(
                    kind: .ordinary, name: "bench-\(number)",
                    arguments: [
                        "worker", "--control", loop.controlEndpoints[0], "--blobs", loop.dataEndpoints[0], "--lifeline", "--store",
                        path + "/cache", "--slots", "\(slots)",
                    ] + keyArguments + (kind == .command ? ["--allow-command"] : []), logPath: path + "/worker-\(number).log"))
        }

        var timeline = DispatchTimeline()
        let before = ProcessorTime.ofThisProcess
        let ending = try loop.run(
            shouldStop: { Signals.pending != nil || !launcher.desertedKinds.isEmpty }, endedWorkers: { launcher.takeEnded() },
            onProgress: { _ in }, onCommit: { timeline.note($0) })
        let coordinator = ProcessorTime.ofThisProcess - before
        let others = ProcessorTime.ofDescendants()
        guard ending == .complete else {
            if let code = Signals.pending { throw Stop(code) }
            let reasons = launcher.abandoned.map(\.reason).joined(separator: "; ")
            throw Stop(.tooManyFailures, "no worker is left: \(reasons)", remedy: "Run it again.")
        }
        loop.dismissWorkers()
        launcher.stop(within: 3)
        let durability = try ledger.durability()
        let counts = try ledger.rowCounts()
        try ledger.close()
        let thousands = Double(jobs) / 1000
        return DispatchReport(
            job: kind, jobs: jobs, workers: workers, slots: slots, epochsPerJob: epochs, curve: usesCurve, seconds: timeline.seconds,
            jobsPerSecond: Double(jobs) / timeline.seconds, epochsPerSecond: Double(jobs * epochs) / timeline.seconds,
            latency: oneAtATime ? timeline.latency : nil, commits: timeline.commits,
            processorSecondsPerThousandJobs: DispatchReport.ProcessorSeconds(
                coordinator: coordinator / thousands, workers: others.children / thousands,
                runners: others.grandchildren / thousands, commands: others.beyond / thousands),
            ledger: DispatchReport.LedgerFacts(
                journalMode: durability.journalMode, synchronous: durability.synchronous, settledJobs: counts.settledJobs,
                attempts: counts.attempts, epochs: counts.epochs))
    }

    private func register(in ledger: Ledger) throws -> StudyID {
        var planned: [PlannedJobRecord] = []
        var previous: JobID?
        for index in 0..<jobs {
            let spec: JobSpec =
                kind == .command
                ? .command(CommandSpec(arguments: ["/bin/true"], index: index))
                : .noop(NoopSpec(index: index, epochs: epochs, after: oneAtATime ? previous : nil))
            let id = spec.id
            planned.append(
                PlannedJobRecord(
                    id: id, spec: spec.canonicalJSON, kind: JobKind(spec), stage: "benchmark", priority: index, inputs: spec.inputs))
            previous = id
        }
        let definition = "{\"benchmark\":\"dispatch\"}"
        return try ledger.register(
            study: StudyRecord(name: "dispatch-benchmark", definitionDigest: Digest(of: definition), definitionJSON: definition),
            jobs: planned, cells: [], now: Date()
        ).study
    }
}

/// When jobs became ready and were acknowledged, by the coordinator's clock.
struct DispatchTimeline {
    private var ready: [JobID: ContinuousClock.Instant] = [:]
    private var first: ContinuousClock.Instant?
    private var last: ContinuousClock.Instant?
    private var milliseconds: [Double] = []
    private(set) var commits = 0

    mutating func note(_ commit: CoordinatorLoop.Commit) {
        commits += 1
        for change in commit.changes {
            switch change {
            case .attemptStarted(let attempt, _):
                if first == nil { first = commit.began }
                ready[attempt.job] = commit.began
            case .jobSettled(let result):
                last = commit.sent
                if let start = ready.removeValue(forKey: result.attempt.job) {
                    milliseconds.append((commit.sent - start) / .milliseconds(1))
                }
            default: break
            }
        }
    }

    /// From the first lease to the last acknowledgement.
    var seconds: Double {
        guard let first, let last else { return 0 }
        return (last - first) / .seconds(1)
    }

    /// Of all jobs but the first twentieth, for which processes start and caches fill.
    var latency: DispatchReport.Latency? {
        let sorted = milliseconds.dropFirst(milliseconds.count / 20).sorted()
        guard let largest = sorted.last else { return nil }
        return DispatchReport.Latency(
            p50: sorted[sorted.count / 2], p99: sorted[min(sorted.count - 1, sorted.count * 99 / 100)], largest: largest)
    }
}

/// Seconds of user and system time.
enum ProcessorTime {
    static var ofThisProcess: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Of this process's living children, of theirs, and of what the latter have waited for. Source: proc_pid_stat(5).
    static func ofDescendants() -> (children: Double, grandchildren: Double, beyond: Double) {
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var processes: [Int32: (parent: Int32, own: Double, waited: Double)] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let id = Int32(name), let text = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let end = text.lastIndex(of: ")")
            else { continue }
            // After the name, which may hold anything: state is the third field, the parent the fourth.
            let fields = text[text.index(after: end)...].split(separator: " ").map { Double($0) ?? 0 }
            guard fields.count > 14 else { continue }
            processes[id] = (Int32(fields[1]), (fields[11] + fields[12]) / ticks, (fields[13] + fields[14]) / ticks)
        }
        let children = processes.filter { $0.value.parent == getpid() }
        let grandchildren = processes.filter { children[$0.value.parent] != nil }
        return (
            children.values.reduce(0) { $0 + $1.own }, grandchildren.values.reduce(0) { $0 + $1.own },
            grandchildren.values.reduce(0) { $0 + $1.waited }
        )
    }
}
