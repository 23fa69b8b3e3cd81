import Digests
import Foundation
import GRDB
import Studies

// Seals in ledgers of earlier schemas. Where they had what is kept today in another form, it is brought into today's, so that what was
// damaged before is still found.
extension Seals {
    /// Seals what a ledger of a schema before 4 holds.
    static func sealAll(_ db: Database) throws {
        for job in try Int64.fetchAll(db, sql: "SELECT id FROM jobs WHERE state <> 'open'") { try seal(job: job, db) }
        for study in try Int64.fetchAll(db, sql: "SELECT id FROM studies") { try seal(study: study, db) }
    }

    /// Schema 4 had the last epoch in columns of their own.
    static func renewResults(_ db: Database) throws {
        guard try db.columns(in: "job_seals").contains(where: { $0.name == "learning_rate" }) else { return }
        try db.execute(sql: "CREATE TEMP TABLE older_seals AS SELECT * FROM job_seals; DROP TABLE job_seals; " + jobTable)
        let columns = jobColumns + ", " + EpochMetrics.names.map { "older_seals." + $0 }.joined(separator: ", ")
        var record = RowBytes()
        try db.run("SELECT \(columns), job, result, epochs FROM older_seals JOIN jobs ON jobs.id = job") { row in
            record.removeAll()
            record.append(row: row, columns: recordCount)
            let kept = (0..<3).map { ColumnValue(row: row, column: recordCount + $0) }
            try db.run(insertion, kept + [record])
        }
        try db.execute(sql: "DROP TABLE older_seals")
    }

    /// Schema 5 had the seal of a grid over its rows. One that they no longer agree with is kept, and agrees with no record.
    static func renewGrids(_ db: Database) throws {
        guard try !db.columns(in: "study_seals").contains(where: { $0.name == "record" }) else { return }
        try db.execute(sql: "CREATE TEMP TABLE older_seals AS SELECT * FROM study_seals; DROP TABLE study_seals; " + studyTable)
        for row in try Row.fetchAll(db, sql: "SELECT study, row, grid FROM older_seals") {
            let (study, grid) = (row[0] as Int64, try row.digest(2))
            let record = try GridRecord.make(of: study, db)
            let seal = try grid == gridDigest5(study: study, db) ? record.digest : grid
            try db.run(studyInsertion, [study, try row.digest(1), seal, record])
        }
        try db.execute(sql: "DROP TABLE older_seals")
    }

    private static func gridDigest5(study: Int64, _ db: Database) throws -> Digest {
        var hasher = RowHasher()
        for sql in [
            "SELECT position, name FROM stages WHERE study = ? ORDER BY position",
            "SELECT stage, priority, digest FROM study_jobs JOIN jobs ON jobs.id = job WHERE study = ? ORDER BY stage, job",
            """
            SELECT stage, position, arm, pair, replicate, digest FROM cells JOIN jobs ON jobs.id = job
            WHERE study = ? ORDER BY stage, position
            """,
        ] {
            try hasher.add(all: Row.fetchCursor(db.cachedStatement(sql: sql), arguments: [study]))
        }
        return hasher.finalize()
    }
}
