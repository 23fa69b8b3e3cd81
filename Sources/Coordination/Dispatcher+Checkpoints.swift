import Digests
import Studies

// Which checkpoints are kept: one a job, until it is settled.

extension Dispatcher {
    /// Whoever made it, a checkpoint of an open job that is further on is worth keeping, unless it would take away the one
    /// that another attempt has just been told to go on from and may still be fetching.
    mutating func keep(
        _ checkpoint: Checkpoint, of attempt: AttemptID, from name: String, _ commands: inout [Command]
    ) {
        guard let entry = jobs[attempt.job]?.entry, let numericClass = workers[name]?.hello.numericClass,
            entry.checkpoint?.checkpoint.artifact.digest != checkpoint.artifact.digest
        else { return }
        guard isOpen(attempt.job), attempt.number <= entry.lastAttempt,
            checkpoint.epoch > entry.checkpoint?.checkpoint.epoch ?? 0, entry.checkpoint == nil || !isLeased(toAnotherThan: attempt)
        else {
            discard(checkpoint.artifact.digest, &commands)
            return
        }
        let newest = JobCheckpoint(checkpoint: checkpoint, numericClass: numericClass)
        commands.append(.record(.checkpointed(attempt.job, newest)))
        discardCheckpoint(of: attempt.job, &commands)
        jobs[attempt.job]?.entry.checkpoint = newest
        checkpointUses[checkpoint.artifact.digest, default: 0] += 1
    }

    mutating func discardCheckpoint(of job: JobID, _ commands: inout [Command]) {
        guard let checkpoint = jobs[job]?.entry.checkpoint else { return }
        jobs[job]?.entry.checkpoint = nil
        let digest = checkpoint.checkpoint.artifact.digest
        checkpointUses[digest] = checkpointUses[digest].flatMap { $0 > 1 ? $0 - 1 : nil }
        discard(digest, &commands)
    }

    /// Unless a job still needs it: a worker may call its checkpoint what another job's is called.
    func discard(_ digest: Digest, _ commands: inout [Command]) {
        if !kept.contains(digest), checkpointUses[digest] == nil { commands.append(.discard(digest)) }
    }
}
