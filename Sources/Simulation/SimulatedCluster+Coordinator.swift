import Coordination
import Digests
import Studies

/// The coordinator's process: the dispatcher, who is on which connection, and what has arrived since its last turn.
struct CoordinatorProcess {
    var dispatcher: Dispatcher
    var peers: [String: Int] = [:]
    var names: [Int: String] = [:]
    var inbox: [(connection: Int, packet: Packet<WorkerMessage>)] = []
    var endedWorkers: [String] = []
    var turnIsDue = false
    var leases: LeaseRules
    var hostRules = HostRules()
    /// When the person who has paused the sweep goes on.
    var pausedUntil: Instant?
    var adoption: AdoptionRules
    /// Changes that a mutant has not brought to the disk yet.
    var unsynced: [(LedgerChange, Dispatcher.Event)] = []

    mutating func takeInbox(atMost count: Int) -> [(connection: Int, packet: Packet<WorkerMessage>)] {
        let taken = Array(inbox.prefix(count))
        inbox.removeFirst(taken.count)
        return taken
    }

    mutating func takeEndedWorkers() -> [String] {
        defer { endedWorkers = [] }
        return endedWorkers
    }
}

/// An event and what the dispatcher makes of it.
typealias Decision = (event: Dispatcher.Event, commands: [Dispatcher.Command])

// The coordinator's loop as the program has it: take what waits, decide, record everything at once, and only then send. It may
// crash at each of its effects.

extension SimulatedCluster {
    /// Frames dealt with before a transaction is committed.
    static let framesPerTurn = 256

    mutating func startCoordinator() {
        coordinatorLife += 1
        if let lost = acknowledgements.violation(isSettled: { ledger.rows[$0].state != .open }) { faults.append(lost) }
        let unclaimed = ledger.mayBeRunning
        var dispatcher = Dispatcher(
            entries: Mutant.distorted(ledger.entriesAfterRestart(), by: mutant), datasetPath: "/data",
            policy: RetryPolicy(crashLimit: Self.crashLimit + Mutant.extraCrashes(mutant)), checkpointSeconds: 1,
            timeLimitSeconds: mutant == .forgetsTimeLimits ? nil : Self.timeLimitSeconds,
            holdsForEarlierWorkers: mutant != .neverHolds)
        dispatcher.planted = mutant?.planted
        let commands = dispatcher.start()
        coordinator = CoordinatorProcess(dispatcher: dispatcher, leases: LeaseRules(study), adoption: AdoptionRules(unclaimed, start: now))
        trace.note(now, 1, UInt64(coordinatorLife), "a coordinator starts, the \(coordinatorLife). one")
        // The connections of the one before ended with it; those of libzmq come back by themselves.
        for host in hosts.indices where hosts[host].session != nil && !hosts[host].link.isDead { openLink(of: host) }
        carryOut([(.tick, commands)])
        schedule(.coordinatorTick(life: coordinatorLife), in: 1)
    }

    mutating func tickCoordinator() {
        takeTurn()
        guard coordinator != nil else { return }
        askForThings()
        guard coordinator != nil else { return }
        if Int(now.seconds).isMultiple(of: settings.workers > 100 ? 16 : 1) { coordinator?.leases.checkSilence(at: now) }
        if settings.jobs <= 1000, let leases = coordinator?.leases { coordinator?.adoption.checkNobodyWaits(ledger, leases, at: now) }
        if goesWrong(.coordinatorStalls) {
            stalledUntil = now + choices.seconds(5, 50)
            trace.note(now, 2, 0, "the coordinator stands still until \(Int(stalledUntil.seconds)) s")
        }
        schedule(.coordinatorTick(life: coordinatorLife), in: 1)
    }

    /// What a person wants of the sweep.
    private mutating func askForThings() {
        if let until = coordinator?.pausedUntil {
            guard now >= until || !hasFaults else { return }
            coordinator?.pausedUntil = nil
            ask(.proceed)
        } else if goesWrong(.pauses) {
            coordinator?.pausedUntil = now + choices.seconds(5, 40)
            ask(.pause)
        } else if goesWrong(.retries) {
            ask(.retry([]))
        }
    }

    private mutating func ask(_ request: OperatorRequest) {
        trace.note(now, 5, 0, "a person asks: \(request)")
        var decisions: [Decision] = []
        decide(.asked(request), &decisions)
        carryOut(decisions)
    }

    mutating func arriveAtCoordinator(_ packet: Packet<WorkerMessage>, on connection: Int) {
        guard coordinator != nil else { return }
        let isOpen = connection < 0 || hosts[Int(connectionOwners[connection])].link.connection == connection
        guard isOpen else { return }
        coordinator?.inbox.append((connection, packet))
        demandTurn()
    }

    func isListening() -> Bool { coordinator != nil && now >= stalledUntil }

    mutating func demandTurn() {
        guard coordinator?.turnIsDue == false else { return }
        coordinator?.turnIsDue = true
        schedule(.coordinatorTurn(life: coordinatorLife), in: 0.005)
    }

    mutating func takeTurn() {
        // Changed in place: a copy of the process would be a copy of all its jobs.
        guard let inbox = coordinator?.takeInbox(atMost: Self.framesPerTurn), let ended = coordinator?.takeEndedWorkers() else { return }
        coordinator?.turnIsDue = false
        coordinator?.leases.beginTurn(at: now)
        var decisions: [Decision] = []
        for name in ended { decide(.workerEnded(worker: name, reason: "exit 9"), &decisions) }
        for (connection, packet) in inbox {
            guard let message = unpack(packet) else { continue }
            take(message, from: connection, &decisions)
        }
        if mutant != .neverLooksAtTheClock { decide(.tick, &decisions) }
        carryOut(decisions)
        if coordinator?.inbox.isEmpty == false { demandTurn() }
    }

    /// What the loop does with a message before the dispatcher sees it.
    private mutating func take(_ message: WorkerMessage, from connection: Int, _ decisions: inout [Decision]) {
        let sender = connection < 0 ? "a stranger" : coordinator?.names[connection] ?? "connection \(connection)"
        trace.note(now, message.fingerprint, UInt64(bitPattern: Int64(connection)), "→ \(sender): \(message.summary)")
        if case .hello(let hello) = message {
            if let old = coordinator?.peers[hello.worker] {
                if mutant == .keepsStalePeers { return decide(.received(message, from: hello.worker), &decisions) }
                coordinator?.names[old] = nil
            }
            coordinator?.peers[hello.worker] = connection
            coordinator?.names[connection] = hello.worker
        }
        guard let name = coordinator?.names[connection] else { return send(.greetAgain, to: connection) }
        let event = Dispatcher.Event.received(message, from: name)
        switch message {
        case .result(let result):
            let missing = result.artifacts.map(\.digest).filter { !blobs.contains($0) }
            if !missing.isEmpty, mutant != .ignoresMissingArtifacts {
                decisions.append((event, [.send(.missing(result.attempt, missing), to: name)]))
                return
            }
        case .checkpoint(_, let checkpoint):
            guard blobs.contains(checkpoint.artifact.digest) else { return }
        default: break
        }
        coordinator?.leases.hear(name, at: now)
        decide(event, &decisions)
    }

    private mutating func decide(_ event: Dispatcher.Event, _ decisions: inout [Decision]) {
        guard let told = distorted(event) else { return }
        var commands = coordinator?.dispatcher.handle(told, at: now) ?? []
        if mutant != nil { commands = distorted(commands, answering: event) }
        checkDispatcher()
        decisions.append((event, commands))
    }

    // MARK: Effects

    private mutating func carryOut(_ decisions: [Decision]) {
        let sends = decisions.reduce(0) { $0 + $1.commands.count { if case .send = $0 { true } else { false } } }
        let hasRecords = decisions.contains { $0.commands.contains { if case .record = $0 { true } else { false } } }
        guard sends > 0 || hasRecords else { return }
        // The commit is the first effect; a crash may come before it, after it, and after each message.
        let crash = hasRecords && goesWrong(.coordinatorCrashes) ? choices.below(choices.chance(0.5) ? 2 : sends + 2) : Int.max
        if mutant == .sendsBeforeCommit { sendAll(decisions, crash: crash) }
        if mutant == .assignsBeforeCommit { sendAll(decisions.map { ($0.event, $0.commands.filter(\.isAssignment)) }, crash: crash) }
        guard crash > 0 else { return crashCoordinator("before its commit") }
        if hasRecords, goesWrong(.fullLedgers) {
            guard mutant == .ignoresFailedCommits else { return crashCoordinator("its disk is full") }
        } else {
            commit(decisions)
        }
        guard crash > 1 else { return crashCoordinator("after its commit") }
        let sent = sendAll(decisions, crash: crash)
        guard sent else { return crashCoordinator("between two messages") }
        for decision in decisions {
            for case .discard(let digest) in decision.commands { blobs.remove(digest) }
        }
        takeFaults()
    }

    /// Puts the batch's changes on the disk, all or none, and holds every decision to the rules in its order.
    private mutating func commit(_ decisions: [Decision]) {
        for (event, commands) in decisions {
            if case .received(.result(let result), _) = event, case .failed(let failure) = result.outcome, failure.reason != .hostLost {
                coordinator?.adoption.noteEnd(of: result.attempt)
            }
            coordinator?.leases.check(commands, answering: event)
            coordinator?.hostRules.check(commands, answering: event, at: now)
            for command in commands {
                switch command {
                case .record(let change):
                    if mutant == .commitsWithoutSync {
                        coordinator?.unsynced.append((change, event))
                    } else {
                        record(change, answering: event)
                    }
                case .send(let message, let name):
                    ledger.check(message, answering: event)
                    if case .welcome(let welcome) = message, case .received(.hello(let hello), _) = event {
                        coordinator?.leases.noteWelcome(welcome, to: hello, at: now)
                        coordinator?.hostRules.noteGreeting(hello)
                        coordinator?.adoption.noteWelcome(welcome, to: hello, at: now)
                    }
                    if case .assign(let assignment) = message { coordinator?.leases.noteAssignment(assignment.attempt, to: name) }
                case .discard(let digest): ledger.checkDiscard(digest)
                }
            }
        }
        takeFaults()
    }

    private mutating func record(_ change: LedgerChange, answering event: Dispatcher.Event) {
        trace.note(now, 3, change.fingerprint, "  records \(change.summary)")
        if let violation = AnswerRules.violation(change, answering: event) { faults.append(violation) }
        coordinator?.leases.note(change, answering: event, at: now)
        coordinator?.hostRules.note(change, answering: event, at: now)
        coordinator?.adoption.note(change, at: now)
        if case .jobSettled(let result) = change, legacyAttempts.contains(result.attempt) { legacies += 1 }
        ledger.record(change, blobs: blobs)
    }

    /// Sends until the crash; whether everything was sent.
    @discardableResult
    private mutating func sendAll(_ decisions: [Decision], crash: Int) -> Bool {
        var sent = 0
        for (event, commands) in decisions {
            for case .send(let message, let name) in commands {
                sent += 1
                guard sent + 1 < crash else { return false }
                checkLeaving(message, answering: event)
                guard let connection = coordinator?.peers[name] else { continue }
                send(message, to: connection)
            }
        }
        return true
    }

    private mutating func checkLeaving(_ message: CoordinatorMessage, answering event: Dispatcher.Event) {
        var finished = false
        if case .acknowledged(let attempt) = message, case .received(.result(let result), _) = event, !result.outcome.isFailure,
            let position = study.position(of: attempt.job), attempt.number <= ledger.rows[position].lastNumber
        {
            finished = true
            acknowledgements.noteAcknowledged(position: position)
        }
        ledger.checkIsDurable(message, finished: finished)
    }

    private mutating func crashCoordinator(_ reason: String) {
        trace.note(now, 4, 0, "the coordinator crashes: \(reason)")
        takeFaults()
        if choices.chance(0.5) {
            blobs.subtract(unsyncedBlobs)
        } else {
            for (change, event) in coordinator?.unsynced ?? [] { record(change, answering: event) }
            takeFaults()
        }
        unsyncedBlobs = []
        coordinator = nil
        schedule(.coordinatorStarts, in: choices.seconds(1, 40))
    }

    private mutating func takeFaults() {
        readoptions += coordinator?.adoption.takeReadoptions() ?? 0
        faults += ledger.faults
        faults += coordinator?.leases.faults ?? []
        faults += coordinator?.hostRules.faults ?? []
        faults += coordinator?.adoption.faults ?? []
    }
}

extension Dispatcher.Command {
    var isAssignment: Bool { if case .send(.assign, _) = self { true } else { false } }
}
