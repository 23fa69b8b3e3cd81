import Digests
import Studies

/// A fact that the dispatcher has decided and that must be on disk before anything that depends on it is sent.
package enum LedgerChange: Sendable, Equatable {
    case workerJoined(Hello)
    case workerLeft(worker: String, reason: String)
    /// A lease is given: the attempt's number is used up from now on.
    case attemptStarted(AttemptID, worker: String)
    case epoch(AttemptID, EpochMetrics)
    /// The attempt ended without settling its job; the job is open again.
    case attemptFailed(AttemptID, JobFailure)
    /// The attempt's result is the job's result: epochs, artifacts and outcome. Happens once a job.
    case jobSettled(AttemptResult)
    /// The job has failed for good; the attempt is the last one, or `nil` when none was tried (a failed input).
    case jobFailed(JobID, attempt: AttemptID?, JobFailure)
    /// A job that had failed for good is open again, its crashes forgiven.
    case jobReopened(JobID)
    /// The job's checkpoint from now on, in place of an earlier one.
    case checkpointed(JobID, JobCheckpoint)
    /// Something a person should be able to read later: a conflicting result, a refused worker.
    case event(kind: String, text: String)
}

/// A job as the dispatcher needs it, read from the ledger at start.
package struct JobEntry: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case open
        case finished(artifacts: [ArtifactNotice])
        /// A diverged training or a job that failed for good: nothing can read its artifacts.
        case ended(JobState)
        /// Failed because a person wanted it not to be done.
        case canceled
    }

    package var id: JobID
    package var spec: [UInt8]
    package var inputs: [JobID]
    package var isCentral: Bool
    /// What is sampled is announced to every worker.
    package var isBroadcast: Bool
    /// Ready jobs start in ascending order.
    package var priority: Int
    package var state: State
    /// The highest attempt number ever given.
    package var lastAttempt: Int
    /// Attempts that ended by a fault that may be the job's own.
    package var crashes: Int
    /// The highest attempt known to have ended by a fault of its own: nothing can run under it any more, so a worker
    /// that still holds it holds an unacknowledged failure, which has been counted. 0 for none.
    package var lastEndedAttempt: Int
    /// Where its attempts have got to.
    package var checkpoint: JobCheckpoint?
    /// Which workers may run it.
    package var demands: JobDemands
    /// How long the attempt took that settled it; `nil` when that is not known.
    package var seconds: Double?

    /// Whether its newest attempt has not ended, as far as is known: a worker that was cut off may go on with it.
    var mayBeRunning: Bool { lastAttempt > lastEndedAttempt }

    package init(
        id: JobID, spec: [UInt8], inputs: [JobID], isCentral: Bool, isBroadcast: Bool, priority: Int, state: State = .open,
        lastAttempt: Int = 0, crashes: Int = 0, lastEndedAttempt: Int = 0, checkpoint: JobCheckpoint? = nil,
        demands: JobDemands = JobDemands(), seconds: Double? = nil
    ) {
        self.id = id
        self.spec = spec
        self.inputs = inputs
        self.isCentral = isCentral
        self.isBroadcast = isBroadcast
        self.priority = priority
        self.state = state
        self.lastAttempt = lastAttempt
        self.crashes = crashes
        self.lastEndedAttempt = lastEndedAttempt
        self.checkpoint = checkpoint
        self.demands = demands
        self.seconds = seconds
    }
}

/// A checkpoint, and which workers can go on from it: those of its numeric class.
package struct JobCheckpoint: Sendable, Hashable {
    package var checkpoint: Checkpoint
    package var numericClass: String

    package init(checkpoint: Checkpoint, numericClass: String) {
        self.checkpoint = checkpoint
        self.numericClass = numericClass
    }
}

/// A job's state as people see it.
package enum JobState: String, Sendable, Codable, CaseIterable {
    case waiting = "WAITING"
    case running = "RUNNING"
    case finished = "FINISHED"
    /// A training whose loss became NaN or infinite: settled, without an accuracy.
    case diverged = "DIVERGED"
    case failed = "FAILED"
}
