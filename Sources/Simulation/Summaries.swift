import Coordination
import Digests
import Studies

// Messages and changes in few words for a transcript, and as a number for the trace's hash.

extension AttemptID {
    fileprivate var words: String { "\(job.short)/\(number)" }
    fileprivate var mixed: UInt64 { job.digest.leadingWord &+ UInt64(number) }
}

extension WorkerMessage {
    var fingerprint: UInt64 {
        switch self {
        case .hello(let hello): hello.attempts.reduce(101) { SplitMix64.mix($0 ^ $1.mixed) }
        case .heartbeat: 102
        case .epoch(let attempt, let metrics): 103 ^ attempt.mixed &+ UInt64(metrics.epoch)
        case .result(let result): 104 ^ result.attempt.mixed
        case .goodbye: 105
        case .checkpoint(let attempt, _): 106 ^ attempt.mixed
        }
    }

    var summary: String {
        switch self {
        case .hello(let hello): "hello, I hold [\(hello.attempts.map(\.words).joined(separator: ", "))]"
        case .heartbeat: "heartbeat"
        case .epoch(let attempt, let metrics): "epoch \(metrics.epoch) of \(attempt.words)"
        case .result(let result): "result of \(result.attempt.words): \(result.outcome.words)"
        case .goodbye(let reason): "goodbye: \(reason)"
        case .checkpoint(let attempt, let checkpoint): "checkpoint of \(attempt.words) after epoch \(checkpoint.epoch)"
        }
    }
}

extension CoordinatorMessage {
    var fingerprint: UInt64 {
        switch self {
        case .welcome(let welcome): welcome.drop.reduce(201) { SplitMix64.mix($0 ^ $1.mixed) }
        case .refused: 202
        case .greetAgain: 203
        case .heartbeat: 204
        case .assign(let assignment): 205 ^ assignment.attempt.mixed
        case .acknowledged(let attempt): 206 ^ attempt.mixed
        case .missing(let attempt, _): 207 ^ attempt.mixed
        case .cancel(let attempt): 208 ^ attempt.mixed
        case .announce(let artifact): 209 ^ artifact.digest.leadingWord
        case .finish: 210
        case .giveBack: 211
        }
    }

    var summary: String {
        switch self {
        case .welcome(let welcome): "welcome, drop [\(welcome.drop.map(\.words).joined(separator: ", "))]"
        case .refused(let reason): "refused: \(reason)"
        case .greetAgain: "greet again"
        case .heartbeat: "heartbeat"
        case .assign(let assignment):
            "assign \(assignment.attempt.words)" + (assignment.checkpoint == nil ? "" : ", go on from its checkpoint")
        case .acknowledged(let attempt): "acknowledged \(attempt.words)"
        case .missing(let attempt, let digests): "\(digests.count) artifacts of \(attempt.words) are missing"
        case .cancel(let attempt): "cancel \(attempt.words)"
        case .announce(let artifact): "announce \(artifact.digest.short)"
        case .finish: "finish"
        case .giveBack: "give back what has not begun"
        }
    }
}

extension LedgerChange {
    var fingerprint: UInt64 {
        switch self {
        case .workerJoined: 301
        case .workerLeft: 302
        case .attemptStarted(let attempt, _): 303 ^ attempt.mixed
        case .epoch(let attempt, let metrics): 304 ^ attempt.mixed &+ UInt64(metrics.epoch)
        case .attemptFailed(let attempt, let failure): 305 ^ attempt.mixed &+ UInt64(failure.reason.rawValue)
        case .jobSettled(let result): 306 ^ result.attempt.mixed
        case .jobFailed(let job, _, let failure): 307 ^ job.digest.leadingWord &+ UInt64(failure.reason.rawValue)
        case .checkpointed(let job, let checkpoint): 308 ^ job.digest.leadingWord &+ UInt64(checkpoint.checkpoint.epoch)
        case .event: 309
        case .jobReopened(let job): 310 ^ job.digest.leadingWord
        }
    }

    var summary: String {
        switch self {
        case .workerJoined(let hello): "that \(hello.worker) joined"
        case .workerLeft(let worker, let reason): "that \(worker) left: \(reason)"
        case .attemptStarted(let attempt, let worker): "the lease of \(attempt.words) for \(worker)"
        case .epoch(let attempt, let metrics): "epoch \(metrics.epoch) of \(attempt.words)"
        case .attemptFailed(let attempt, let failure): "the failure of \(attempt.words): \(failure.code)"
        case .jobSettled(let result): "the result of \(result.attempt.words): \(result.outcome.words)"
        case .jobFailed(let job, _, let failure): "that \(job.short) has failed: \(failure.code)"
        case .checkpointed(let job, let checkpoint): "the checkpoint of \(job.short) after epoch \(checkpoint.checkpoint.epoch)"
        case .event(let kind, _): "an event, \(kind)"
        case .jobReopened(let job): "that \(job.short) is open again"
        }
    }
}

extension AttemptOutcome {
    fileprivate var words: String {
        switch self {
        case .finished: "finished"
        case .diverged: "diverged"
        case .failed(let failure): "failed, \(failure.code)"
        }
    }
}
