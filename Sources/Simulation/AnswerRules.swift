import Coordination
import Studies

/// What is recorded must have been said: a job is settled by the result that has just arrived, unchanged, an attempt fails by the failure
/// that its worker has just reported, or because its worker is gone, and jobs are opened again for a result or for a person.
struct AnswerRules {
    static func violation(_ change: LedgerChange, answering event: Dispatcher.Event) -> String? {
        switch change {
        case .jobSettled(let result):
            if case .received(.result(result), _) = event { return nil }
            return "a job is settled by what nobody has reported"
        case .attemptFailed(let attempt, let failure), .jobFailed(_, .some(let attempt), let failure):
            if failure.reason == .hostLost { return isLoss(event) ? nil : "a worker is called lost that has said nothing of the kind" }
            guard case .received(.result(let result), _) = event, result.attempt == attempt, case .failed(failure) = result.outcome else {
                return "an attempt fails by what nobody has reported of it"
            }
            return nil
        case .jobReopened:
            switch event {
            case .asked(.retry): return nil
            case .received(.result(let result), _) where !result.outcome.isFailure: return nil
            default: return "a job is opened again that nobody has asked for"
            }
        default: return nil
        }
    }

    private static func isLoss(_ event: Dispatcher.Event) -> Bool {
        switch event {
        case .tick, .workerEnded, .received(.goodbye, _): true
        case .received, .asked: false
        }
    }
}
