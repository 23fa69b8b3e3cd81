import Digests

// How a result, or a failure, reaches the coordinator.

extension WorkerSession {
    /// A result's artifacts go first: the coordinator acknowledges only what it holds.
    mutating func deliver(_ result: AttemptResult, at now: Instant, _ commands: inout [Command]) {
        if !result.outcome.isFailure { commands.append(.spool(result)) }
        guard !result.artifacts.isEmpty else {
            report(result, at: now, &commands)
            return
        }
        enter(.pushing(result, Set(result.artifacts.map(\.digest))), result.attempt)
        for artifact in result.artifacts { commands.append(.push(artifact)) }
    }

    mutating func report(_ result: AttemptResult, at now: Instant, _ commands: inout [Command]) {
        guard held[result.attempt] != nil else { return }
        enter(.reporting(result, sent: now), result.attempt)
        commands.append(.send(.result(result)))
    }

    mutating func report(
        failure: JobFailure, of attempt: AttemptID, seconds: Double = 0, at now: Instant, _ commands: inout [Command]
    ) {
        if hasResult(attempt) { commands.append(.unspool(attempt)) }
        let failure = JobFailure(failure.reason, WireText.clean(failure.message, limit: Limits.textBytes))
        report(
            AttemptResult(
                attempt: attempt, outcome: .failed(failure), epochs: [], artifacts: [], numericClass: hello.numericClass,
                seconds: seconds), at: now, &commands)
    }

    /// Whether an attempt has computed something worth offering, even when its lease is gone: what is on the disk.
    func hasResult(_ attempt: AttemptID) -> Bool {
        switch held[attempt]?.phase {
        case .pushing(let result, _), .reporting(let result, _): !result.outcome.isFailure
        default: false
        }
    }
}
