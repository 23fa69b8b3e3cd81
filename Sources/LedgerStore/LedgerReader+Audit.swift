import Coordination
import Digests
import Foundation
import GRDB
import Studies

/// What a look at everything in a ledger has found.
package struct LedgerAudit: Sendable, Equatable {
    /// Jobs whose specification, result and epochs were compared with their digests.
    package var jobs: Int
    package var epochs: Int
    /// What is wrong, in sentences; empty for a sound ledger.
    package var problems: [String]

    package init(jobs: Int = 0, epochs: Int = 0, problems: [String] = []) {
        self.jobs = jobs
        self.epochs = epochs
        self.problems = problems
    }
}

/// An artifact that the ledger says there is.
package struct RecordedArtifact: Sendable, Equatable {
    package var job: JobID
    package var artifact: ArtifactNotice
}

extension LedgerReader {
    /// Looks at everything: pages and constraints, references, seals, and each result's digest computed again from its rows.
    ///
    /// Costs one read of the whole file and a few microseconds an epoch. Damage that stops SQLite is a problem like others;
    /// throws only what no reading could mend (`.locked`, `.io`).
    package func audit() throws(LedgerError) -> LedgerAudit {
        var audit = LedgerAudit()
        do {
            try read { db in
                let findings = try String.fetchAll(db, sql: "PRAGMA integrity_check(20)")
                audit.problems += findings.filter { $0 != "ok" }.map { "SQLite's integrity check: \($0)" }
                // Rows that cannot be trusted to be rows are not read.
                guard audit.problems.isEmpty else { return }
                let orphans = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check")
                audit.problems += orphans.prefix(20).map {
                    "a row of \($0[0] as String) refers to a row of \($0[2] as String) that is not there"
                }
                for study in try Int64.fetchAll(db, sql: "SELECT id FROM studies ORDER BY id") {
                    try audit.note { try Seals.check(study: study, path: path, db) }
                }
                for job in try Int64.fetchAll(db, sql: "SELECT id FROM jobs ORDER BY id") { try audit.look(at: job, db, path: path) }
            }
        } catch .damaged(_, let detail) {
            audit.problems.append(detail)
        }
        return audit
    }

    /// Every artifact of a result, and every checkpoint, by job.
    package func recordedArtifacts() throws(LedgerError) -> [RecordedArtifact] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT jobs.digest, name, artifacts.digest, size FROM artifacts JOIN jobs ON jobs.id = artifacts.job
                    UNION ALL
                    SELECT jobs.digest, name, checkpoints.digest, size FROM checkpoints JOIN jobs ON jobs.id = checkpoints.job
                    """
            ).map {
                RecordedArtifact(
                    job: try $0.job(0), artifact: ArtifactNotice(name: $0[1], digest: try $0.digest(2), size: UInt64($0[3] as Int64)))
            }
        }
    }
}

extension LedgerAudit {
    /// Notes damage instead of throwing it.
    fileprivate mutating func note(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch LedgerError.damaged(_, let detail) {
            problems.append(detail)
        }
    }

    fileprivate mutating func look(at job: Int64, _ db: Database, path: String) throws {
        jobs += 1
        let jobs = try Row.fetchCursor(db.cachedStatement(sql: Queries.comparedJob), arguments: [job])
        guard let row = try jobs.next() else { return }
        let id = try row.job(0)
        let spec = try Data.fetchOne(db.cachedStatement(sql: "SELECT json FROM specs WHERE job = ?"), arguments: [job])
        if spec.map({ JobID(canonicalJSON: $0) }) != id {
            problems.append("the specification of job \(id.short) has another digest than its id")
        }
        var isCopy = false
        try note {
            isCopy = try SealedJob(comparing: jobs._statement.sqliteStatement, from: 0, path: path).hasRecord(Seals.record(of: job, db))
        }
        guard let attempt = row[3] as Int? else { return }
        let metrics = try Row.fetchAll(db.cachedStatement(sql: Queries.epochs), arguments: [job, attempt]).map { $0.epochMetrics(from: 0) }
        epochs += metrics.count
        let seal = try Data.fetchOne(db.cachedStatement(sql: "SELECT epochs FROM job_seals WHERE job = ?"), arguments: [job])
        if try !isCopy || seal != Seals.digest(Queries.epochs, [job, attempt], db).blob {
            problems.append("the epochs of job \(id.short) are not what was recorded")
        }
        let artifacts = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT name, digest, size FROM artifacts WHERE job = ? ORDER BY position"), arguments: [job]
        ).map { ArtifactNotice(name: $0[0], digest: try $0.digest(1), size: UInt64($0[2] as Int64)) }
        let outcome = row.divergence(8).map { AttemptOutcome.diverged(epoch: $0.epoch, step: $0.step) } ?? .finished
        let result = AttemptResult(
            attempt: AttemptID(job: id, number: attempt), outcome: outcome, epochs: metrics,
            artifacts: artifacts, numericClass: (row[6] as String?) ?? "", seconds: (row[7] as Double?) ?? 0)
        if (row[5] as Data?) != result.digest.blob {
            problems.append("the result of job \(id.short), computed again from its epochs and artifacts, has another digest than recorded")
        }
    }
}
