import Coordination
import Digests
import Foundation
import Studies

// What `LedgerReader` gives: plain values.

package struct StudyRow: Sendable, Equatable {
    package var id: StudyID
    package var name: String
    package var definitionDigest: Digest
    package var definitionJSON: String
    package var createdAt: Date
}

/// A stage's jobs by state.
package struct StageCount: Sendable, Equatable {
    package var stage: String
    package var waiting: Int
    package var running: Int
    package var finished: Int
    package var diverged: Int
    package var failed: Int

    package init(stage: String, waiting: Int, running: Int, finished: Int, diverged: Int, failed: Int) {
        self.stage = stage
        self.waiting = waiting
        self.running = running
        self.finished = finished
        self.diverged = diverged
        self.failed = failed
    }

    package var total: Int { waiting + running + finished + diverged + failed }
}

/// Why a job failed for good, or an attempt.
package struct RecordedFailure: Sendable, Equatable {
    package var code: String
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// A cell with its job's result.
package struct CellRow: Sendable, Equatable {
    package var arm: String
    package var pair: [Int]
    package var replicate: Int
    package var job: JobID
    package var state: JobState
    /// The epochs of the attempt whose result stands, ascending; none before there is one.
    package var epochs: EpochList
    package var numericClass: String?
    package var seconds: Double?
    /// Where the loss became NaN or infinite, both counted from 1.
    package var divergedAt: DivergencePoint?
    package var failure: RecordedFailure?

    init(arm: String, pair: [Int], replicate: Int, job: JobID, state: JobState, _ result: SealedJob.Result) {
        self.arm = arm
        self.pair = pair
        self.replicate = replicate
        self.job = job
        self.state = state
        epochs = result.epochs
        numericClass = result.numericClass
        seconds = result.seconds
        divergedAt = result.divergedAt
        failure = result.failure
    }
}

package struct DivergencePoint: Sendable, Equatable {
    package var epoch: Int
    package var step: Int

    package init(epoch: Int, step: Int) {
        self.epoch = epoch
        self.step = step
    }
}

package struct WorkerRow: Sendable, Equatable {
    package var name: String
    package var host: String
    package var processID: Int
    package var slots: Int
    package var isCentral: Bool
    package var numericClass: String
    package var joinedAt: Date
    /// `nil` while it takes part.
    package var leftAt: Date?
    package var leaveReason: String?
    package var runningAttempts: Int
}

package struct AttemptRow: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case running, finished, diverged, failed
        /// Another attempt took its place, or had its result first.
        case superseded
    }

    package var number: Int
    package var worker: String
    package var host: String
    package var state: State
    package var failure: RecordedFailure?
    /// Why it was superseded.
    package var note: String?
    package var startedAt: Date
    package var endedAt: Date?
    /// The last epoch it reported; 0 for none.
    package var lastEpoch: Int
}

/// A job that failed for good.
package struct FailureRow: Sendable, Equatable {
    package var job: JobID
    package var kind: JobKind
    package var failure: RecordedFailure
    package var failedAt: Date
    /// The last attempt; `nil` when none was tried.
    package var attempt: Int?
    package var worker: String?
    package var host: String?
}

package struct EventRow: Sendable, Equatable {
    package var at: Date
    package var kind: String
    package var text: String
}

package struct JobRow: Sendable, Equatable {
    package var id: JobID
    package var kind: JobKind
    package var state: JobState
    package var spec: [UInt8]
    package var inputs: [JobID]
    package var artifacts: [ArtifactNotice]
    package var settledAttempt: Int?
    package var settledAt: Date?
    package var resultDigest: Digest?
    package var numericClass: String?
    package var seconds: Double?
    package var divergedAt: DivergencePoint?
    package var failure: RecordedFailure?
}

/// Epochs as they arrived, for a rate.
package struct TrainingRate: Sendable, Equatable {
    package var epochs: Int
    package var images: Int
    /// The epochs' own wall times, added: slots work side by side.
    package var seconds: Double

    package init(epochs: Int, images: Int, seconds: Double) {
        self.epochs = epochs
        self.images = images
        self.seconds = seconds
    }
}
