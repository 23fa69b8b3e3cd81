import Digests
import Studies

// How an attempt moves through its phases until it is forgotten.

extension WorkerSession {
    mutating func hold(_ assignment: Assignment, _ phase: Held.Phase) {
        arrivals += 1
        held[assignment.attempt] = Held(assignment: assignment, phase: phase, arrival: arrivals)
        noteArtifacts(of: assignment.attempt)
        numbers[assignment.attempt.job, default: []].append(assignment.attempt.number)
        if case .queued = phase { queue(assignment.attempt) }
    }

    /// To be called before and after an attempt's phase changes to one in which it needs other artifacts.
    mutating func noteArtifacts(of attempt: AttemptID) {
        if held[attempt]?.needsArtifacts ?? false { artifactChanges &+= 1 }
    }

    /// The attempt has a result, with the artifacts of which it goes on.
    mutating func enter(_ phase: Held.Phase, _ attempt: AttemptID) {
        noteArtifacts(of: attempt)
        held[attempt]?.phase = phase
        noteArtifacts(of: attempt)
    }

    mutating func queue(_ attempt: AttemptID) {
        guard let arrival = held[attempt]?.arrival else { return }
        held[attempt]?.phase = .queued
        startable.insert(StartEntry(arrival: arrival, attempt: attempt))
    }

    /// Waits on for what is still missing, or for a slot.
    mutating func wait(for missing: Set<Digest>, _ attempt: AttemptID) {
        if missing.isEmpty { queue(attempt) } else { held[attempt]?.phase = .fetching(missing) }
    }

    mutating func drop(_ attempt: AttemptID, _ commands: inout [Command]) {
        if case .running(let slot) = held[attempt]?.phase {
            slots[slot] = nil
            commands.append(.kill(slot: slot))
        }
        forget(attempt, &commands)
    }

    mutating func forget(_ attempt: AttemptID, _ commands: inout [Command]) {
        if hasResult(attempt) { commands.append(.unspool(attempt)) }
        noteArtifacts(of: attempt)
        held[attempt] = nil
        numbers[attempt.job]?.removeAll { $0 == attempt.number }
        if numbers[attempt.job]?.isEmpty ?? false { numbers[attempt.job] = nil }
    }

}
