import Digests
import HeapModule
import Studies

/// Decides everything a worker does: what it fetches, starts, pushes and reports, and when it greets again.
///
/// Pure, like ``Dispatcher``. The loop turns socket frames, runner output and finished transfers into events and
/// carries out the commands in order.
///
/// An attempt moves `fetching → queued → running → pushing → reporting`, or, when the worker has to end, `running → handingBack
/// → reporting`, and is forgotten when it is acknowledged. A
/// worker whose coordinator falls silent goes on computing and reports when it is back.
///
/// A result is put on the disk before anything else is done with it and taken off when the coordinator has answered for
/// it, so that it outlives its worker. The loop sends a spooled result only when it is durable: that alone keeps what has been
/// sent a subset of what is on the disk, without an event and a phase of its own. Failures are not kept: the next attempt
/// at the job finds its own.
package struct WorkerSession: Sendable {
    package enum Event: Sendable {
        case received(CoordinatorMessage)
        /// The blob is in the host's store, its digest checked.
        case fetched(Digest)
        case fetchFailed(Digest, reason: String)
        /// The coordinator holds the blob.
        case pushed(Digest)
        case pushFailed(Digest, reason: String)
        case runnerEpoch(slot: Int, EpochMetrics)
        /// The runner has put a checkpoint into the host's store.
        case runnerCheckpoint(slot: Int, Checkpoint)
        case runnerEnded(slot: Int, RunnerResult)
        /// The data set that the coordinator has sent is in this folder.
        case dataPlaced(path: String)
        /// Files of it are not in the host's store.
        case dataMissing
        /// The runner's process ended without a result.
        case runnerDied(slot: Int, JobFailure)
        /// Somebody wants the worker to end when what runs has ended.
        case drain
        /// Somebody wants it to end at once.
        case leave
        case tick
    }

    package enum Command: Sendable, Equatable {
        case send(WorkerMessage)
        /// Bring a blob into the host's store, unless it is there.
        case fetch(ArtifactNotice)
        /// Bring a blob to the coordinator, unless it is there.
        case push(ArtifactNotice)
        /// Put a result on the host's disk, durable before it is sent. On failure it is kept in memory alone.
        case spool(AttemptResult)
        /// The result is the coordinator's now, or nobody's: take it off the disk.
        case unspool(AttemptID)
        case start(slot: Int, AttemptID, RunnerStart)
        /// Put the files of the data set into a folder, if the host's store has them.
        case place(DatasetNotice)
        /// Remove a blob from the host's store: nobody needs it any more.
        case discard(Digest)
        /// End the runner process of a slot; another is started for its next job.
        case kill(slot: Int)
        /// Close the socket and open a new one: libzmq may have given up on the old one for good.
        case reconnect
        case end(EndReason)
    }

    /// What a runner is handed, but for the store's place.
    package struct RunnerStart: Sendable, Equatable {
        package var spec: [UInt8]
        package var datasetPath: String
        package var inputs: [InputArtifact]
        package var checkpoint: ArtifactNotice?
        package var checkpointSeconds: Double?
        package var trainerPaths: [String]

        package init(
            spec: [UInt8], datasetPath: String, inputs: [InputArtifact], checkpoint: ArtifactNotice? = nil,
            checkpointSeconds: Double? = nil, trainerPaths: [String] = []
        ) {
            self.trainerPaths = trainerPaths
            self.spec = spec
            self.datasetPath = datasetPath
            self.inputs = inputs
            self.checkpoint = checkpoint
            self.checkpointSeconds = checkpointSeconds
        }
    }

    package enum EndReason: Sendable, Equatable {
        case finished
        /// It was told to leave, or its time is up.
        case left
        case refused(String)
        /// No word from the coordinator for as long as a worker waits.
        case unreachable(seconds: Int)
    }

    struct Held {
        enum Phase {
            case fetching(Set<Digest>)
            case queued
            case running(slot: Int)
            /// Its runner was ended after so long; its last checkpoint is on its way.
            case handingBack(seconds: Double)
            case pushing(AttemptResult, Set<Digest>)
            case reporting(AttemptResult, sent: Instant)
        }

        var assignment: Assignment
        var phase: Phase
        /// Counts arrivals: first come, first run.
        var arrival = 0
        /// The newest checkpoint of the attempt.
        var checkpoint: Checkpoint?
        /// When its runner got it.
        var started: Instant?
    }

    private struct StartEntry: Comparable, Sendable {
        var arrival: Int
        var attempt: AttemptID
        static func < (a: StartEntry, b: StartEntry) -> Bool { a.arrival < b.arrival }
        static func == (a: StartEntry, b: StartEntry) -> Bool { a.arrival == b.arrival }
    }

    /// Checkpoints on their way to the coordinator.
    private(set) var travelling: [Digest: (attempt: AttemptID, checkpoint: Checkpoint)] = [:] {
        didSet { artifactChanges &+= 1 }
    }
    package var planted: PlantedFault?
    /// Changes whenever ``neededArtifacts`` may have changed, and not with attempts that need none.
    package private(set) var artifactChanges = 0

    private let hello: Hello
    /// When the worker has to end; `nil` for never.
    let endOfLife: Instant?
    var departure = Departure.staying
    let source: DataSource
    var pushed: PushedData?
    var held: [AttemptID: Held] = [:]
    private var arrivals = 0
    /// The numbers of the attempts that are held, by job.
    private var numbers: [JobID: [Int]] = [:]
    /// The attempts that may start, each once, and some that may not any more.
    private var startable = Heap<StartEntry>()
    var slots: [AttemptID?]
    var datasetPath: String?
    private var trainerPaths: [String] = []
    private var isWelcomed = false
    private var checkpointSeconds: Double?
    private var timeLimitSeconds: Double?
    /// When the coordinator last said anything, or the start.
    private(set) var lastHeard: Instant
    private var lastReconnection: Instant
    private var lastHeartbeat: Instant
    var lastGreeting: Instant
    private var lastRepetition: Instant

    /// How long a worker whose coordinator is gone goes on.
    package var graceSeconds = Limits.graceSeconds

    /// - Parameters:
    ///   - hello: how the worker introduces itself; its list of attempts is filled in each time.
    ///   - source: where the data set comes from.
    ///   - spooled: results that earlier processes have left on the host's disk, to be reported like any other.
    package init(hello: Hello, now: Instant, source: DataSource = .coordinatorsPath, spooled: [AttemptResult] = []) {
        self.hello = hello
        self.source = source
        slots = [AttemptID?](repeating: nil, count: hello.slots)
        endOfLife = hello.secondsLeft.map { now + $0 }
        lastHeard = now
        lastReconnection = now
        lastHeartbeat = now
        lastGreeting = now
        lastRepetition = now
        for result in spooled where held[result.attempt] == nil {
            hold(Assignment(attempt: result.attempt, spec: [], inputs: []), .reporting(result, sent: now))
        }
    }

    /// The first words.
    package func start() -> [Command] { [.send(greeting(at: lastGreeting))] }

    /// Attempts that are running now.
    package var runningCount: Int { slots.count { $0 != nil } }

    /// The attempts that are held in the order in which they arrived. Sorted anew: not for what happens with every job.
    var order: [AttemptID] { held.sorted { $0.value.arrival < $1.value.arrival }.map(\.key) }

    private mutating func hold(_ assignment: Assignment, _ phase: Held.Phase) {
        arrivals += 1
        held[assignment.attempt] = Held(assignment: assignment, phase: phase, arrival: arrivals)
        noteArtifacts(of: assignment.attempt)
        numbers[assignment.attempt.job, default: []].append(assignment.attempt.number)
        if case .queued = phase { queue(assignment.attempt) }
    }

    /// To be called before and after an attempt's phase changes to one in which it needs other artifacts.
    private mutating func noteArtifacts(of attempt: AttemptID) {
        if held[attempt]?.needsArtifacts ?? false { artifactChanges &+= 1 }
    }

    /// The attempt has a result, with the artifacts of which it goes on.
    private mutating func enter(_ phase: Held.Phase, _ attempt: AttemptID) {
        noteArtifacts(of: attempt)
        held[attempt]?.phase = phase
        noteArtifacts(of: attempt)
    }

    private mutating func queue(_ attempt: AttemptID) {
        guard let arrival = held[attempt]?.arrival else { return }
        held[attempt]?.phase = .queued
        startable.insert(StartEntry(arrival: arrival, attempt: attempt))
    }

    /// Waits on for what is still missing, or for a slot.
    private mutating func wait(for missing: Set<Digest>, _ attempt: AttemptID) {
        if missing.isEmpty { queue(attempt) } else { held[attempt]?.phase = .fetching(missing) }
    }

    func greeting(at now: Instant) -> WorkerMessage {
        var hello = hello
        hello.isDraining = departure != .staying
        hello.secondsLeft = endOfLife.map { max(0, $0 - now) }
        hello.attempts = Array(order.prefix(Limits.attemptsPerWorker))
        return .hello(hello)
    }

    package mutating func handle(_ event: Event, at now: Instant) -> [Command] {
        var commands: [Command] = []
        switch event {
        case .received(let message):
            lastHeard = now
            receive(message, at: now, &commands)
        case .dataPlaced(let path):
            datasetPath = path
        case .dataMissing:
            fetchData(&commands)
        case .fetched(let digest):
            noteFetchedData(digest, &commands)
            for attempt in order {
                guard case .fetching(var missing) = held[attempt]?.phase, missing.remove(digest) != nil else { continue }
                wait(for: missing, attempt)
            }
        case .fetchFailed(let digest, let reason):
            noteMissingData(digest)
            for attempt in order {
                guard case .fetching(var missing) = held[attempt]?.phase, missing.contains(digest) else { continue }
                if let assignment = held[attempt]?.assignment, assignment.checkpoint?.digest == digest,
                    !assignment.inputs.contains(where: { $0.artifact.digest == digest })
                {
                    // The work is done again from its beginning.
                    noteArtifacts(of: attempt)
                    held[attempt]?.assignment.checkpoint = nil
                    missing.remove(digest)
                    wait(for: missing, attempt)
                    continue
                }
                let failure = JobFailure(.input, "artifact \(digest.short) could not be fetched: \(reason)")
                report(failure: failure, of: attempt, at: now, &commands)
            }
        case .pushed(let digest):
            // Said even when the attempt is over: the coordinator removes what it does not need.
            if let (attempt, checkpoint) = travelling.removeValue(forKey: digest) {
                commands.append(.send(.checkpoint(attempt, checkpoint)))
            }
            for attempt in order {
                guard case .pushing(let result, var missing) = held[attempt]?.phase, missing.remove(digest) != nil else { continue }
                if missing.isEmpty {
                    report(result, at: now, &commands)
                } else {
                    held[attempt]?.phase = .pushing(result, missing)
                }
            }
        case .pushFailed(let digest, let reason):
            travelling[digest] = nil
            for attempt in order {
                guard case .pushing(_, let missing) = held[attempt]?.phase, missing.contains(digest) else { continue }
                let failure = JobFailure(.io, "artifact \(digest.short) could not be delivered: \(reason)")
                report(failure: failure, of: attempt, at: now, &commands)
            }
        case .runnerEpoch(let slot, let metrics):
            if let attempt = attempt(in: slot) { commands.append(.send(.epoch(attempt, metrics))) }
        case .runnerCheckpoint(let slot, let checkpoint):
            guard let attempt = attempt(in: slot) else { break }
            discardCheckpoint(of: attempt, &commands)
            held[attempt]?.checkpoint = checkpoint
            travelling[checkpoint.artifact.digest] = (attempt, checkpoint)
            commands.append(.push(checkpoint.artifact))
        case .runnerEnded(let slot, let result):
            guard let attempt = attempt(in: slot) else { break }
            slots[slot] = nil
            discardCheckpoint(of: attempt, &commands)
            deliver(
                AttemptResult(
                    attempt: attempt, outcome: result.outcome, epochs: result.epochs, artifacts: result.artifacts,
                    numericClass: result.numericClass ?? hello.numericClass, seconds: result.seconds), at: now, &commands)
        case .runnerDied(let slot, let failure):
            guard let attempt = attempt(in: slot) else { break }
            slots[slot] = nil
            report(failure: failure, of: attempt, at: now, &commands)
        case .drain: drain(at: now, &commands)
        case .leave: leave(at: now, &commands)
        case .tick:
            endOverdue(at: now, &commands)
            keepInTouch(at: now, &commands)
        }
        startQueued(at: now, &commands)
        goOnLeaving(at: now, &commands)
        return commands
    }

    private mutating func receive(_ message: CoordinatorMessage, at now: Instant, _ commands: inout [Command]) {
        switch message {
        case .welcome(let welcome):
            isWelcomed = true
            trainerPaths = welcome.trainerPaths
            locateData(welcome, &commands)
            checkpointSeconds = welcome.checkpointSeconds
            timeLimitSeconds = welcome.timeLimitSeconds
            for attempt in welcome.drop where !hasResult(attempt) { drop(attempt, &commands) }
            for attempt in order {
                if case .reporting(let result, _) = held[attempt]?.phase { report(result, at: now, &commands) }
            }
        case .refused(let reason):
            commands.append(.end(.refused(reason)))
        case .greetAgain:
            commands.append(.send(greeting(at: now)))
        case .heartbeat:
            break
        case .assign(let assignment):
            // A repeated assignment changes nothing, nor does one that a newer has overtaken.
            let others = (numbers[assignment.attempt.job] ?? []).map { AttemptID(job: assignment.attempt.job, number: $0) }
            guard others.allSatisfy({ $0.number < assignment.attempt.number || planted == .takesOlderAttempts }) else { break }
            // An older attempt at the job was given up; its result, if it has one, still counts.
            for older in others where !hasResult(older) { drop(older, &commands) }
            if departure != .staying {
                // It was on its way when the worker said so.
                hold(assignment, .fetching([]))
                giveBack(assignment.attempt, at: now, &commands)
                break
            }
            let needed = assignment.inputs.map(\.artifact) + (assignment.checkpoint.map { [$0] } ?? [])
            let missing = Set(needed.map(\.digest))
            hold(assignment, missing.isEmpty ? .queued : .fetching(missing))
            var asked: Set<Digest> = []
            for artifact in needed where asked.insert(artifact.digest).inserted { commands.append(.fetch(artifact)) }
        case .acknowledged(let attempt):
            if case .reporting = held[attempt]?.phase { forget(attempt, &commands) }
        case .missing(let attempt, let digests):
            guard case .reporting(let result, _) = held[attempt]?.phase else { break }
            let wanted = result.artifacts.filter { digests.contains($0.digest) }
            guard !wanted.isEmpty else { break }
            held[attempt]?.phase = .pushing(result, Set(wanted.map(\.digest)))
            for artifact in wanted { commands.append(.push(artifact)) }
        case .cancel(let attempt):
            drop(attempt, &commands)
        case .announce(let artifact):
            commands.append(.fetch(artifact))
        case .giveBack:
            giveBackWhatHasNotBegun(at: now, &commands)
        case .finish:
            commands.append(.end(.finished))
        }
    }

    /// A result's artifacts go first: the coordinator acknowledges only what it holds.
    private mutating func deliver(_ result: AttemptResult, at now: Instant, _ commands: inout [Command]) {
        if !result.outcome.isFailure { commands.append(.spool(result)) }
        guard !result.artifacts.isEmpty else {
            report(result, at: now, &commands)
            return
        }
        enter(.pushing(result, Set(result.artifacts.map(\.digest))), result.attempt)
        for artifact in result.artifacts { commands.append(.push(artifact)) }
    }

    private mutating func report(_ result: AttemptResult, at now: Instant, _ commands: inout [Command]) {
        guard held[result.attempt] != nil else { return }
        enter(.reporting(result, sent: now), result.attempt)
        commands.append(.send(.result(result)))
    }

    mutating func report(
        failure: JobFailure, of attempt: AttemptID, seconds: Double = 0, at now: Instant, _ commands: inout [Command]
    ) {
        if hasResult(attempt) { commands.append(.unspool(attempt)) }
        let failure = JobFailure(failure.reason, WireText.clean(failure.message, limit: Limits.textBytes))
        report(
            AttemptResult(
                attempt: attempt, outcome: .failed(failure), epochs: [], artifacts: [], numericClass: hello.numericClass,
                seconds: seconds), at: now, &commands)
    }

    private mutating func keepInTouch(at now: Instant, _ commands: inout [Command]) {
        let patience = !isWelcomed ? Limits.firstContactSeconds : graceSeconds
        if now - lastHeard > patience {
            commands.append(.end(.unreachable(seconds: Int(now - lastHeard))))
            return
        }
        if now - max(lastHeard, lastReconnection) > Limits.coordinatorSilenceSeconds {
            lastReconnection = now
            lastGreeting = now
            commands.append(.reconnect)
            commands.append(.send(greeting(at: now)))
        } else if now - lastHeartbeat >= Limits.heartbeatSeconds {
            lastHeartbeat = now
            // Without a welcome nothing can start, so that is asked for each time.
            let isDue = !isWelcomed || now - lastGreeting >= Limits.greetingSeconds
            if isDue { lastGreeting = now }
            commands.append(.send(isDue ? greeting(at: now) : .heartbeat))
        }
        guard now - lastRepetition >= Limits.resultRepeatSeconds / 6 else { return }
        lastRepetition = now
        for attempt in order {
            if case .reporting(let result, let sent) = held[attempt]?.phase, now - sent > Limits.resultRepeatSeconds {
                report(result, at: now, &commands)
            }
        }
    }

    /// Ends what has run for longer than the sweep allows.
    private mutating func endOverdue(at now: Instant, _ commands: inout [Command]) {
        guard let timeLimitSeconds else { return }
        for slot in slots.indices {
            guard let attempt = slots[slot], let started = held[attempt]?.started, now - started > timeLimitSeconds else { continue }
            slots[slot] = nil
            commands.append(.kill(slot: slot))
            let failure = JobFailure(
                .timeout, "it ran for \(Int(now - started)) s, the time limit is \(Int(timeLimitSeconds)) s; a training that leaves "
                    + "checkpoints goes on from the last one")
            report(failure: failure, of: attempt, at: now, &commands)
        }
    }

    private mutating func startQueued(at now: Instant, _ commands: inout [Command]) {
        guard let datasetPath, departure == .staying else { return }
        while let next = startable.min, let slot = slots.firstIndex(where: { $0 == nil }) {
            startable.removeMin()
            let attempt = next.attempt
            // One that was dropped, or dropped and assigned anew, has left its entry behind.
            guard let held = held[attempt], held.arrival == next.arrival, case .queued = held.phase else { continue }
            let assignment = held.assignment
            if let endOfLife, let expected = assignment.expectedSeconds, now + expected > endOfLife {
                // There was time for it when it was assigned, behind others.
                giveBack(attempt, at: now, &commands)
                continue
            }
            slots[slot] = attempt
            self.held[attempt]?.phase = .running(slot: slot)
            self.held[attempt]?.started = now
            commands.append(
                .start(
                    slot: slot, attempt,
                    RunnerStart(
                        spec: assignment.spec, datasetPath: datasetPath, inputs: assignment.inputs,
                        checkpoint: assignment.checkpoint, checkpointSeconds: checkpointSeconds, trainerPaths: trainerPaths)))
        }
    }

    /// What runs in a slot; `nil` for a slot that is free or that there is not.
    private func attempt(in slot: Int) -> AttemptID? { slots.indices.contains(slot) ? slots[slot] : nil }

    /// Whether an attempt has computed something worth offering, even when its lease is gone: what is on the disk.
    private func hasResult(_ attempt: AttemptID) -> Bool {
        switch held[attempt]?.phase {
        case .pushing(let result, _), .reporting(let result, _): !result.outcome.isFailure
        default: false
        }
    }

    /// A newer checkpoint, or the result, has taken its place.
    private mutating func discardCheckpoint(of attempt: AttemptID, _ commands: inout [Command]) {
        guard let checkpoint = held[attempt]?.checkpoint else { return }
        noteArtifacts(of: attempt)
        held[attempt]?.checkpoint = nil
        commands.append(.discard(checkpoint.artifact.digest))
    }

    private mutating func drop(_ attempt: AttemptID, _ commands: inout [Command]) {
        if case .running(let slot) = held[attempt]?.phase {
            slots[slot] = nil
            commands.append(.kill(slot: slot))
        }
        forget(attempt, &commands)
    }

    private mutating func forget(_ attempt: AttemptID, _ commands: inout [Command]) {
        if hasResult(attempt) { commands.append(.unspool(attempt)) }
        noteArtifacts(of: attempt)
        held[attempt] = nil
        numbers[attempt.job]?.removeAll { $0 == attempt.number }
        if numbers[attempt.job]?.isEmpty ?? false { numbers[attempt.job] = nil }
    }
}
