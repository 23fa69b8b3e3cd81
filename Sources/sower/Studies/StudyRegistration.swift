import Coordination
import Foundation
import LedgerStore
import Studies

extension Ledger {
    /// Registers a study with its whole grid; what is known already stays as it is.
    func register(_ study: Study, _ plan: StudyPlan, retryFailed: Bool) throws -> Registration {
        try register(
            study: StudyRecord(name: study.name, definitionDigest: study.digest, definitionJSON: JSONOutput.text(study)),
            jobs: plan.jobs.enumerated().map { priority, job in
                PlannedJobRecord(
                    id: job.id, spec: job.spec.canonicalJSON, kind: JobKind(job.spec), stage: job.stage.rawValue,
                    priority: priority, inputs: job.spec.inputs)
            },
            cells: plan.cells.map {
                CellRecord(stage: $0.stage.rawValue, arm: $0.arm, pair: $0.pair, replicate: $0.replicate, job: $0.job)
            }, retryFailed: retryFailed, now: Date())
    }
}
