import Studies

// How a worker leaves without a loss. Draining, it takes nothing new, gives back what has not begun, and ends when what runs has
// ended and the coordinator has it. Told so twice, or at the end of its time, it ends its runners; what they were doing is given
// back as soon as their last checkpoints have arrived. Neither counts against a job.

extension WorkerSession {
    /// Whether the worker means to stay. Can only go forward.
    enum Departure: Equatable {
        case staying
        /// Runs out what runs.
        case draining
        /// Ends at once, but for what is on its way.
        case leaving(since: Instant)
    }

    /// Takes nothing new from now on.
    mutating func drain(at now: Instant, _ commands: inout [Command]) {
        guard departure == .staying else { return }
        departure = .draining
        giveBackWhatHasNotBegun(at: now, &commands)
        // The greeting says so, and is repeated.
        lastGreeting = now
        commands.append(.send(greeting(at: now)))
    }

    /// Gives up what runs.
    mutating func leave(at now: Instant, _ commands: inout [Command]) {
        drain(at: now, &commands)
        guard case .draining = departure else { return }
        departure = .leaving(since: now)
        for slot in slots.indices {
            guard let attempt = slots[slot] else { continue }
            slots[slot] = nil
            commands.append(.kill(slot: slot))
            let seconds = held[attempt]?.started.map { now - $0 } ?? 0
            held[attempt]?.phase = .handingBack(seconds: seconds)
        }
    }

    mutating func giveBackWhatHasNotBegun(at now: Instant, _ commands: inout [Command]) {
        for attempt in order {
            switch held[attempt]?.phase {
            case .fetching, .queued: giveBack(attempt, at: now, &commands)
            case .running, .handingBack, .pushing, .reporting, nil: break
            }
        }
    }

    mutating func giveBack(_ attempt: AttemptID, at now: Instant, _ commands: inout [Command]) {
        report(failure: JobFailure(.canceled, "given back before it began"), of: attempt, at: now, &commands)
    }

    /// What follows from leaving after each event: attempts whose checkpoints have arrived are free, and then the worker is.
    mutating func goOnLeaving(at now: Instant, _ commands: inout [Command]) {
        if let end = endOfLife, now >= end { leave(at: now, &commands) }
        guard departure != .staying else { return }
        let onTheirWay = Set(travelling.values.map(\.attempt))
        for attempt in order {
            guard case .handingBack(let seconds) = held[attempt]?.phase, !onTheirWay.contains(attempt) else { continue }
            let failure = JobFailure(.preempted, "its worker ended; a training that leaves checkpoints goes on from the last one")
            report(failure: failure, of: attempt, seconds: seconds, at: now, &commands)
        }
        guard let reason = farewell(at: now) else { return }
        commands.append(.send(.goodbye(reason: reason)))
        commands.append(.end(.left))
    }

    /// Why the worker can go now; `nil` while it is still needed.
    private func farewell(at now: Instant) -> String? {
        if held.isEmpty { return "it was told to leave, and has delivered everything" }
        // What is finished is on the disk, and the next worker on that store delivers it.
        switch departure {
        case .leaving(let since) where now - since > Limits.farewellSeconds: return "it was told to leave at once"
        case .draining where runningCount == 0 && now - lastHeard > Limits.farewellSeconds:
            return "it was told to leave, and its coordinator is silent"
        case .staying, .draining, .leaving: return nil
        }
    }
}
