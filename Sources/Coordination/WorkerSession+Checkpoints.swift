import Digests

// How an attempt's checkpoints reach the coordinator: one after another, the newest of those that wait. One that is on its way is not
// given up for a newer one: where epochs are shorter than a transfer, none would ever arrive.

extension WorkerSession {
    /// The runner has left a checkpoint in the host's store.
    mutating func take(_ checkpoint: Checkpoint, of attempt: AttemptID, _ commands: inout [Command]) {
        let underWay = travellingCheckpoint(of: attempt)
        noteArtifacts(of: attempt)
        if let earlier = held[attempt]?.checkpoint?.artifact.digest, earlier != underWay { commands.append(.discard(earlier)) }
        held[attempt]?.checkpoint = checkpoint
        if underWay == nil { push(checkpoint, of: attempt, &commands) }
    }

    /// The one that was under way has arrived, or will not: the newest goes next, if it is another.
    mutating func pushNextCheckpoint(of attempt: AttemptID, after digest: Digest, _ commands: inout [Command]) {
        guard let newest = held[attempt]?.checkpoint, newest.artifact.digest != digest else { return }
        commands.append(.discard(digest))
        push(newest, of: attempt, &commands)
    }

    /// The result has taken the place of all checkpoints.
    mutating func discardCheckpoints(of attempt: AttemptID, _ commands: inout [Command]) {
        guard let newest = held[attempt]?.checkpoint?.artifact.digest else { return }
        noteArtifacts(of: attempt)
        held[attempt]?.checkpoint = nil
        if let underWay = travellingCheckpoint(of: attempt), underWay != newest { commands.append(.discard(underWay)) }
        commands.append(.discard(newest))
    }

    private mutating func push(_ checkpoint: Checkpoint, of attempt: AttemptID, _ commands: inout [Command]) {
        travelling[checkpoint.artifact.digest] = (attempt, checkpoint)
        commands.append(.push(checkpoint.artifact))
    }

    private func travellingCheckpoint(of attempt: AttemptID) -> Digest? { travelling.first { $0.value.attempt == attempt }?.key }
}
