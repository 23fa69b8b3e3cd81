import Coordination
import Studies

/// A result that was acknowledged is on the coordinator's disk from then on, whatever crashes.
struct AcknowledgementRules {
    private var acknowledged: [Bool]

    init(jobs: Int) { acknowledged = [Bool](repeating: false, count: jobs) }

    /// The result of the job at this position in the study, not a failure, has been acknowledged.
    mutating func noteAcknowledged(position: Int) { acknowledged[position] = true }

    /// - Parameter isSettled: by position in the study, as the ledger has it now.
    func violation(isSettled: (Int) -> Bool) -> String? {
        guard let lost = acknowledged.indices.first(where: { acknowledged[$0] && !isSettled($0) }) else { return nil }
        return "the result of job number \(lost) was acknowledged, and is lost"
    }
}
