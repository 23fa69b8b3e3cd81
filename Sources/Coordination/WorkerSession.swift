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
        /// The fault is the host's own (`io`) where its disk cannot keep the blob.
        case fetchFailed(Digest, reason: String, fault: JobFailure.Reason = .input)
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
        /// Use the folder if it holds the data set; otherwise as `place`.
        case look(DatasetNotice, at: String)
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
        /// The newest checkpoint of the attempt; while an older one travels it waits.
        var checkpoint: Checkpoint?
        /// When its runner got it.
        var started: Instant?
    }

    struct StartEntry: Comparable, Sendable {
        var arrival: Int
        var attempt: AttemptID
        static func < (a: StartEntry, b: StartEntry) -> Bool { a.arrival < b.arrival }
        static func == (a: StartEntry, b: StartEntry) -> Bool { a.arrival == b.arrival }
    }

    /// Checkpoints on their way to the coordinator, at most one an attempt.
    var travelling: [Digest: (attempt: AttemptID, checkpoint: Checkpoint)] = [:] {
        didSet { artifactChanges &+= 1 }
    }
    package var planted: PlantedFault?
    /// Changes whenever ``neededArtifacts`` may have changed, and not with attempts that need none.
    package internal(set) var artifactChanges = 0

    let hello: Hello
    /// When the worker has to end; `nil` for never.
    let endOfLife: Instant?
    var departure = Departure.staying
    let source: DataSource
    var pushed: PushedData?
    var held: [AttemptID: Held] = [:]
    var arrivals = 0
    /// The numbers of the attempts that are held, by job.
    var numbers: [JobID: [Int]] = [:]
    /// The attempts that may start, each once, and some that may not any more.
    var startable = Heap<StartEntry>()
    var slots: [AttemptID?]
    var datasetPath: String?
    var trainerPaths: [String] = []
    var isWelcomed = false
    var checkpointSeconds: Double?
    var timeLimitSeconds: Double?
    /// When the coordinator last said anything, or the start.
    var lastHeard: Instant
    var lastReconnection: Instant
    var lastHeartbeat: Instant
    var lastGreeting: Instant
    var lastRepetition: Instant

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
        case .fetchFailed(let digest, let reason, let fault):
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
                let failure = JobFailure(fault, "artifact \(digest.short) could not be fetched: \(reason)")
                report(failure: failure, of: attempt, at: now, &commands)
            }
        case .pushed(let digest):
            // Said even when the attempt is over: the coordinator removes what it does not need.
            if let (attempt, checkpoint) = travelling.removeValue(forKey: digest) {
                commands.append(.send(.checkpoint(attempt, checkpoint)))
                pushNextCheckpoint(of: attempt, after: digest, &commands)
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
            if let (attempt, _) = travelling.removeValue(forKey: digest) {
                pushNextCheckpoint(of: attempt, after: digest, &commands)
            }
            for attempt in order {
                guard case .pushing(_, let missing) = held[attempt]?.phase, missing.contains(digest) else { continue }
                let failure = JobFailure(.io, "artifact \(digest.short) could not be delivered: \(reason)")
                report(failure: failure, of: attempt, at: now, &commands)
            }
        case .runnerEpoch(let slot, let metrics):
            if let attempt = attempt(in: slot) { commands.append(.send(.epoch(attempt, metrics))) }
        case .runnerCheckpoint(let slot, let checkpoint):
            guard let attempt = attempt(in: slot) else { break }
            take(checkpoint, of: attempt, &commands)
        case .runnerEnded(let slot, let result):
            guard let attempt = attempt(in: slot) else { break }
            slots[slot] = nil
            discardCheckpoints(of: attempt, &commands)
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

}
