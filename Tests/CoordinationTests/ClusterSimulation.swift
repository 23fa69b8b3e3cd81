import Coordination
import Digests
import Studies

/// A cluster in virtual time: the production dispatcher and worker sessions, with a network, processes and runners that
/// fail as the seed says. Everything that is sent is encoded and decoded.
struct ClusterSimulation {
    enum Action {
        case toCoordinator(host: Int, connection: Int, frame: [UInt8])
        case toWorker(host: Int, connection: Int, frame: [UInt8])
        case coordinatorTick
        case workerTick(host: Int, life: Int)
        case coordinatorStarts
        case workerStarts(host: Int)
        case transferEnds(host: Int, life: Int, ArtifactNotice, isPush: Bool)
        case runnerSteps(host: Int, life: Int, run: Int, slot: Int, epoch: Int)
    }

    struct Host {
        var isCentral: Bool
        var session: WorkerSession?
        var name = ""
        /// Counts processes and, within one, connections; what belongs to an older one is lost.
        var life = 0
        var connection = 0
        var store: Set<Digest> = []
        var runs: [Int: (run: Int, attempt: AttemptID, spec: [UInt8], inputs: [InputArtifact])] = [:]
        /// What differs between hosts decides who can go on from whose checkpoint.
        var numericClass = "v1-haswell"
        var cutUntil = Instant(seconds: 0)
        /// The results on its disk, in the order they came; they outlive the worker.
        var outbox: [AttemptResult] = []
        /// What was on its disk when the worker started.
        var left: Set<AttemptID> = []
        /// Results that its full disk did not take.
        var unspooled: Set<AttemptID> = []
    }

    static let faultSeconds = 120.0
    static let deadlineSeconds = 3000.0

    private var choices: SeededChoices
    private let crashLimit = 5
    private let knowsEnded: Bool
    private var queue = EventQueue<Action>()
    private(set) var now = Instant(seconds: 0)
    private var dispatcher: Dispatcher?
    private var stalledUntil = Instant(seconds: 0)
    private var hosts: [Host]
    private var blobs: Set<Digest> = []
    private(set) var ledger: LedgerModel
    private var runs = 0
    private(set) var faults: [String] = []
    private(set) var traceHash: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var coordinatorCrashes = 0
    private(set) var workerDeaths = 0
    private(set) var resumptions = 0
    private var coordinatorStart = Instant(seconds: 0)
    /// The newest attempts that may run on somewhere since before the coordinator's start, and have not been claimed.
    private var unclaimed: [JobID: AttemptID] = [:]
    /// Running attempts that a restarted coordinator has taken back.
    private(set) var readoptions = 0
    /// Results that settled their job though the worker that computed them had died.
    private(set) var legacies = 0
    private(set) var eventCount = 0

    init(seed: UInt64) {
        choices = SeededChoices(seed: seed)
        // The other half of the seeds has coordinators that do not remember which attempts failed before them.
        knowsEnded = seed.isMultiple(of: 2)
        ledger = LedgerModel(ClusterSimulation.study(&choices), crashLimit: knowsEnded ? crashLimit : 0)
        hosts = [false, false, false, true].map { Host(isCentral: $0) }
        hosts[2].numericClass = "v1-zen"
        queue.insert(.coordinatorStarts, at: now)
        for host in hosts.indices { queue.insert(.workerStarts(host: host), at: now + choices.seconds(0, 5)) }
    }

    /// Pre-training, clustering, sampling, evaluation; now and then a job that diverges or cannot run.
    private static func study(_ choices: inout SeededChoices) -> [JobEntry] {
        var entries = (0..<6).map { entry("pretrain-\($0)", priority: 0) }
        for arm in 0..<2 {
            let sources = (0..<3).map { "pretrain-\(3 * arm + $0)" }
            entries.append(entry("cluster-\(arm)", inputs: sources, isCentral: true, priority: 1))
            for sample in 0..<2 {
                let name = "sample-\(arm)-\(sample)"
                entries.append(entry(name, inputs: ["cluster-\(arm)"], isCentral: true, isBroadcast: true, priority: 2))
                for replicate in 0..<4 { entries.append(entry("\(name)-evaluate-\(replicate)", inputs: [name], priority: 3)) }
            }
        }
        entries += (0..<4).map { entry("random-\($0)", priority: 4) }
        if choices.chance(0.4) { entries[choices.below(entries.count)].spec = Array("diverges \(choices.next())".utf8) }
        if choices.chance(0.2) { entries[choices.below(entries.count)].spec = Array("impossible \(choices.next())".utf8) }
        return entries
    }

    /// Runs until everything is settled after the faults, or the deadline.
    mutating func run() {
        while let (time, action) = queue.popFirst(), now.seconds < Self.deadlineSeconds, faults.isEmpty {
            now = time
            eventCount += 1
            perform(action)
            faults += ledger.faults
            if !hasFaults, dispatcher?.isComplete == true { break }
        }
        if faults.isEmpty { checkEnd() }
    }

    private var hasFaults: Bool { now.seconds < Self.faultSeconds }
    private mutating func goesWrong(_ probability: Double) -> Bool { hasFaults && choices.chance(probability) }

    private mutating func perform(_ action: Action) {
        switch action {
        case .coordinatorStarts:
            dispatcher = Dispatcher(
                entries: ledger.entriesAfterRestart(knowsEnded: knowsEnded), datasetPath: "/data",
                policy: RetryPolicy(crashLimit: crashLimit), checkpointSeconds: 1)
            coordinatorStart = now
            unclaimed = ledger.mayBeRunning
            let commands = dispatcher!.start()
            carryOut(commands, answering: .tick)
            queue.insert(.coordinatorTick, at: now + 1)
        case .coordinatorTick:
            guard dispatcher != nil else { return }
            guard now >= stalledUntil else { return queue.insert(action, at: stalledUntil + 0.01) }
            if goesWrong(0.01) { stalledUntil = now + choices.seconds(5, 50) }
            queue.insert(.coordinatorTick, at: now + 1)
            decide(.tick)
        case .toCoordinator(let host, let connection, let frame):
            guard dispatcher != nil, connection == hosts[host].connection else { return }
            guard now >= stalledUntil else { return queue.insert(action, at: stalledUntil) }
            trace(frame)
            receive(frame, from: host)
        case .toWorker(let host, let connection, let frame):
            guard connection == hosts[host].connection, let message = try? CoordinatorMessage(frame: frame) else { return }
            trace(frame)
            feed(.received(message), to: host)
        case .workerStarts(let host):
            hosts[host].life += 1
            hosts[host].connection += 1
            hosts[host].name = "w\(host)-\(hosts[host].life)"
            hosts[host].runs = [:]
            var greeting = hello(hosts[host].name, slots: 2, isCentral: hosts[host].isCentral)
            greeting.numericClass = hosts[host].numericClass
            let session = WorkerSession(hello: greeting, now: now, spooled: hosts[host].outbox)
            hosts[host].session = session
            hosts[host].left = Set(hosts[host].outbox.map(\.attempt))
            hosts[host].unspooled = []
            if case .send(.hello(let hello)) = session.start().first, Set(hello.attempts) != hosts[host].left {
                faults.append("a worker does not greet with what is on its disk")
            }
            execute(session.start(), on: host, answering: .tick)
            queue.insert(.workerTick(host: host, life: hosts[host].life), at: now + 1)
        case .workerTick(let host, let life):
            guard life == hosts[host].life, hosts[host].session != nil else { return }
            if goesWrong(0.004) { return die(host) }
            if goesWrong(0.01) { hosts[host].cutUntil = now + choices.seconds(1, 60) }
            queue.insert(action, at: now + 1)
            feed(.tick, to: host)
        case .transferEnds(let host, let life, let artifact, let isPush):
            guard life == hosts[host].life, hosts[host].session != nil else { return }
            endTransfer(artifact, isPush: isPush, of: host, life: life)
        case .runnerSteps(let host, let life, let run, let slot, let epoch):
            guard life == hosts[host].life, hosts[host].runs[slot]?.run == run else { return }
            stepRunner(host: host, slot: slot, epoch: epoch)
        }
    }

    // MARK: Coordinator

    /// The coordinator's shell: a result whose blobs are not here is asked for them.
    private mutating func receive(_ frame: [UInt8], from host: Int) {
        guard let message = try? WorkerMessage(frame: frame) else {
            faults.append("a worker sends what no coordinator takes")
            return
        }
        if case .result(let result) = message {
            let missing = result.artifacts.map(\.digest).filter { !blobs.contains($0) }
            if !missing.isEmpty { return send(.missing(result.attempt, missing), to: hosts[host].name) }
        }
        decide(.received(message, from: hosts[host].name))
    }

    /// Rule: within the time, only the worker that may run a job has a claim to it, and its claim is granted.
    private mutating func checkClaims(_ commands: [Dispatcher.Command], answering event: Dispatcher.Event) {
        if case .received(.hello(let hello), _) = event {
            for command in commands {
                guard case .send(.welcome(let welcome), hello.worker) = command else { continue }
                for attempt in hello.attempts where unclaimed[attempt.job] == attempt {
                    if !welcome.drop.contains(attempt) {
                        readoptions += 1
                    } else if isAdopting {
                        faults.append("a running attempt is dropped though its worker has greeted in time")
                    }
                    unclaimed[attempt.job] = nil
                }
            }
        }
        for case .record(let change) in commands {
            switch change {
            case .attemptStarted(let attempt, _):
                if unclaimed.removeValue(forKey: attempt.job) != nil, isAdopting {
                    faults.append("a job starts again though its worker may still greet")
                }
            case .attemptFailed(let attempt, _): unclaimed[attempt.job] = nil
            case .jobSettled(let result):
                unclaimed[result.attempt.job] = nil
                if hosts.contains(where: { $0.left.contains(result.attempt) }) { legacies += 1 }
            case .jobFailed(let job, _, _): unclaimed[job] = nil
            default: break
            }
        }
    }

    private var isAdopting: Bool { now - coordinatorStart < Limits.adoptionSeconds }

    private mutating func decide(_ event: Dispatcher.Event) {
        let commands = dispatcher!.handle(event, at: now)
        faults += dispatcher!.violations
        checkClaims(commands, answering: event)
        carryOut(commands, answering: event)
    }

    /// Commands in their order, so that a record that comes after its message is found; a crash may come between any two.
    private mutating func carryOut(_ commands: [Dispatcher.Command], answering event: Dispatcher.Event) {
        let end = goesWrong(0.006) ? choices.below(commands.count + 1) : commands.count + 1
        for (index, command) in commands.enumerated() where index < end {
            switch command {
            case .record(let change): ledger.record(change, blobs: blobs)
            case .send(let message, let name):
                ledger.check(message, answering: event)
                send(message, to: name)
            case .discard(let digest):
                ledger.checkDiscard(digest)
                blobs.remove(digest)
            }
        }
        guard end <= commands.count else { return }
        coordinatorCrashes += 1
        dispatcher = nil
        queue.insert(.coordinatorStarts, at: now + choices.seconds(1, 40))
    }

    private mutating func send(_ message: CoordinatorMessage, to name: String) {
        guard let host = hosts.firstIndex(where: { $0.name == name }) else { return }
        transmit(.toWorker(host: host, connection: hosts[host].connection, frame: message.frame), on: host)
    }

    // MARK: Network

    private mutating func transmit(_ action: Action, on host: Int) {
        if now < hosts[host].cutUntil, hasFaults || choices.chance(0.5) { return }
        if goesWrong(0.08) { return }
        for _ in 0..<(goesWrong(0.05) ? 2 : 1) {
            let delay = goesWrong(0.05) ? choices.seconds(0, 20) : choices.seconds(0.001, 0.2)
            queue.insert(action, at: now + delay)
        }
    }

    // MARK: Workers

    private mutating func feed(_ event: WorkerSession.Event, to host: Int) {
        guard let commands = hosts[host].session?.handle(event, at: now) else { return }
        execute(commands, on: host, answering: event)
    }

    /// A worker may die between any two commands.
    private mutating func execute(
        _ commands: [WorkerSession.Command], on host: Int, answering event: WorkerSession.Event
    ) {
        let end = !commands.isEmpty && goesWrong(0.002) ? choices.below(commands.count) : commands.count
        for command in commands[..<end] {
            let life = hosts[host].life
            switch command {
            case .send(let message):
                checkIsOnDisk(message, of: host)
                transmit(.toCoordinator(host: host, connection: hosts[host].connection, frame: message.frame), on: host)
            case .fetch(let artifact):
                queue.insert(.transferEnds(host: host, life: life, artifact, isPush: false), at: now + choices.seconds(0.1, 2))
            case .push(let artifact):
                queue.insert(.transferEnds(host: host, life: life, artifact, isPush: true), at: now + choices.seconds(0.1, 2))
            case .spool(let result):
                if goesWrong(0.05) { hosts[host].unspooled.insert(result.attempt) } else { hosts[host].outbox.append(result) }
            case .unspool(let attempt):
                checkMayGo(attempt, answering: event)
                hosts[host].outbox.removeAll { $0.attempt == attempt }
            case .start(let slot, let attempt, let start): startRunner(host, slot, attempt, start)
            case .discard(let digest): hosts[host].store.remove(digest)
            case .kill(let slot): hosts[host].runs[slot] = nil
            case .reconnect: hosts[host].connection += 1
            // One that started while the coordinator was down for longer than it waits; it is started again.
            case .end(.unreachable): return die(host)
            case .end: faults.append("\(hosts[host].name) is told to end")
            }
        }
        if end < commands.count { die(host) }
    }

    /// Rule: a result is on the disk before the coordinator hears of it, unless the disk was full.
    private mutating func checkIsOnDisk(_ message: WorkerMessage, of host: Int) {
        guard case .result(let result) = message, !result.outcome.isFailure else { return }
        if !hosts[host].outbox.contains(result), !hosts[host].unspooled.contains(result.attempt) {
            faults.append("a result is sent that is not on the disk")
        }
    }

    /// Rule: it leaves the disk only when the coordinator has answered for it, or has refused its artifacts.
    private mutating func checkMayGo(_ attempt: AttemptID, answering event: WorkerSession.Event) {
        switch event {
        case .received(.acknowledged(attempt)), .received(.cancel(attempt)), .pushFailed: break
        default: faults.append("a result leaves the disk that nobody has taken")
        }
    }

    private mutating func die(_ host: Int) {
        workerDeaths += 1
        let name = hosts[host].name
        hosts[host].session = nil
        hosts[host].connection += 1
        hosts[host].runs = [:]
        queue.insert(.workerStarts(host: host), at: now + choices.seconds(1, 30))
        if dispatcher != nil, now >= stalledUntil, choices.chance(0.5) { decide(.workerEnded(worker: name, reason: "exit 9")) }
    }

    private mutating func endTransfer(_ artifact: ArtifactNotice, isPush: Bool, of host: Int, life: Int) {
        if goesWrong(0.02) {
            let reason = "the disk\u{1B} is full"
            let event: WorkerSession.Event =
                isPush ? .pushFailed(artifact.digest, reason: reason) : .fetchFailed(artifact.digest, reason: reason)
            return feed(event, to: host)
        }
        guard dispatcher != nil, now >= hosts[host].cutUntil else {
            return queue.insert(.transferEnds(host: host, life: life, artifact, isPush: isPush), at: now + 2)
        }
        if artifact.name == Self.checkpointName, !(isPush ? hosts[host].store : blobs).contains(artifact.digest) {
            // Removed meanwhile: a newer one, or the result, has taken its place.
            let event: WorkerSession.Event =
                isPush ? .pushFailed(artifact.digest, reason: "gone") : .fetchFailed(artifact.digest, reason: "gone")
            return feed(event, to: host)
        }
        if isPush {
            if !hosts[host].store.contains(artifact.digest) { faults.append("a blob is pushed that was never published") }
            blobs.insert(artifact.digest)
            feed(.pushed(artifact.digest), to: host)
        } else {
            if !blobs.contains(artifact.digest) { faults.append("a blob is asked for that is not there") }
            hosts[host].store.insert(artifact.digest)
            feed(.fetched(artifact.digest), to: host)
        }
    }

    // MARK: Runners

    private mutating func startRunner(
        _ host: Int, _ slot: Int, _ attempt: AttemptID, _ start: WorkerSession.RunnerStart
    ) {
        let inputs = start.inputs
        if hosts[host].runs[slot] != nil { faults.append("a busy slot is given a job") }
        if hosts[host].runs.values.contains(where: { $0.attempt.job == attempt.job }) {
            faults.append("a job runs twice on one host")
        }
        if !inputs.allSatisfy({ hosts[host].store.contains($0.artifact.digest) }) { faults.append("a job runs without its inputs") }
        var epoch = 1
        if let checkpoint = start.checkpoint {
            if !hosts[host].store.contains(checkpoint.digest) { faults.append("a job goes on without its checkpoint") }
            if checkpoint != Self.checkpoint(of: start.spec, epoch: 1, numericClass: hosts[host].numericClass).artifact {
                faults.append("a job goes on from what is not its checkpoint")
            }
            epoch = 2
            resumptions += 1
        }
        runs += 1
        hosts[host].runs[slot] = (runs, attempt, start.spec, inputs)
        queue.insert(
            .runnerSteps(host: host, life: hosts[host].life, run: runs, slot: slot, epoch: epoch),
            at: now + choices.seconds(1, 8))
    }

    private static let checkpointName = "checkpoint"

    private static func checkpoint(of spec: [UInt8], epoch: Int, numericClass: String) -> Checkpoint {
        Checkpoint(
            epoch: epoch,
            artifact: ArtifactNotice(
                name: checkpointName, digest: Digest(of: spec + Array(" checkpoint \(epoch) \(numericClass)".utf8)), size: 50))
    }

    private mutating func stepRunner(host: Int, slot: Int, epoch: Int) {
        guard let run = hosts[host].runs[slot] else { return }
        let spec = String(decoding: run.spec, as: UTF8.self)
        if goesWrong(0.03) {
            hosts[host].runs[slot] = nil
            return feed(.runnerDied(slot: slot, JobFailure(.crashed, "signal 9")), to: host)
        }
        guard epoch > 2 || spec.hasPrefix("impossible") else {
            feed(.runnerEpoch(slot: slot, metrics(epoch)), to: host)
            if epoch == 1, !hosts[host].isCentral, choices.chance(0.7) {
                let checkpoint = Self.checkpoint(of: run.spec, epoch: 1, numericClass: hosts[host].numericClass)
                hosts[host].store.insert(checkpoint.artifact.digest)
                feed(.runnerCheckpoint(slot: slot, checkpoint), to: host)
            }
            return queue.insert(
                .runnerSteps(host: host, life: hosts[host].life, run: run.run, slot: slot, epoch: epoch + 1),
                at: now + choices.seconds(1, 8))
        }
        hosts[host].runs[slot] = nil
        let outcome: AttemptOutcome =
            spec.hasPrefix("impossible")
            ? .failed(JobFailure(.specification, "no such layer"))
            : spec.hasPrefix("diverges") ? .diverged(epoch: 2, step: 1) : .finished
        let artifacts = outcome == .finished ? [Self.output(of: run.spec, inputs: run.inputs.map(\.artifact.digest))] : []
        for artifact in artifacts { hosts[host].store.insert(artifact.digest) }
        let result = RunnerResult(
            outcome: outcome, epochs: [metrics(1), metrics(2)], artifacts: artifacts, seconds: now.seconds)
        feed(.runnerEnded(slot: slot, result), to: host)
    }

    /// What a job makes depends on its specification and inputs only.
    private static func output(of spec: [UInt8], inputs: [Digest]) -> ArtifactNotice {
        ArtifactNotice(name: "output", digest: Digest(of: spec + inputs.flatMap(\.bytes)), size: 100)
    }

    // MARK: Checks

    /// Everything settled, as a run without faults would have it but for jobs whose crashes reached the limit.
    private mutating func checkEnd() {
        guard ledger.isSettled else { return faults.append("not everything is settled at \(now.seconds) s") }
        for id in ledger.order {
            let row = ledger.rows[id]!
            let spec = String(decoding: row.entry.spec, as: UTF8.self)
            let inputs = row.entry.inputs.map { ledger.rows[$0]! }
            let expected: LedgerModel.JobStateModel
            if inputs.contains(where: { $0.state != .finished }) {
                expected = .failed(.input)
            } else if spec.hasPrefix("impossible") {
                expected = .failed(.specification)
            } else {
                expected = spec.hasPrefix("diverges") ? .diverged : .finished
            }
            if case .failed = row.state, row.crashes > 0, !knowsEnded || row.crashes >= crashLimit { continue }
            if row.state != expected { faults.append("\(spec) is \(row.state), expected \(expected)") }
            if row.state == .finished {
                let output = Self.output(of: row.entry.spec, inputs: inputs.flatMap { $0.artifacts.map(\.digest) })
                if row.artifacts != [output] { faults.append("\(spec) has other artifacts than a run without faults") }
                if !blobs.contains(output.digest) { faults.append("\(spec) has lost its blob") }
            }
        }
    }

    private mutating func trace(_ frame: [UInt8]) {
        for byte in frame + withUnsafeBytes(of: now.seconds.bitPattern.littleEndian, Array.init) {
            traceHash = (traceHash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }
}

/// Events by time; those of one time in the order they were put in.
struct EventQueue<Action> {
    private var heap: [(time: Instant, order: Int, action: Action)] = []
    private var inserted = 0

    mutating func insert(_ action: Action, at time: Instant) {
        inserted += 1
        heap.append((time, inserted, action))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> (Instant, Action)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
                guard let least = children.min(by: isBefore), isBefore(least, parent) else { break }
                heap.swapAt(least, parent)
                parent = least
            }
        }
        return (first.time, first.action)
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool { (heap[a].time, heap[a].order) < (heap[b].time, heap[b].order) }
}
