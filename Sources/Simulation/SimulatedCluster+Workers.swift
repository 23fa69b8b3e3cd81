import Coordination
import Digests
import Studies

// Worker processes: the loop around a session, its disk, and how it dies. It may die between any two of its commands.

extension SimulatedCluster {
    mutating func startWorker(_ host: Int) {
        guard !hosts[host].isGone else { return }
        hosts[host].life += 1
        openLink(of: host)
        let name = "w\(host)-\(hosts[host].life)"
        hosts[host].name = name
        hosts[host].runs = [SimulatedHost.Run?](repeating: nil, count: SimulationSettings.slots)
        hosts[host].memoryOnly = []
        hosts[host].rules = WorkerRules()
        let spooled = hosts[host].outbox.results
        legacyAttempts.formUnion(spooled.map(\.attempt))
        let hello = Hello(
            worker: name, host: hosts[host].place, processID: 42, slots: SimulationSettings.slots, isCentral: hosts[host].isCentral,
            numericClass: hosts[host].numericClass, attempts: [], labels: hosts[host].labels,
            secondsLeft: !hosts[host].isNeeded && goesWrong(.lifetimes) ? choices.seconds(5, 90) : nil)
        var session = WorkerSession(hello: hello, now: now, spooled: mutant == .ignoresOutboxAtStart ? [] : spooled)
        session.planted = mutant?.planted
        let commands = session.start()
        hosts[host].session = session
        hosts[host].rules.checkFirstWords(commands, spooled: spooled)
        trace.note(now, 10, UInt64(host), "\(name) starts with \(spooled.count) results on its disk")
        execute(commands, on: host, answering: .tick)
        schedule(.workerTick(host: host, life: hosts[host].life), in: 1)
    }

    mutating func tickWorker(_ host: Int) {
        hosts[host].outbox.sync()
        if hasFaults {
            troubleLink(of: host)
            if goesWrong(.workerPauses) {
                hosts[host].pausedUntil = now + choices.seconds(1, 50)
                trace.note(now, 11, UInt64(host), "\(hosts[host].name) is paused until \(Int(hosts[host].pausedUntil.seconds)) s")
            }
        }
        schedule(.workerTick(host: host, life: hosts[host].life), in: 1)
        feed(.tick, to: host)
    }

    mutating func arriveAtWorker(_ packet: Packet<CoordinatorMessage>, on host: Int) {
        guard let message = unpack(packet) else { return }
        trace.note(now, message.fingerprint, UInt64(host), "← \(hosts[host].name): \(message.summary)")
        hosts[host].rules.noteReceived(message)
        feed(.received(message), to: host)
    }

    mutating func feed(_ event: WorkerSession.Event, to host: Int) {
        guard let told = mutant == nil ? event : distorted(event),
            var commands = hosts[host].session?.handle(told, at: now)
        else { return }
        if let mutant { commands = mutant.distorted(commands, answering: event) }
        execute(commands, on: host, answering: event)
    }

    private mutating func execute(_ commands: [WorkerSession.Command], on host: Int, answering event: WorkerSession.Event) {
        let losesPower = !commands.isEmpty && goesWrong(.powerLosses)
        let dies = losesPower || (!commands.isEmpty && goesWrong(.workerCrashes))
        let end = dies ? choices.below(commands.count + 1) : commands.count
        for command in commands[..<end] where hosts[host].session != nil { execute(command, on: host, answering: event) }
        faults += hosts[host].rules.faults
        if dies { die(host, losingPower: losesPower) }
    }

    private mutating func execute(_ command: WorkerSession.Command, on host: Int, answering event: WorkerSession.Event) {
        let life = hosts[host].life
        switch command {
        case .send(let message):
            let (outbox, memoryOnly) = (hosts[host].outbox, hosts[host].memoryOnly)
            hosts[host].rules.checkSent(message) { outbox.contains($0) || memoryOnly.contains($0.attempt) }
            if mutant == .unspoolsWhenSent, case .result(let result) = message { hosts[host].outbox.remove(result.attempt) }
            send(message, from: host)
        case .fetch(let artifact):
            if mutant == .skipsFetching { return feed(.fetched(artifact.digest), to: host) }
            schedule(.transferEnds(host: host, life: life, artifact, isPush: false), in: choices.seconds(0.1, 2))
        case .push(let artifact):
            schedule(.transferEnds(host: host, life: life, artifact, isPush: true), in: choices.seconds(0.1, 2))
        case .spool(let result):
            if goesWrong(.fullOutboxes) {
                hosts[host].memoryOnly.insert(result.attempt)
            } else if mutant != .forgetsToSpool {
                hosts[host].outbox.write(result, synced: mutant != .spoolsWithoutSync)
            }
        case .unspool(let attempt):
            hosts[host].rules.checkUnspooled(attempt, answering: event)
            hosts[host].memoryOnly.remove(attempt)
            if mutant != .neverUnspools { hosts[host].outbox.remove(attempt) }
        case .start(let slot, let attempt, let start): startRunner(host, slot, attempt, start)
        case .discard(let digest): hosts[host].store.remove(digest)
        case .look, .place: faults.append("\(hosts[host].name) places data that nobody sends")
        case .kill(let slot):
            if mutant == .keepsKilledRunners { return }
            hosts[host].runs[slot] = nil
            hosts[host].rules.noteEnded(slot: slot)
        case .reconnect: if mutant != .neverReconnects { openLink(of: host) }
        // One that started while the coordinator was down for longer than it waits; it is started again.
        case .end(.unreachable): die(host, losingPower: false)
        case .end(.left):
            hosts[host].rules.checkLeaving()
            trace.note(now, 14, UInt64(host), "\(hosts[host].name) has left")
            end(host)
            // Another may take its place: the next allocation of a cluster's queue.
            if choices.chance(0.5) { schedule(.workerStarts(host: host), in: choices.seconds(1, 30)) } else { hosts[host].isGone = true }
        case .end: faults.append("\(hosts[host].name) is told to end")
        }
    }

    private mutating func die(_ host: Int, losingPower: Bool) {
        guard hosts[host].session != nil else { return }
        trace.note(now, 12, UInt64(host), "\(hosts[host].name) \(losingPower ? "loses its power" : "dies")")
        if losingPower { hosts[host].outbox.losePower() }
        let name = hosts[host].name
        end(host)
        schedule(.workerStarts(host: host), in: choices.seconds(1, 30))
        // A coordinator on the same host sees its child's end.
        guard !losingPower, coordinator != nil, choices.chance(0.5) else { return }
        coordinator?.endedWorkers.append(name)
        demandTurn()
    }

    mutating func leave(_ host: Int) {
        guard !hosts[host].isGone else { return }
        hosts[host].isGone = true
        trace.note(now, 13, UInt64(host), "host \(host) leaves for good")
        guard hosts[host].session != nil else { return }
        if choices.chance(0.5) { send(.goodbye(reason: "stopped by a signal"), from: host) }
        end(host)
    }

    private mutating func end(_ host: Int) {
        hosts[host].session = nil
        hosts[host].runs = []
        // A last message may still arrive, so the connection stays as it is.
        if !hosts[host].isGone { hosts[host].link.connection = -1 }
    }

    mutating func endTransfer(_ artifact: ArtifactNotice, isPush: Bool, of host: Int) {
        guard !goesWrong(.failedTransfers) else { return failTransfer(artifact, isPush: isPush, of: host, "the disk\u{1B} is full") }
        let isCut = now < max(hosts[host].link.outgoingCutUntil, hosts[host].link.incomingCutUntil)
        guard isListening(), !isCut else {
            return schedule(.transferEnds(host: host, life: hosts[host].life, artifact, isPush: isPush), in: 2)
        }
        let isThere = isPush ? hosts[host].store.contains(artifact.digest) : blobs.contains(artifact.digest)
        guard isThere else {
            // Only a checkpoint may be removed meanwhile: a newer one, or the result, has taken its place.
            if artifact.name == SimulatedStudy.checkpointName { return failTransfer(artifact, isPush: isPush, of: host, "gone") }
            return faults.append(isPush ? "a blob is pushed that was never published" : "a blob is asked for that is not there")
        }
        if isPush {
            if mutant == .storesWithoutSync, !blobs.contains(artifact.digest) { unsyncedBlobs.insert(artifact.digest) }
            blobs.insert(artifact.digest)
            feed(.pushed(artifact.digest), to: host)
        } else {
            hosts[host].store.insert(artifact.digest)
            feed(.fetched(artifact.digest), to: host)
        }
    }

    private mutating func failTransfer(_ artifact: ArtifactNotice, isPush: Bool, of host: Int, _ reason: String) {
        feed(isPush ? .pushFailed(artifact.digest, reason: reason) : .fetchFailed(artifact.digest, reason: reason), to: host)
    }
}
