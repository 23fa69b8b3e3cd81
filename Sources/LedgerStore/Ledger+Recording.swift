import Coordination
import Digests
import Failpoints
import Foundation
import GRDB
import Studies

extension Ledger {
    /// Records all changes in one transaction, in their order; on return they are on the disk.
    ///
    /// The caller groups changes: one call costs one sync, whatever it holds. Nothing is recorded when it throws:
    /// `.ruleBroken` when a constraint refuses a change, `.unknownJob` and `.invalid` for what the ledger has never heard
    /// of, `.diskFull`, `.io`.
    package func record(_ changes: [LedgerChange], now: Date) throws(LedgerError) {
        guard !changes.isEmpty else { return }
        do {
            try write { db in
                try Failpoint.ledgerRecordBefore.passInLedger()
                try memory.withLock { memory in
                    var recorder = Recorder(db: db, path: path, now: now.milliseconds, inherited: inherited, memory: memory)
                    // What is rolled back must not be remembered; and what has one owner is changed in place.
                    memory = RecordingMemory()
                    for change in changes { try recorder.record(change) }
                    memory = recorder.memory
                    memory.changesSinceCheckpoint += changes.count
                }
                try Failpoint.ledgerCommitBefore.passInLedger()
            }
        } catch {
            // The commit itself may have failed, after everything was noted.
            memory.withLock { $0 = RecordingMemory() }
            throw error
        }
        Failpoint.ledgerCommitAfter.pass()
    }
}

/// What the only writer knows without asking the database again.
struct RecordingMemory {
    /// Open jobs' rows; a job keeps its row.
    var rows: [JobID: Int64] = [:]
    /// Attempts that are running, with the epochs that the database has of them; `nil` when that is not known.
    var running: [Ledger.RowAttempt: [EpochMetrics]?] = [:]
    var changesSinceCheckpoint = 0
}

/// Writes the changes of one transaction.
private struct Recorder {
    let db: Database
    let path: String
    let now: Int64
    let inherited: Set<Ledger.RowAttempt>
    var memory: RecordingMemory
    /// The statement that wrote the last epoch: there may be hundreds.
    private var epochStatement: (sql: String, prepared: Statement)?

    init(db: Database, path: String, now: Int64, inherited: Set<Ledger.RowAttempt>, memory: RecordingMemory) {
        self.db = db
        self.path = path
        self.now = now
        self.inherited = inherited
        self.memory = memory
    }

    mutating func record(_ change: LedgerChange) throws {
        try Failpoint.ledgerChangeBefore.passInLedger()
        switch change {
        case .workerJoined(let hello): try join(hello)
        case .workerLeft(let worker, let reason): try leave(worker, reason: reason)
        case .attemptStarted(let attempt, let worker): try start(attempt, worker: worker)
        case .epoch(let attempt, let metrics): try stream(metrics, of: attempt)
        case .attemptFailed(let attempt, let failure):
            try end(attempt, row: try row(of: attempt.job), failure)
        case .jobSettled(let result): try settle(result)
        case .jobFailed(let job, let attempt, let failure): try fail(job, attempt: attempt, failure)
        case .jobReopened(let job): try reopen(job)
        case .checkpointed(let job, let checkpoint): try keep(checkpoint, of: job)
        case .event(let kind, let text):
            try execute("INSERT INTO events (at, kind, text) VALUES (?, ?, ?)", [now, kind, text])
        }
    }

    // MARK: Workers

    private func join(_ hello: Hello) throws {
        try execute(
            """
            INSERT INTO workers (name, host, process, slots, central, numeric_class, joined_at) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET host = excluded.host, process = excluded.process, slots = excluded.slots,
                central = excluded.central, numeric_class = excluded.numeric_class, joined_at = excluded.joined_at,
                left_at = NULL, reason = NULL
            """,
            [
                hello.worker, hello.host, hello.processID, hello.slots, hello.isCentral ? 1 : 0, hello.numericClass, now,
            ])
    }

    private func leave(_ worker: String, reason: String) throws {
        try execute("UPDATE workers SET left_at = ?, reason = ? WHERE name = ?", [now, reason, worker])
        try requireChange("worker \(worker) leaves, but never joined")
    }

    // MARK: Attempts

    private mutating func start(_ attempt: AttemptID, worker: String) throws {
        let job = try row(of: attempt.job)
        try supersedeInherited(job, by: attempt.number)
        try execute(
            "INSERT INTO attempts (job, number, worker, state, started_at) VALUES (?, ?, ?, 'running', ?)",
            [job, attempt.number, worker, now])
        memory.running[Ledger.RowAttempt(job: job, number: attempt.number)] = .some([])
    }

    /// An attempt of a dead coordinator's time whose worker has not come back makes room. Any other running attempt
    /// stays, so that the constraint finds a second live lease.
    private func supersedeInherited(_ job: Int64, by number: Int) throws {
        guard !inherited.isEmpty else { return }
        let select = try db.cachedStatement(sql: "SELECT number FROM attempts WHERE job = ? AND state = 'running'")
        guard let running = try Int.fetchOne(select, arguments: [job]),
            inherited.contains(Ledger.RowAttempt(job: job, number: running))
        else { return }
        try execute(
            "UPDATE attempts SET state = 'superseded', ended_at = ?, message = ? WHERE job = ? AND number = ?",
            [now, "its worker did not come back to the new coordinator; attempt \(number) took its place", job, running])
    }

    private mutating func stream(_ metrics: EpochMetrics, of attempt: AttemptID) throws {
        let job = try row(of: attempt.job)
        let key = Ledger.RowAttempt(job: job, number: attempt.number)
        if memory.running[key] == nil {
            // A worker that had been given up may be back with its work.
            try execute(
                """
                UPDATE attempts SET state = 'running', reason = NULL, message = NULL, ended_at = NULL
                WHERE job = ? AND number = ? AND state = 'failed'
                """, [job, attempt.number])
            memory.running[key] = .some(nil)
        }
        try insert(metrics, key, streamedAt: now, Self.streamedEpoch)
        if db.changesCount > 0 { memory.running[key]??.append(metrics) }
    }

    private static let epoch = """
        INSERT INTO epochs (job, attempt, streamed_at, \(EpochMetrics.columns)) VALUES (?, ?, ?, \(EpochMetrics.placeholders))
        ON CONFLICT (job, attempt, epoch)
        """
    private static let streamedEpoch = "\(epoch) DO NOTHING"
    private static let settledEpoch = "\(epoch) DO UPDATE SET \(EpochMetrics.updates)"

    private mutating func insert(_ metrics: EpochMetrics, _ attempt: Ledger.RowAttempt, streamedAt: Int64?, _ sql: String) throws {
        if epochStatement?.sql != sql { epochStatement = (sql, try db.cachedStatement(sql: sql)) }
        let bind = { (binding: inout ParameterBinding) in
            binding.add(attempt.job)
            binding.add(attempt.number)
            binding.add(streamedAt)
            metrics.bind(&binding)
        }
        try db.run(epochStatement!.prepared, bind: bind)
    }

    private mutating func keep(_ kept: JobCheckpoint, of job: JobID) throws {
        let artifact = kept.checkpoint.artifact
        guard let size = Int64(exactly: artifact.size) else {
            throw LedgerError.invalid(path: path, detail: "a checkpoint has \(artifact.size) bytes")
        }
        try execute(
            """
            INSERT INTO checkpoints (job, epoch, numeric_class, name, digest, size, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (job) DO UPDATE SET epoch = excluded.epoch, numeric_class = excluded.numeric_class,
                name = excluded.name, digest = excluded.digest, size = excluded.size, recorded_at = excluded.recorded_at
            """,
            [
                try row(of: job), kept.checkpoint.epoch, kept.numericClass, artifact.name, artifact.digest, size, now,
            ])
    }

    /// Ends an attempt without a result. One that has failed before may fail again: its worker was given up and came
    /// back with it; the last reason counts.
    private mutating func end(_ attempt: AttemptID, row job: Int64, _ failure: JobFailure) throws {
        try execute(
            """
            UPDATE attempts SET state = 'failed', reason = ?, message = ?, ended_at = ?
            WHERE job = ? AND number = ? AND state IN ('running', 'failed')
            """, [failure.code, failure.message, now, job, attempt.number])
        memory.running[Ledger.RowAttempt(job: job, number: attempt.number)] = nil
        try requireChange("attempt \(attempt.number) of job \(attempt.job.short) fails, but is not open")
    }

    /// The job is settled, so what else runs for it runs in vain.
    private mutating func supersedeRunning(_ job: Int64, message: String) throws {
        try execute(
            "UPDATE attempts SET state = 'superseded', message = ?, ended_at = ? WHERE job = ? AND state = 'running'",
            [message, now, job])
        if db.changesCount > 0 { memory.running = memory.running.filter { $0.key.job != job } }
    }

    // MARK: Jobs

    /// Epochs and artifacts first: once the job is settled, triggers keep them as they are.
    private mutating func settle(_ result: AttemptResult) throws {
        let number = result.attempt.number
        let job = try row(of: result.attempt.job)
        let state: String
        var diverged: (epoch: Int, step: Int)?
        switch result.outcome {
        case .finished: state = "finished"
        case .diverged(let epoch, let step):
            state = "diverged"
            diverged = (epoch, step)
        case .failed(let failure):
            throw LedgerError.invalid(
                path: path, detail: "job \(result.attempt.job.short) is to be settled by a failure (\(failure.code))")
        }
        let key = Ledger.RowAttempt(job: job, number: number)
        let wasRunning = memory.running[key] != nil
        let streamed = memory.running.removeValue(forKey: key) ?? nil
        if streamed != result.epochs { try replaceEpochs(of: job, attempt: number, by: result.epochs) }
        for (position, artifact) in result.artifacts.enumerated() {
            guard let size = Int64(exactly: artifact.size) else {
                throw LedgerError.invalid(path: path, detail: "artifact \(artifact.name) has \(artifact.size) bytes")
            }
            try execute(
                "INSERT INTO artifacts (job, name, position, digest, size) VALUES (?, ?, ?, ?, ?)",
                [job, artifact.name, position, artifact.digest, size])
        }
        try execute(
            "UPDATE attempts SET state = ?, reason = NULL, message = NULL, ended_at = ? WHERE job = ? AND number = ?",
            [state, now, job, number])
        try requireChange("attempt \(number) of job \(result.attempt.job.short) has a result, but was never started")
        // At most one attempt of a job runs: when it was this one, no other does.
        if !wasRunning { try supersedeRunning(job, message: "attempt \(number) had its result first") }
        try execute(
            """
            UPDATE jobs SET state = ?, settled_attempt = ?, settled_at = ?, result_digest = ?, numeric_class = ?,
                seconds = ?, diverged_epoch = ?, diverged_step = ? WHERE id = ?
            """,
            [
                state, number, now, result.digest, result.numericClass, result.seconds, diverged?.epoch, diverged?.step,
                job,
            ])
        try Seals.seal(job: job, db)
        memory.rows[result.attempt.job] = nil
    }

    /// The result's epochs are the attempt's epochs: streamed ones keep their time, others of the attempt go.
    private mutating func replaceEpochs(of job: Int64, attempt: Int, by epochs: [EpochMetrics]) throws {
        for metrics in epochs {
            try insert(metrics, Ledger.RowAttempt(job: job, number: attempt), streamedAt: nil, Self.settledEpoch)
        }
        let numbers = epochs.map { String($0.epoch) }.joined(separator: ",")
        try execute(
            "DELETE FROM epochs WHERE job = ? AND attempt = ? AND epoch NOT IN (SELECT value FROM json_each(?))",
            [job, attempt, "[\(numbers)]"])
    }

    private mutating func fail(_ id: JobID, attempt: AttemptID?, _ failure: JobFailure) throws {
        let job = try row(of: id)
        if let attempt {
            guard attempt.job == id else {
                throw LedgerError.invalid(path: path, detail: "job \(id.short) fails by an attempt of job \(attempt.job.short)")
            }
            try end(attempt, row: job, failure)
        }
        try supersedeRunning(job, message: "the job has failed")
        try execute(
            "UPDATE jobs SET state = 'failed', failure_reason = ?, failure_message = ?, settled_at = ? WHERE id = ?",
            [failure.code, failure.message, now, job])
        try Seals.seal(job: job, db)
    }

    private mutating func reopen(_ id: JobID) throws {
        try execute(
            """
            UPDATE jobs SET state = 'open', settled_at = NULL, failure_reason = NULL, failure_message = NULL,
                forgiven_attempts = (SELECT coalesce(max(number), 0) FROM attempts WHERE job = jobs.id)
            WHERE state = 'failed' AND id = ?
            """, [try row(of: id)])
        try requireChange("job \(id.short) is tried again, but has not failed")
    }

    // MARK: Statements

    private mutating func row(of job: JobID) throws -> Int64 {
        if let row = memory.rows[job] { return row }
        let row = try db.jobRow(job, path: path)
        memory.rows[job] = row
        return row
    }

    private func execute(_ sql: String, _ values: [any StatementValue]) throws { try db.run(sql, values) }

    /// Throws unless the last statement changed a row.
    private func requireChange(_ detail: String) throws {
        if db.changesCount == 0 { throw LedgerError.invalid(path: path, detail: detail) }
    }
}

extension Database {
    func jobRow(_ job: JobID, path: String) throws -> Int64 {
        let select = try cachedStatement(sql: "SELECT id FROM jobs WHERE digest = ?")
        guard let row = try Int64.fetchOne(select, arguments: [job.digest.blob]) else {
            throw LedgerError.unknownJob(job.short, path: path)
        }
        return row
    }
}
