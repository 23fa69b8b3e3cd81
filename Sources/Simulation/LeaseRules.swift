import Coordination
import Studies

/// Who holds which lease, from what the coordinator records and says: never more than the worker takes, lost by silence
/// alone, and lost by silence for certain. Only monotonic time counts, and the coordinator's own stall is nobody's silence.
struct LeaseRules {
    private struct Worker {
        var slots: Int
        var isCentral: Bool
        var host: String
        var heard: Instant
        var leases: Set<AttemptID> = []
        var labels: Labels
        /// It has said that it takes nothing new.
        var isDraining: Bool
        /// When it has to end; `nil` for never.
        var end: Instant?
    }

    private let study: SimulatedStudy
    /// The longest that a job of each workload took while this coordinator lived.
    private var longest: [String: Double] = [:]

    private var workers: [String: Worker] = [:]
    private var holders: [JobID: String] = [:]
    /// Where a job has failed while this coordinator lived: it need not be given to that host while there is another.
    private var failedHosts: [JobID: Set<String>] = [:]
    /// Whether any host has been put into quarantine.
    private var hasQuarantined = false
    private var isPaused = false
    private var lastTurn: Instant?
    private var stallEnd = Instant(seconds: 0)
    private(set) var faults: [String] = []

    init(_ study: SimulatedStudy) { self.study = study }

    /// How many attempts a worker with so many slots may be given at a time.
    static func allowance(slots: Int) -> Int { slots + Limits.leasesAhead(slots: slots) }

    /// A message of the worker has reached the coordinator's decisions.
    mutating func hear(_ name: String, at now: Instant) { workers[name]?.heard = now }

    /// The coordinator takes its turn.
    mutating func beginTurn(at now: Instant) {
        if let lastTurn, now - lastTurn > Limits.stallSeconds { stallEnd = now }
        lastTurn = now
    }

    /// A lease's holder is listened to: the failure it reports is recorded. Who works without a lease is told so, each time it says what
    /// it does: to stop, or to greet again and have its lease back.
    mutating func check(_ commands: [Dispatcher.Command], answering event: Dispatcher.Event) {
        switch event {
        case .asked(.pause): isPaused = true
        case .asked(.proceed): isPaused = false
        case .received(.result(let result), let name):
            guard case .failed = result.outcome, workers[name]?.leases.contains(result.attempt) == true else { return }
            let isRecorded = commands.contains { command in
                switch command {
                case .record(.attemptFailed(result.attempt, _)), .record(.jobFailed(_, result.attempt, _)): true
                default: false
                }
            }
            if !isRecorded { faults.append("a failure is acknowledged, not recorded") }
        case .received(.epoch(let attempt, _), let name):
            guard let worker = workers[name], !worker.leases.contains(attempt) else { return }
            let isAnswered = commands.contains { $0 == .send(.cancel(attempt), to: name) || $0 == .send(.greetAgain, to: name) }
            if !isAnswered { faults.append("a worker goes on without a lease and is not told") }
        default: break
        }
    }

    mutating func note(_ change: LedgerChange, answering event: Dispatcher.Event, at now: Instant) {
        switch change {
        case .workerJoined(let hello):
            workers[hello.worker] = Worker(
                slots: hello.slots, isCentral: hello.isCentral, host: hello.host, heard: now, labels: hello.labels,
                isDraining: hello.isDraining)
        case .workerLeft(let name, _):
            if case .tick = event, let worker = workers[name] {
                let silence = now - max(worker.heard, stallEnd)
                if silence <= Limits.leaseSeconds { faults.append("\(name) loses its leases after \(silence) s of silence") }
            }
            if case .workerEnded(name, _) = event {
            } else if case .received(_, name) = event {
            } else if case .tick = event {
            } else {
                faults.append("\(name) loses its leases by what befell another")
            }
            for attempt in workers.removeValue(forKey: name)?.leases ?? [] where holders[attempt.job] == name {
                holders[attempt.job] = nil
            }
        case .attemptStarted(let attempt, let name):
            if isPaused { faults.append("a job starts while the sweep is paused") }
            if let holder = holders[attempt.job] { faults.append("a job is leased to \(name) that \(holder) has the lease of") }
            grant(attempt, to: name)
            guard let worker = workers[name] else { return }
            checkFits(study.demands(of: attempt.job), worker, name, at: now)
            if worker.leases.count > LeaseRules.allowance(slots: worker.slots) {
                faults.append("\(name) is given \(worker.leases.count) leases for \(worker.slots) slots")
            }
            if worker.leases.count > worker.slots, hasRoom(for: attempt.job, central: worker.isCentral, at: now) {
                faults.append("\(name) is leased a job ahead while a slot is free elsewhere")
            }
        case .attemptFailed(let attempt, _):
            if let holder = holders[attempt.job], let host = workers[holder]?.host { failedHosts[attempt.job, default: []].insert(host) }
            release(attempt.job)
        case .event("host-quarantined", _): hasQuarantined = true
        case .jobSettled(let result):
            let workload = study.demands(of: result.attempt.job).workload
            longest[workload] = max(longest[workload] ?? 0, result.seconds)
            release(result.attempt.job)
        case .jobFailed(let job, _, _): release(job)
        case .epoch, .checkpointed, .jobReopened, .event: break
        }
    }

    /// What a greeting lists and its answer does not drop is the worker's again.
    mutating func noteWelcome(_ welcome: Welcome, to hello: Hello, at now: Instant) {
        workers[hello.worker]?.slots = hello.slots
        // Messages overtake each other: what it once said of leaving stays true.
        if hello.isDraining { workers[hello.worker]?.isDraining = true }
        if let left = hello.secondsLeft {
            let end = workers[hello.worker]?.end ?? now + left
            workers[hello.worker]?.end = min(end, now + left)
        }
        let dropped = Set(welcome.drop)
        for attempt in hello.attempts where !dropped.contains(attempt) {
            if let holder = holders[attempt.job], holder != hello.worker {
                faults.append("\(hello.worker) is told to go on with a job that \(holder) has the lease of")
            }
            grant(attempt, to: hello.worker)
        }
    }

    /// An assignment goes to the lease's holder alone.
    mutating func noteAssignment(_ attempt: AttemptID, to name: String) {
        if let holder = holders[attempt.job], holder != name { faults.append("\(name) is assigned a job that \(holder) has the lease of") }
    }

    /// Looks at every worker, so not at every event.
    mutating func checkSilence(at now: Instant) {
        for (name, worker) in workers where now - max(worker.heard, stallEnd) > Limits.leaseSeconds + 3 {
            if !worker.leases.isEmpty { faults.append("\(name) keeps its leases though it is silent") }
        }
    }

    /// Whether a worker for jobs of this kind, heard of late and on a host where the job has not failed, has room.
    func hasRoom(for job: JobID, central: Bool, at now: Instant) -> Bool {
        !hasQuarantined && !isPaused
            && workers.values.contains {
                $0.isCentral == central && $0.leases.count < $0.slots && now - $0.heard <= Limits.suspectSeconds && !$0.isDraining
                    && $0.end == nil && $0.labels.contains(study.demands(of: job).labels)
                    && failedHosts[job]?.contains($0.host) != true
            }
    }

    /// A job goes to a host that is called as it wants, to a worker that means to stay, and that has the time for it.
    private mutating func checkFits(_ demands: JobDemands, _ worker: Worker, _ name: String, at now: Instant) {
        if !worker.labels.contains(demands.labels) { faults.append("\(name) is given a job that wants \(demands.labels.words)") }
        if worker.isDraining { faults.append("\(name) is given a job though it is leaving") }
        if let end = worker.end, let longest = longest[demands.workload], now + longest > end {
            faults.append("\(name) is given a job that may take \(longest) s, \(end - now) s before its end")
        }
    }

    /// Who has the lease of a job.
    func holder(of job: JobID) -> String? { holders[job] }

    private mutating func grant(_ attempt: AttemptID, to name: String) {
        workers[name]?.leases.insert(attempt)
        holders[attempt.job] = name
    }

    private mutating func release(_ job: JobID) {
        guard let holder = holders.removeValue(forKey: job), let leases = workers[holder]?.leases else { return }
        for attempt in leases where attempt.job == job { workers[holder]?.leases.remove(attempt) }
    }
}
