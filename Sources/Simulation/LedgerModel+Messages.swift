import Coordination
import Studies

// What the coordinator may say, by what its ledger holds.

extension LedgerModel {
    /// Checks one message against what is decided by now, in the order of the decisions.
    package mutating func check(_ message: CoordinatorMessage, answering event: Dispatcher.Event) {
        switch message {
        case .assign(let assignment):
            let attempt = assignment.attempt
            guard let row = row(of: attempt.job), let entry = entry(of: attempt.job), let state = row.state(of: attempt.number) else {
                return fault("attempt \(attempt.number) is assigned, not recorded")
            }
            require(row.state == .open, "a settled job is assigned")
            require(state == .running || state == .failed(.hostLost), "attempt \(attempt.number) is assigned, it is \(state)")
            require(attempt.number == row.lastNumber, "an old attempt is assigned")
            let inputs = entry.inputs.flatMap { id in
                (self.row(of: id)?.artifacts ?? []).map { InputArtifact(job: id, artifact: $0) }
            }
            require(assignment.inputs == inputs && assignment.spec == entry.spec, "an assignment is not its job")
            require(
                assignment.checkpoint == nil || assignment.checkpoint == checkpoints[attempt.job]?.checkpoint.artifact,
                "a checkpoint is handed out that is not recorded")
        case .acknowledged(let attempt):
            guard case .received(.result(let result), _) = event else { return fault("an acknowledgement answers no result") }
            require(result.attempt == attempt, "another attempt is acknowledged")
            guard !result.outcome.isFailure, let row = row(of: attempt.job), row.state(of: attempt.number) != nil else { return }
            require(row.state == .finished || row.state == .diverged, "a result is acknowledged, not recorded")
        default: break
        }
    }

    /// Checks one message at the moment in which it leaves: what it says must be on the disk by then.
    mutating func checkIsDurable(_ message: CoordinatorMessage, finished: Bool) {
        switch message {
        case .assign(let assignment):
            let last = row(of: assignment.attempt.job)?.lastNumber ?? 0
            require(assignment.attempt.number <= last, "attempt \(assignment.attempt.number) leaves before it is on the disk")
        case .acknowledged(let attempt) where finished:
            guard let row = row(of: attempt.job), attempt.number <= row.lastNumber else { return }
            require(row.state == .finished || row.state == .diverged, "a result is acknowledged before it is on the disk")
        default: break
        }
    }
}
