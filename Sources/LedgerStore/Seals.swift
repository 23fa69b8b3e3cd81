import Coordination
import Digests
import Foundation
import GRDB
import GRDBSQLite
import Studies

/// Digests over what tables are made of, beside the rows themselves: SQLite has no checksums, so a bit that flips in a page is
/// otherwise read as if it had been written.
///
/// A settled job has two: over its row together with its last epoch, and over all epochs of the attempt that stands. A study has
/// two: over its row, and over its stages, jobs and cells. They are taken from the rows as they lie in the database, inside
/// the transaction that writes them, and a reader compares before it shows anything. This finds accidents; whoever can write
/// the ledger can write its seals.
///
/// What the seal of a result and that of a grid are over lies beside them, as one value each, which `SealedJob` and `GridRecord` read.
/// Most tables need no other epoch than the last, and among a million epochs it would be far away.
enum Seals {
    static let jobTable = """
        CREATE TABLE job_seals (
            job INTEGER PRIMARY KEY REFERENCES jobs (id),
            result BLOB NOT NULL CHECK (length(result) = 32),
            epochs BLOB NOT NULL CHECK (length(epochs) = 32),
            -- What the seal of the result is over.
            record BLOB NOT NULL
        ) STRICT;

        """
    static let studyTable = """
        CREATE TABLE study_seals (
            study INTEGER PRIMARY KEY REFERENCES studies (id),
            row BLOB NOT NULL CHECK (length(row) = 32),
            grid BLOB NOT NULL CHECK (length(grid) = 32),
            -- What the seal of the grid is over.
            record BLOB NOT NULL
        ) STRICT;

        """
    static let trigger = """
        CREATE TRIGGER seals_go_with_their_result AFTER UPDATE OF state ON jobs WHEN NEW.state = 'open'
            BEGIN DELETE FROM job_seals WHERE job = NEW.id; END;

        """

    // MARK: Sealing

    /// Seals a job that has just been settled.
    static func seal(job: Int64, _ db: Database) throws {
        var (record, epochs) = (RowBytes(), RowBytes())
        try db.run(settled, [job]) { row in
            record.append(row: row)
            try db.run(Queries.epochs, [job, ColumnValue(row: row, column: settledAttemptColumn)]) { epochs.append(row: $0) }
        }
        try db.run(insertion, [job, record.digest, epochs.digest, record])
    }

    /// What the seal of a job's result would be over today.
    static func record(of job: Int64, _ db: Database) throws -> RowBytes {
        var record = RowBytes()
        try db.run(settled, [job]) { record.append(row: $0) }
        return record
    }

    static let insertion = "INSERT OR REPLACE INTO job_seals (job, result, epochs, record) VALUES (?, ?, ?, ?)"

    /// Seals a study as it has just been registered.
    static func seal(study: Int64, _ db: Database) throws {
        let record = try GridRecord.make(of: study, db)
        try db.run(studyInsertion, [study, try rowDigest(study: study, db), record.digest, record])
    }

    static let studyInsertion = "INSERT OR REPLACE INTO study_seals (study, row, grid, record) VALUES (?, ?, ?, ?)"

    // MARK: Checking

    /// Throws `.damaged` unless every study's row is as it was sealed.
    static func checkStudyRows(path: String, _ db: Database) throws {
        for row in try Row.fetchAll(db, sql: "SELECT id, (SELECT row FROM study_seals WHERE study = id) FROM studies") {
            let id: Int64 = row[0]
            guard (row[1] as Data?) == (try rowDigest(study: id, db)).blob else { throw damaged("the row of study \(id)", path) }
        }
    }

    /// Throws `.damaged` unless every study's row, and the rows of this study's grid and of its jobs, are as they were sealed.
    ///
    /// Costs a few microseconds a job, nothing an epoch: what epochs say is compared where they are read.
    static func check(study: Int64, path: String, _ db: Database) throws {
        try checkStudyRows(path: path, db)
        let grid = try GridRecord(of: study, path: path, db)
        guard try GridRecord.make(of: study, db).digest == grid.digest else { throw damagedGrid(path) }
        guard grid.jobCount > 0 else { return }
        var place = 0
        try db.run(Queries.comparedJobs, [grid.number(of: 0), grid.number(of: grid.jobCount - 1)]) { row in
            // Another study's has none.
            guard place < grid.jobCount, sqlite3_column_int64(row, 0) == grid.number(of: place) else { return }
            let job = try SealedJob(comparing: row, from: 1, path: path)
            guard job.digest == grid.digest(of: place) else { throw damagedGrid(path) }
            place += 1
        }
        guard place == grid.jobCount else { throw damagedGrid(path) }
    }

    static func damagedResult(of job: Digest, _ path: String) -> LedgerError { damaged("the result of job \(job.short)", path) }

    static func damagedEpochs(of job: Digest, _ path: String) -> LedgerError { damaged("an epoch of job \(job.short)", path) }

    static func damagedGrid(_ path: String) -> LedgerError { damaged("the list of stages, jobs and cells", path) }

    static func damaged(_ what: String, _ path: String) -> LedgerError {
        .damaged(path: path, detail: "\(what) is not what was recorded: bits have changed on the disk or in memory")
    }

    // MARK: Digests

    /// Everything that a job's row says of its result.
    static let jobColumns = """
        jobs.digest, jobs.state, jobs.kind, jobs.settled_attempt, jobs.settled_at, jobs.result_digest, jobs.numeric_class, jobs.seconds, \
        jobs.diverged_epoch, jobs.diverged_step, jobs.failure_reason, jobs.failure_message
        """
    static let jobColumnCount = 12
    private static let settledAttemptColumn = 3
    /// A record has these and the last epoch.
    static let recordCount = jobColumnCount + EpochMetrics.names.count

    /// What the seal of a result is over, from where it was recorded.
    private static let settled = """
        SELECT \(jobColumns), \(EpochMetrics.names.map { "epochs." + $0 }.joined(separator: ", ")) FROM jobs
        LEFT JOIN epochs ON epochs.job = jobs.id AND epochs.attempt = jobs.settled_attempt
            AND epochs.epoch = (SELECT max(epoch) FROM epochs WHERE job = jobs.id AND attempt = jobs.settled_attempt)
        WHERE jobs.id = ?
        """

    /// Over all rows of a statement.
    static func digest(_ sql: String, _ arguments: StatementArguments, _ db: Database) throws -> Digest {
        var hasher = RowHasher()
        try hasher.add(all: Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments))
        return hasher.finalize()
    }

    private static func rowDigest(study: Int64, _ db: Database) throws -> Digest {
        try digest("SELECT id, name, definition_digest, definition, created_at, registration FROM studies WHERE id = ?", [study], db)
    }
}
