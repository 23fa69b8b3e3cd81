import Coordination
import Digests
import Foundation
import GRDB
import Studies

extension Ledger {
    /// A study's jobs as the dispatcher needs them at start, by priority and id. Throws `.unknownStudy`.
    ///
    /// The rows of open jobs are kept in mind, since a commit that records their attempts should not have to look for them.
    package func snapshot(study: StudyID) throws(LedgerError) -> [JobEntry] {
        var open: [JobID: Int64] = [:]
        defer { memory.withLock { $0.rows.merge(open) { $1 } } }
        return try read { db in
            let name = try String.fetchOne(db, sql: "SELECT name FROM studies WHERE id = ?", arguments: [study.rawValue])
            guard name != nil else { throw LedgerError.unknownStudy("\(study.rawValue)", path: path) }
            let inputs = try inputs(db, study)
            let artifacts = try artifacts(db, study)
            let attempts = try attempts(db, study)
            let checkpoints = try checkpoints(db, study)
            let jobs = try Row.fetchCursor(
                db,
                sql: """
                    SELECT jobs.id, jobs.digest, jobs.kind, jobs.state, specs.json, study_jobs.priority, jobs.seconds,
                        jobs.failure_reason
                    FROM study_jobs JOIN jobs ON jobs.id = study_jobs.job JOIN specs ON specs.job = jobs.id
                    WHERE study_jobs.study = ? ORDER BY study_jobs.priority, jobs.digest
                    """, arguments: [study.rawValue])
            var entries: [JobEntry] = []
            while let job = try jobs.next() {
                let row: Int64 = job[0]
                let kind = JobKind(rawValue: job[2]) ?? .train
                let spec: [UInt8] = try job.withUnsafeData(atIndex: 4) { $0.map { [UInt8]($0) } ?? [] }
                let state: JobEntry.State =
                    switch job[3] as String {
                    case "finished": .finished(artifacts: artifacts[row] ?? [])
                    case "diverged": .ended(.diverged)
                    case "failed": job[7] == JobFailure(.canceled, "").code ? .canceled : .ended(.failed)
                    default: .open
                    }
                let id = try job.job(1)
                if case .open = state { open[id] = row }
                entries.append(
                    JobEntry(
                        id: id, spec: spec, inputs: inputs[row] ?? [], isCentral: kind.isCentral,
                        isBroadcast: kind.isBroadcast, priority: job[5], state: state, lastAttempt: attempts[row]?.last ?? 0,
                        crashes: attempts[row]?.crashes ?? 0, lastEndedAttempt: attempts[row]?.ended ?? 0,
                        checkpoint: checkpoints[row], seconds: job[6]))
            }
            return entries
        }
    }

    /// Every artifact and checkpoint that the ledger knows, of whatever study.
    package func knownArtifacts() throws(LedgerError) -> Set<Digest> {
        try read { db in
            let rows = try Row.fetchCursor(db, sql: "SELECT digest FROM artifacts UNION SELECT digest FROM checkpoints")
            var digests: Set<Digest> = []
            while let row = try rows.next() { digests.insert(try row.digest(0)) }
            return digests
        }
    }

    private func inputs(_ db: Database, _ study: StudyID) throws -> [Int64: [JobID]] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT job_inputs.job, jobs.digest FROM study_jobs JOIN job_inputs ON job_inputs.job = study_jobs.job
                JOIN jobs ON jobs.id = job_inputs.input
                WHERE study_jobs.study = ? ORDER BY job_inputs.job, job_inputs.position
                """, arguments: [study.rawValue])
        var inputs: [Int64: [JobID]] = [:]
        while let row = try rows.next() { inputs[row[0], default: []].append(try row.job(1)) }
        return inputs
    }

    private func artifacts(_ db: Database, _ study: StudyID) throws -> [Int64: [ArtifactNotice]] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT artifacts.job, name, digest, size FROM study_jobs JOIN artifacts ON artifacts.job = study_jobs.job
                WHERE study = ? ORDER BY artifacts.job, artifacts.position
                """, arguments: [study.rawValue])
        var artifacts: [Int64: [ArtifactNotice]] = [:]
        while let row = try rows.next() {
            let size: Int64 = row[3]
            artifacts[row[0], default: []].append(
                ArtifactNotice(name: row[1], digest: try row.digest(2), size: UInt64(size)))
        }
        return artifacts
    }

    private func checkpoints(_ db: Database, _ study: StudyID) throws -> [Int64: JobCheckpoint] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT checkpoints.job, epoch, numeric_class, name, digest, size
                FROM study_jobs JOIN checkpoints ON checkpoints.job = study_jobs.job WHERE study = ?
                """, arguments: [study.rawValue])
        var checkpoints: [Int64: JobCheckpoint] = [:]
        while let row = try rows.next() {
            let size: Int64 = row[5]
            let artifact = ArtifactNotice(name: row[3], digest: try row.digest(4), size: UInt64(size))
            checkpoints[row[0]] = JobCheckpoint(
                checkpoint: Checkpoint(epoch: row[1], artifact: artifact), numericClass: row[2])
        }
        return checkpoints
    }

    /// The last attempt's number, and the crashes that count: those the retry policy counts, since the job was last
    /// reopened; and the last attempt that ended by itself, which no worker can still be running.
    private func attempts(_ db: Database, _ study: StudyID) throws -> [Int64: (last: Int, crashes: Int, ended: Int)] {
        let crashes = RetryPolicy.countedReasons.map { "'\($0)'" }.joined(separator: ", ")
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT attempts.job, max(number), sum(reason IN (\(crashes)) AND number > jobs.forgiven_attempts),
                    max(CASE WHEN attempts.state = 'failed' AND reason <> ? THEN number ELSE 0 END)
                FROM study_jobs JOIN jobs ON jobs.id = study_jobs.job JOIN attempts ON attempts.job = study_jobs.job
                WHERE study = ? GROUP BY attempts.job
                """, arguments: [JobFailure(.hostLost, "").code, study.rawValue])
        var attempts: [Int64: (last: Int, crashes: Int, ended: Int)] = [:]
        while let row = try rows.next() { attempts[row[0]] = (row[1], (row[2] as Int?) ?? 0, row[3]) }
        return attempts
    }
}

extension RetryPolicy {
    /// The reasons, as the ledger names them, that may be the job's own fault: the policy itself says which.
    package static var countedReasons: [String] {
        let patient = RetryPolicy(crashLimit: .max)
        return JobFailure.Reason.allCases.map { JobFailure($0, "") }
            .filter { patient.decision(for: $0, crashes: 0, isTriedEverywhere: false) == .tryAgain(countsAsCrash: true) }.map(\.code)
    }
}
