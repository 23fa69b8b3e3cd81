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
    private var checkpointUses: [Digest: Int] = [:]
    /// Every artifact of a finished job: never discarded, whatever a worker calls its checkpoint.
    private var kept: Set<Digest> = []
    var openJobs = 0
    var holds = Holds.over
    var hostRecords: [String: HostRecord] = [:]
    private var lastEvent: Instant?
    package var planted: PlantedFault?
    package internal(set) var failedJobs = 0
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
                if state == .failed { failedJobs += 1 }
            }
            let lane = lanes.lane(of: entry)
            if let seconds = entry.seconds { lanes.noteDuration(seconds, lane: lane) }
            jobs[entry.id] = Job(entry: entry, phase: phase, artifacts: artifacts, lane: Int32(lane))
        }
        for entry in entries {
            for input in Set(entry.inputs) { jobs[input]?.dependents.append(entry.id) }
        }
        for entry in entries where entry.state == .open {
            openJobs += 1
            let missing = Set(entry.inputs).count { jobs[$0].map { $0.phase != .settled(.finished) } ?? true }
            jobs[entry.id]?.phase = .blocked(missing: missing)
            guard missing == 0 else { continue }
            if holdsForEarlierWorkers, entry.mayBeRunning { hold(entry.id) } else { makeReady(entry.id) }
        }
    }

    /// Whether every job is settled.
    package var isComplete: Bool { openJobs == 0 }

    /// Whether too many jobs have failed for the sweep to go on.
    package var hasTooManyFailures: Bool { maximumFailures.map { failedJobs > $0 } ?? false }

    /// Jobs whose inputs can never come because one has ended without artifacts; to be called once, before the first
    /// event, so that a resumed study settles them too.
    package mutating func start() -> [Command] {
        var commands: [Command] = []
        for job in jobs.values.sorted(by: { $0.entry.id < $1.entry.id }) {
            if case .settled(let state) = job.phase, state != .finished {
                failDependents(of: job.entry.id, &commands)
            }
        }
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
                lose(name, reason: "silent for \(Int(now - heard)) s", at: now, &commands)
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

    // MARK: Workers

    /// Takes a worker in, or back: what it holds and still has the lease for goes on, the rest it drops.
    private mutating func greet(_ hello: Hello, at now: Instant, _ commands: inout [Command]) {
        let name = hello.worker
        let isNew = workers[name] == nil
        if isNew { commands.append(.record(.workerJoined(hello))) }
        var leases = workers[name]?.leases ?? []
        var drop: [AttemptID] = []
        for attempt in hello.attempts {
            if isLeased(attempt, to: name) { continue }
            if canReadopt(attempt), jobs[attempt.job]?.entry.isCentral == hello.isCentral {
                jobs[attempt.job]?.phase = .leased(attempt: attempt.number, worker: name)
                leases.insert(attempt.job)
            } else {
                drop.append(attempt)
            }
        }
        // A greeting that was long under way says more than is left, and nothing yet of leaving.
        var hello = hello
        let end = hello.secondsLeft.map { min(now + $0, workers[name]?.end ?? now + $0) }
        hello.isDraining = (hello.isDraining || workers[name]?.hello.isDraining == true) && planted != .overlooksDraining
        unplace(name)
        workers[name] = Worker(
            hello: hello, lastHeard: now, leases: leases,
            leaseLimit: max(hello.slots + Limits.leasesAhead(slots: hello.slots), leases.count), end: end,
            completions: workers[name]?.completions ?? CompletionRate())
        place(name, among: lanes.lanes(for: hello))
        narrow(name, at: now)
        silences.watch(name, from: now)
        offer(name)
        let welcome = Welcome(
            datasetPath: datasetPath, drop: drop, checkpointSeconds: checkpointSeconds, timeLimitSeconds: timeLimitSeconds,
            trainerPaths: trainerPaths,
            dataset: hello.facts.wantsDataset ? dataset : nil)
        commands.append(.send(.welcome(welcome), to: name))
        // Assignments that the worker knows nothing of were lost, or are on their way: a second one changes nothing.
        let held = Set(hello.attempts)
        for job in leases.sorted() {
            guard case .leased(let number, name) = jobs[job]?.phase else { continue }
            let attempt = AttemptID(job: job, number: number)
            if !held.contains(attempt) { commands.append(.send(.assign(assignment(attempt, to: name)), to: name)) }
        }
        if isNew, !hello.isCentral { announceAll(to: name, &commands) }
    }

    /// Whether an attempt may have its lease back: it is the job's newest, and was given up at most because its worker
    /// was silent, here or in a coordinator before this one. One that failed by itself has ended: a worker that still
    /// holds it missed the acknowledgement, and the failure would count twice.
    private func canReadopt(_ attempt: AttemptID) -> Bool {
        guard let job = jobs[attempt.job], job.phase == .ready || job.phase == .held else { return false }
        return attempt.number == job.entry.lastAttempt && (job.entry.mayBeRunning || planted == .readoptsEndedAttempts)
    }

    private mutating func lose(_ name: String, reason: String, at now: Instant, _ commands: inout [Command]) {
        unplace(name)
        guard let worker = workers.removeValue(forKey: name) else { return }
        for job in worker.leases.sorted() {
            guard case .leased(let number, name) = jobs[job]?.phase else { continue }
            fail(
                AttemptID(job: job, number: number),
                JobFailure(.hostLost, "worker \(name) on \(worker.hello.host): \(reason)"), at: now, &commands)
        }
        commands.append(.record(.workerLeft(worker: name, reason: reason)))
    }

    // MARK: Results

    private mutating func settle(_ result: AttemptResult, from name: String, at now: Instant, _ commands: inout [Command]) {
        let attempt = result.attempt
        guard let job = jobs[attempt.job], attempt.number <= job.entry.lastAttempt else {
            // Not a job of this study, or an attempt that was never given out.
            commands.append(
                .record(.event(kind: "unknown-result", text: "\(name) reports attempt \(attempt.number) of \(attempt.job.short)")))
            commands.append(.send(.acknowledged(attempt), to: name))
            return
        }
        if case .settled = job.phase {
            if let standing = job.resultDigest, standing != result.digest, !result.outcome.isFailure {
                commands.append(
                    .record(
                        .event(
                            kind: "conflicting-result",
                            text: "job \(attempt.job.short): attempt \(attempt.number) on \(name) differs from the recorded result, "
                                + "which stands")))
            }
            commands.append(.send(.acknowledged(attempt), to: name))
            return
        }
        switch result.outcome {
        case .finished, .diverged:
            // A late result is as good as any while the job is open: the lease saves work, the job's id keeps the truth.
            revokeLease(except: attempt, on: name, &commands)
            if let host = workers[name]?.hello.host { noteSuccess(of: attempt.job, on: host, &commands) }
            let state: JobState = result.outcome == .finished ? .finished : .diverged
            commands.append(.record(.jobSettled(result)))
            lanes.noteDuration(result.seconds, lane: Int(job.lane))
            jobs[attempt.job]?.phase = .settled(state)
            jobs[attempt.job]?.artifacts = result.artifacts
            kept.formUnion(result.artifacts.map(\.digest))
            jobs[attempt.job]?.resultDigest = result.digest
            openJobs -= 1
            discardCheckpoint(of: attempt.job, &commands)
            commands.append(.send(.acknowledged(attempt), to: name))
            if state == .finished {
                unblockDependents(of: attempt.job)
                if job.entry.isBroadcast { announce(result.artifacts, &commands) }
            } else {
                failDependents(of: attempt.job, &commands)
            }
        case .failed(let failure):
            if isLeased(attempt, to: name) {
                // What a worker gave up at its end takes longer than it ran. One with a checkpoint is further on next time.
                if failure.reason == .preempted, result.seconds > 0, job.entry.checkpoint == nil {
                    lanes.noteDuration(result.seconds, lane: Int(job.lane))
                }
                fail(attempt, failure, at: now, &commands)
            } else if failure.reason != .hostLost, attempt.number > job.entry.lastEndedAttempt {
                // Given up before: not counted again, but known to have ended.
                jobs[attempt.job]?.entry.lastEndedAttempt = attempt.number
                releaseHold(of: attempt.job)
            }
            commands.append(.send(.acknowledged(attempt), to: name))
        }
    }

    private mutating func fail(_ attempt: AttemptID, _ failure: JobFailure, at now: Instant, _ commands: inout [Command]) {
        guard case .leased(attempt.number, let worker) = jobs[attempt.job]?.phase else { return }
        release(attempt.job, by: worker)
        if failure.reason != .hostLost { jobs[attempt.job]?.entry.lastEndedAttempt = attempt.number }
        if let host = workers[worker]?.hello.host { noteFailure(of: attempt.job, failure, on: host, at: now, &commands) }
        guard let job = jobs[attempt.job] else { return }
        switch policy.decision(for: failure, crashes: job.entry.crashes, isTriedEverywhere: isTriedEverywhere(job)) {
        case .tryAgain(let countsAsCrash):
            if countsAsCrash { jobs[attempt.job]?.entry.crashes += 1 }
            commands.append(.record(.attemptFailed(attempt, failure)))
            makeReady(attempt.job)
        case .giveUp:
            commands.append(.record(.jobFailed(attempt.job, attempt: attempt, failure)))
            jobs[attempt.job]?.phase = .settled(.failed)
            openJobs -= 1
            failedJobs += 1
            discardCheckpoint(of: attempt.job, &commands)
            failDependents(of: attempt.job, &commands)
        }
    }

    // MARK: Checkpoints

    /// Whoever made it, a checkpoint of an open job that is further on is worth keeping, unless it would take away the one
    /// that another attempt has just been told to go on from and may still be fetching.
    private mutating func keep(
        _ checkpoint: Checkpoint, of attempt: AttemptID, from name: String, _ commands: inout [Command]
    ) {
        guard let entry = jobs[attempt.job]?.entry, let numericClass = workers[name]?.hello.numericClass,
            entry.checkpoint?.checkpoint.artifact.digest != checkpoint.artifact.digest
        else { return }
        guard isOpen(attempt.job), attempt.number <= entry.lastAttempt,
            checkpoint.epoch > entry.checkpoint?.checkpoint.epoch ?? 0, entry.checkpoint == nil || !isLeased(toAnotherThan: attempt)
        else {
            discard(checkpoint.artifact.digest, &commands)
            return
        }
        let newest = JobCheckpoint(checkpoint: checkpoint, numericClass: numericClass)
        commands.append(.record(.checkpointed(attempt.job, newest)))
        discardCheckpoint(of: attempt.job, &commands)
        jobs[attempt.job]?.entry.checkpoint = newest
        checkpointUses[checkpoint.artifact.digest, default: 0] += 1
    }

    mutating func discardCheckpoint(of job: JobID, _ commands: inout [Command]) {
        guard let checkpoint = jobs[job]?.entry.checkpoint else { return }
        jobs[job]?.entry.checkpoint = nil
        let digest = checkpoint.checkpoint.artifact.digest
        checkpointUses[digest] = checkpointUses[digest].flatMap { $0 > 1 ? $0 - 1 : nil }
        discard(digest, &commands)
    }

    /// Unless a job still needs it: a worker may call its checkpoint what another job's is called.
    private func discard(_ digest: Digest, _ commands: inout [Command]) {
        if !kept.contains(digest), checkpointUses[digest] == nil { commands.append(.discard(digest)) }
    }

    mutating func failDependents(of id: JobID, _ commands: inout [Command]) {
        guard planted != .forgetsDoomedDependents else { return }
        for dependent in (jobs[id]?.dependents ?? []).sorted() {
            guard case .blocked = jobs[dependent]?.phase else { continue }
            commands.append(
                .record(
                    .jobFailed(
                        dependent, attempt: nil,
                        JobFailure(.input, "its input, job \(id.short), has no artifacts: see `sower status` for why"))))
            jobs[dependent]?.phase = .settled(.failed)
            openJobs -= 1
            failedJobs += 1
            failDependents(of: dependent, &commands)
        }
    }

    private mutating func unblockDependents(of id: JobID) {
        guard planted != .losesDependents else { return }
        for dependent in jobs[id]?.dependents ?? [] {
            guard case .blocked(let missing) = jobs[dependent]?.phase else { continue }
            jobs[dependent]?.phase = .blocked(missing: missing - 1)
            if missing == 1 { makeReady(dependent) }
        }
    }

    /// The lease of a job that is being settled ends; unless it is the reported attempt's own, what runs under it is of
    /// no use any more.
    private mutating func revokeLease(except reported: AttemptID, on name: String, _ commands: inout [Command]) {
        guard case .leased(let number, let holder) = jobs[reported.job]?.phase else { return }
        release(reported.job, by: holder)
        let leased = AttemptID(job: reported.job, number: number)
        if leased != reported || holder != name { commands.append(.send(.cancel(leased), to: holder)) }
    }

    // MARK: Phases

    mutating func makeReady(_ id: JobID) {
        guard let job = jobs[id] else { return }
        jobs[id]?.phase = .ready
        lanes.all[Int(job.lane)].queue.insert(QueueEntry(priority: job.entry.priority, id: id))
    }

    func assignment(_ attempt: AttemptID, to name: String) -> Assignment {
        let entry = jobs[attempt.job]?.entry
        let checkpoint = entry?.checkpoint.flatMap { $0.numericClass == workers[name]?.hello.numericClass ? $0 : nil }
        let inputs = (entry?.inputs ?? []).flatMap { input in
            (jobs[input]?.artifacts ?? []).map { InputArtifact(job: input, artifact: $0) }
        }
        // Who works without an end has no use for it.
        let lane = workers[name]?.end == nil ? nil : jobs[attempt.job].map { Int($0.lane) }
        return Assignment(
            attempt: attempt, spec: entry?.spec ?? [], inputs: inputs, checkpoint: checkpoint?.checkpoint.artifact,
            expectedSeconds: lane.flatMap { lanes.expectedSeconds(lane: $0) })
    }

    private func isLeased(_ attempt: AttemptID, to name: String) -> Bool {
        jobs[attempt.job]?.phase == .leased(attempt: attempt.number, worker: name)
    }

    private func isLeased(toAnotherThan attempt: AttemptID) -> Bool {
        if case .leased(let number, _) = jobs[attempt.job]?.phase { number != attempt.number } else { false }
    }

    func isOpen(_ id: JobID) -> Bool {
        guard let job = jobs[id] else { return false }
        if case .settled = job.phase { return false }
        return true
    }
}

extension AttemptOutcome {
    package var isFailure: Bool {
        if case .failed = self { true } else { false }
    }
}
