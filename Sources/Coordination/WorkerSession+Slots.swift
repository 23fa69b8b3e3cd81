import Studies

// What runs in the slots.

extension WorkerSession {
    mutating func startQueued(at now: Instant, _ commands: inout [Command]) {
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

    /// Ends what has run for longer than the sweep allows.
    mutating func endOverdue(at now: Instant, _ commands: inout [Command]) {
        guard let timeLimitSeconds else { return }
        for slot in slots.indices {
            guard let attempt = slots[slot], let started = held[attempt]?.started, now - started > timeLimitSeconds else { continue }
            slots[slot] = nil
            commands.append(.kill(slot: slot))
            let failure = JobFailure(
                .timeout,
                "it ran for \(Int(now - started)) s, the time limit is \(Int(timeLimitSeconds)) s; a training that leaves "
                    + "checkpoints goes on from the last one")
            report(failure: failure, of: attempt, at: now, &commands)
        }
    }

    /// What runs in a slot; `nil` for a slot that is free or that there is not.
    func attempt(in slot: Int) -> AttemptID? { slots.indices.contains(slot) ? slots[slot] : nil }
}
