import Coordination
import Digests
import Foundation
import GRDB
import Studies

/// Digests over what tables are made of, beside the rows themselves: SQLite has no checksums, so a bit that flips in a page is
/// otherwise read as if it had been written.
///
/// A settled job has two: over its row together with its last epoch, and over all epochs of the attempt that stands. A study has
/// two: over its row, and over its stages, jobs and cells. They are taken from the rows as they lie in the database, inside
/// the transaction that writes them, and a reader compares before it shows anything. This finds accidents; whoever can write
/// the ledger can write its seals.
///
/// The last epoch lies beside the seal once more: most tables need no other, and among a million epochs it would be far away.
enum Seals {
    static let jobTable = """
        CREATE TABLE job_seals (
            job INTEGER PRIMARY KEY REFERENCES jobs (id),
            result BLOB NOT NULL CHECK (length(result) = 32),
            epochs BLOB NOT NULL CHECK (length(epochs) = 32),
            -- As in epochs, where a result has any.
            epoch INTEGER,
            learning_rate REAL,
            training_loss REAL,
            training_accuracy REAL,
            training_top5_accuracy REAL,
            validation_loss REAL,
            validation_accuracy REAL,
            validation_top5_accuracy REAL,
            images INTEGER,
            seconds REAL
        ) STRICT;

        """
    static let studyTable = """
        CREATE TABLE study_seals (
            study INTEGER PRIMARY KEY REFERENCES studies (id),
            row BLOB NOT NULL CHECK (length(row) = 32),
            grid BLOB NOT NULL CHECK (length(grid) = 32)
        ) STRICT;
        CREATE TRIGGER seals_go_with_their_result AFTER UPDATE OF state ON jobs WHEN NEW.state = 'open'
            BEGIN DELETE FROM job_seals WHERE job = NEW.id; END;

        """

    // MARK: Sealing

    /// Seals a job that has just been settled.
    static func seal(job: Int64, _ db: Database) throws {
        var hasher = RowHasher()
        try db.run(settled, [job]) { row in
            hasher.add(row)
            let result = hasher.finalize()
            try db.run(Queries.epochs, [job, ColumnValue(row: row, column: settledAttemptColumn)]) { hasher.add($0) }
            let lastEpoch = EpochMetrics.names.indices.map { ColumnValue(row: row, column: jobColumnCount + $0) }
            try db.run(insertion, [job, result, hasher.finalize()] + lastEpoch)
        }
    }

    private static let insertion = """
        INSERT OR REPLACE INTO job_seals (job, result, epochs, \(EpochMetrics.columns)) VALUES (?, ?, ?, \(EpochMetrics.placeholders))
        """

    /// Seals a study as it has just been registered.
    static func seal(study: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO study_seals (study, row, grid) VALUES (?, ?, ?)")
            .execute(arguments: [study, try rowDigest(study: study, db).blob, try gridDigest(study: study, db).blob])
    }

    /// Seals what a ledger of an earlier schema holds.
    static func sealAll(_ db: Database) throws {
        for job in try Int64.fetchAll(db, sql: "SELECT id FROM jobs WHERE state <> 'open'") { try seal(job: job, db) }
        for study in try Int64.fetchAll(db, sql: "SELECT id FROM studies") { try seal(study: study, db) }
    }

    // MARK: Checking

    /// Throws `.damaged` unless every study's row is as it was sealed.
    static func checkStudyRows(path: String, _ db: Database) throws {
        for row in try Row.fetchAll(db, sql: "SELECT id, (SELECT row FROM study_seals WHERE study = id) FROM studies") {
            let id: Int64 = row[0]
            guard (row[1] as Data?) == (try rowDigest(study: id, db)).blob else { throw damaged("the row of study \(id)", path) }
        }
    }

    /// Throws `.damaged` unless every study's row, and this study's grid and settled jobs, are as they were sealed.
    ///
    /// Costs a microsecond a job, nothing an epoch: what other epochs than the last say is compared where they are read.
    static func check(study: Int64, path: String, _ db: Database) throws {
        _ = try SealedStudy<CellRow>(study: study, path: path, db)
    }

    /// Of the row that a cursor is at, the seal in column `first` and the columns of `sealed` behind it: an open job has no seal,
    /// any other the right one.
    static func check(_ row: Row, of rows: RowCursor, at first: Int, _ hasher: inout RowHasher, path: String) throws {
        hasher.add(rows, first + 1..<first + 1 + sealedCount)
        let digest = hasher.finalize()
        let isOpen = (row[first + 2] as String?) == "open"
        guard isOpen == row.hasNull(atIndex: first), try isOpen || row.digest(first) == digest else {
            throw damagedResult(of: (try? row.job(first + 1).short) ?? "with an unreadable id", path)
        }
    }

    static func damagedResult(of job: String, _ path: String) -> LedgerError { damaged("the result of job \(job)", path) }

    static func damagedGrid(_ path: String) -> LedgerError { damaged("the list of stages, jobs and cells", path) }

    static func damaged(_ what: String, _ path: String) -> LedgerError {
        .damaged(path: path, detail: "\(what) is not what was recorded: bits have changed on the disk or in memory")
    }

    // MARK: Digests

    /// Everything that a job's row says of its result.
    private static let jobColumns = """
        jobs.digest, jobs.state, jobs.kind, jobs.settled_attempt, jobs.settled_at, jobs.result_digest, jobs.numeric_class, jobs.seconds, \
        jobs.diverged_epoch, jobs.diverged_step, jobs.failure_reason, jobs.failure_message
        """
    static let jobColumnCount = 12
    private static let settledAttemptColumn = 3

    /// What the seal of a result is over: `jobColumns`, then the last epoch.
    static let sealed = jobColumns + ", " + EpochMetrics.names.map { "job_seals." + $0 }.joined(separator: ", ")
    static let sealedCount = jobColumnCount + EpochMetrics.names.count

    /// The seal in column 0, then what it is over.
    static let jobRow = "SELECT job_seals.result, \(sealed) FROM jobs LEFT JOIN job_seals ON job_seals.job = jobs.id "

    /// The same columns as `sealed`, from where they were recorded.
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

    static let gridStages = "SELECT position, name FROM stages WHERE study = ? ORDER BY position"

    /// `SealedStudy` makes the same digest of rows that it reads without the joins.
    private static func gridDigest(study: Int64, _ db: Database) throws -> Digest {
        var hasher = RowHasher()
        for sql in [
            gridStages,
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
