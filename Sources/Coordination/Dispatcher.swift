import Digests
import HeapModule
import Studies

/// Decides everything the coordinator does: which job goes to which worker, what a message changes, what is recorded.
///
/// Pure: no clock, socket, file or random source. The loop hands in events with the time and carries out the commands;
/// it records all changes of a batch in one transaction before it sends any of the batch's messages.
///
/// A job moves `blocked → ready → leased → settled`, and back to `ready` when its attempt fails and may be repeated.
/// After a restart a job that may still be running somewhere is `held` for a while before it is ready.
/// Its first recorded result stands; a later one is acknowledged and dropped, with an alarm when it differs.
package struct Dispatcher: Sendable {
    package enum Event: Sendable {
        case received(WorkerMessage, from: String)
        /// The worker's process has ended, known before its silence would show it.
        case workerEnded(worker: String, reason: String)
        /// A person wants something.
        case asked(OperatorRequest)
        /// Nothing happened: leases may have run out.
        case tick
    }

    package enum Command: Sendable, Equatable {
        case record(LedgerChange)
        case send(CoordinatorMessage, to: String)
        /// Remove a blob that nobody needs any more, after the records.
        case discard(Digest)
    }

    struct Job {
        enum Phase: Equatable {
            /// Waits for this many unsettled inputs.
            case blocked(missing: Int)
            /// For the worker of an earlier coordinator that may still run its newest attempt.
            case held
            /// In the queue, once.
            case ready
            case leased(attempt: Int, worker: String)
            case settled(JobState)

            /// What people are told.
            var state: JobState {
                switch self {
                case .blocked, .held, .ready: .waiting
                case .leased: .running
                case .settled(let state): state
                }
            }
        }

        var entry: JobEntry
        var phase: Phase
        var dependents: [JobID] = []
        var artifacts: [ArtifactNotice] = []
        /// Where an attempt has failed in this process's life.
        var failedHosts: Set<String> = []
        /// The digest of the result that stands, when it was settled in this process's life.
        var resultDigest: Digest?
        /// Where it waits when it is ready.
        var lane: Int32 = 0
    }

    struct Worker {
        var hello: Hello
        var lastHeard: Instant
        var leases: Set<JobID> = []
        /// What it may hold: its slots and what is leased ahead, or more when it came back with more.
        var leaseLimit: Int
        /// When it must have ended, as far as it said; `nil` for never.
        var end: Instant?
        /// Which jobs it may take; `nil` while that is being found out.
        var pool: Int?
        /// How fast it completes attempts.
        var completions = CompletionRate()
        /// Slots that have no job.
        var freeSlots: Int { max(0, hello.slots - leases.count) }
    }

    struct QueueEntry: Comparable, Sendable {
        var priority: Int
        var id: JobID
        static func < (a: QueueEntry, b: QueueEntry) -> Bool { (a.priority, a.id) < (b.priority, b.id) }
    }

    let policy: RetryPolicy
    let datasetPath: String
    /// Where the files of the study's external trainer lie, on every host.
    let trainerPaths: [String]
    /// What a worker that is to be sent the data set is told of it.
    package var dataset: DatasetNotice?
    /// The least time between two checkpoints of a training; `nil` for none.
    let checkpointSeconds: Double?
    /// How long an attempt may run; `nil` for ever.
    let timeLimitSeconds: Double?
    /// Stop giving out work once more jobs than this have failed for good; `nil` for never.
    let maximumFailures: Int?
    var jobs = JobTable()
    var workers: [String: Worker] = [:]
    /// What is ready, and who may run it.
    var lanes = Lanes()
    var silences = Silences()
    var broadcasts: Broadcasts
    /// How many jobs' checkpoint a blob is.
    var checkpointUses: [Digest: Int] = [:]
    /// Every artifact of a finished job: never discarded, whatever a worker calls its checkpoint.
    var kept: Set<Digest> = []
    var holds = Holds.over
    var hostRecords: [String: HostRecord] = [:]
    private var lastEvent: Instant?
    package var planted: PlantedFault?
    /// The failed jobs that a person wanted not to be done.
    var canceled: Set<JobID> = []
    /// What a person has asked of the whole sweep.
    package internal(set) var mode = Mode.working

    /// - Parameters:
    ///   - entries: every job of the study, in any order; inputs must be among them.
    ///   - holdsForEarlierWorkers: whether workers of an earlier coordinator may still be running jobs; `false` when all of
    ///     them have ended with it.
    package init(
        entries: [JobEntry], datasetPath: String, policy: RetryPolicy = RetryPolicy(), maximumFailures: Int? = nil,
        checkpointSeconds: Double? = nil, timeLimitSeconds: Double? = nil, holdsForEarlierWorkers: Bool = true,
        trainerPaths: [String] = []
    ) {
        self.policy = policy
        self.datasetPath = datasetPath
        self.trainerPaths = trainerPaths
        self.maximumFailures = maximumFailures
        self.checkpointSeconds = checkpointSeconds
        self.timeLimitSeconds = timeLimitSeconds
        broadcasts = Broadcasts(entries)
        jobs.reserveCapacity(entries.count)
        for entry in entries {
            if let checkpoint = entry.checkpoint { checkpointUses[checkpoint.checkpoint.artifact.digest, default: 0] += 1 }
            let phase: Job.Phase
            var artifacts: [ArtifactNotice] = []
            switch entry.state {
            case .open: phase = .blocked(missing: 0)
            case .finished(let kept):
                phase = .settled(.finished)
                artifacts = kept
                self.kept.formUnion(kept.map(\.digest))
            case .ended(let state):
                phase = .settled(state)
            case .canceled:
                phase = .settled(.failed)
                canceled.insert(entry.id)
            }
            let lane = lanes.lane(of: entry)
            if let seconds = entry.seconds { lanes.noteDuration(seconds, lane: lane) }
            jobs[entry.id] = Job(entry: entry, phase: phase, artifacts: artifacts, lane: Int32(lane))
        }
        for entry in entries {
            for input in Set(entry.inputs) { jobs[input]?.dependents.append(entry.id) }
        }
        for entry in entries where entry.state == .open {
            let missing = Set(entry.inputs).count { jobs[$0].map { $0.phase != .settled(.finished) } ?? true }
            jobs[entry.id]?.phase = .blocked(missing: missing)
            guard missing == 0 else { continue }
            if holdsForEarlierWorkers, entry.mayBeRunning { hold(entry.id) } else { makeReady(entry.id) }
        }
    }

    /// Whether every job is settled.
    package var isComplete: Bool { jobs.count(.waiting) + jobs.count(.running) == 0 }

    /// Jobs that have failed for good, the canceled ones among them.
    package var failedJobs: Int { jobs.count(.failed) }

    /// Whether too many jobs have failed for the sweep to go on.
    package var hasTooManyFailures: Bool { maximumFailures.map { failedJobs > $0 } ?? false }

    /// Jobs whose inputs can never come because one has ended without artifacts; to be called once, before the first
    /// event, so that a resumed study settles them too.
    package mutating func start() -> [Command] {
        var commands: [Command] = []
        let ended = jobs.values.compactMap { job -> JobID? in
            guard case .settled(let state) = job.phase, state != .finished else { return nil }
            return job.entry.id
        }
        for job in ended.sorted() { failDependents(of: job, &commands) }
        return commands
    }

    package mutating func handle(_ event: Event, at now: Instant) -> [Command] {
        var commands: [Command] = []
        forgiveStall(at: now)
        releaseHolds(at: now)
        switch event {
        case .received(let message, let worker):
            receive(message, from: worker, at: now, &commands)
        case .asked(let request):
            obey(request, at: now, &commands)
        case .workerEnded(let worker, let reason):
            lose(worker, reason: reason, at: now, &commands)
        case .tick:
            for name in takeSilent(at: now) {
                guard let heard = workers[name]?.lastHeard else { continue }
                lose(name, reason: "\(Self.silenceWords) \(Int(now - heard)) s", at: now, &commands)
            }
        }
        assignReadyJobs(at: now, &commands)
        return commands
    }

    /// The loop brings a tick several times a second; while it was held up it heard nobody.
    private mutating func forgiveStall(at now: Instant) {
        defer { lastEvent = now }
        guard let lastEvent, now - lastEvent > Limits.stallSeconds, planted != .blamesWorkersForStalls else { return }
        for name in workers.keys { workers[name]?.lastHeard = now }
        extendHolds(by: now - lastEvent)
    }

    private mutating func receive(
        _ message: WorkerMessage, from name: String, at now: Instant, _ commands: inout [Command]
    ) {
        if case .hello(let hello) = message {
            greet(hello, at: now, &commands)
            return
        }
        guard workers[name] != nil else {
            commands.append(.send(.greetAgain, to: name))
            return
        }
        workers[name]?.lastHeard = now
        switch message {
        case .hello:
            break
        case .heartbeat:
            commands.append(.send(.heartbeat, to: name))
        case .epoch(let attempt, let metrics):
            if isLeased(attempt, to: name) {
                commands.append(.record(.epoch(attempt, metrics)))
            } else {
                // It was told to stop, or forgot to say that it runs this: one message or the other was lost.
                commands.append(.send(canReadopt(attempt) ? .greetAgain : .cancel(attempt), to: name))
            }
        case .result(let result):
            workers[name]?.completions.add(at: now)
            settle(result, from: name, at: now, &commands)
        case .goodbye(let reason):
            lose(name, reason: reason, at: now, &commands)
        case .checkpoint(let attempt, let checkpoint):
            keep(checkpoint, of: attempt, from: name, &commands)
        }
    }

    // MARK: Phases

    mutating func makeReady(_ id: JobID) {
        guard let job = jobs[id] else { return }
        jobs[id]?.phase = .ready
        lanes.all[Int(job.lane)].queue.insert(QueueEntry(priority: job.entry.priority, id: id))
    }

    func isLeased(_ attempt: AttemptID, to name: String) -> Bool {
        jobs[attempt.job]?.phase == .leased(attempt: attempt.number, worker: name)
    }

    func isLeased(toAnotherThan attempt: AttemptID) -> Bool {
        if case .leased(let number, _) = jobs[attempt.job]?.phase { number != attempt.number } else { false }
    }

    func isOpen(_ id: JobID) -> Bool {
        guard let job = jobs[id] else { return false }
        if case .settled = job.phase { return false }
        return true
    }
}
