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
        let rows = try Row.fetchCursor(db.cachedStatement(sql: settled), arguments: [job])
        guard let row = try rows.next() else { preconditionFailure("what is sealed has just been settled") }
        hasher.add(rows)
        let result = hasher.finalize()
        let all = try digest(Queries.epochs, [job, row[3] as Int?], db)
        let lastEpoch = EpochMetrics.names.indices.map { row[jobColumnCount + $0] as DatabaseValue }
        try db.cachedStatement(sql: insertion).execute(
            arguments: [job, result.blob, all.blob] + StatementArguments(lastEpoch))
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

    /// Throws `.damaged` unless every study's row, and this study's grid, are as they were sealed.
    static func checkGrid(study: Int64, path: String, _ db: Database) throws {
        for row in try Row.fetchAll(db, sql: "SELECT id, (SELECT row FROM study_seals WHERE study = id) FROM studies") {
            let id: Int64 = row[0]
            guard (row[1] as Data?) == (try rowDigest(study: id, db)).blob else { throw damaged("the row of study \(id)", path) }
        }
        let grid = try Data.fetchOne(db, sql: "SELECT grid FROM study_seals WHERE study = ?", arguments: [study])
        guard grid == (try gridDigest(study: study, db)).blob else { throw damaged("the list of stages, jobs and cells", path) }
    }

    /// Throws `.damaged` unless every study's row, and this study's grid and settled jobs, are as they were sealed.
    ///
    /// Costs a few microseconds a job, nothing an epoch: what other epochs than the last say is compared where they are read.
    /// Those of `skippedStage` are left to whoever reads its cells.
    static func check(study: Int64, skippedStage: String? = nil, path: String, _ db: Database) throws {
        try checkGrid(study: study, path: path, db)
        let jobs = try Row.fetchCursor(
            db,
            sql: jobRow + """
                JOIN study_jobs ON study_jobs.job = jobs.id AND study_jobs.study = ?1
                WHERE study_jobs.stage IS NOT (SELECT position FROM stages WHERE study = ?1 AND name = ?2)
                """, arguments: [study, skippedStage])
        var hasher = RowHasher()
        while let job = try jobs.next() { try check(job, of: jobs, at: 0, &hasher, path: path) }
    }

    /// Of the row that a cursor is at, the seal in column `first` and the columns of `sealed` behind it: an open job has no seal,
    /// any other the right one.
    static func check(_ row: Row, of rows: RowCursor, at first: Int, _ hasher: inout RowHasher, path: String) throws {
        hasher.add(rows, first + 1..<first + 1 + sealedCount)
        let digest = hasher.finalize()
        let isOpen = (row[first + 2] as String?) == "open"
        guard isOpen == row.hasNull(atIndex: first), try isOpen || row.digest(first) == digest else {
            let name = (try? row.job(first + 1).short) ?? "with an unreadable id"
            throw damaged("the result of job \(name)", path)
        }
    }

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

    private static func gridDigest(study: Int64, _ db: Database) throws -> Digest {
        var hasher = RowHasher()
        for sql in [
            "SELECT position, name FROM stages WHERE study = ? ORDER BY position",
            """
            SELECT stage, priority, digest FROM study_jobs JOIN jobs ON jobs.id = job WHERE study = ? ORDER BY stage, job
            """,
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

/// SHA-256 over rows: each value by its type, its length and its bytes, each row by its number of columns.
///
/// Reads the columns of a cursor's row from SQLite itself: through GRDB's values it would cost ten times as much, and a large
/// study has millions of them.
struct RowHasher {
    private var bytes: [UInt8] = []
    private var hasher = DigestHasher()

    mutating func add(all rows: RowCursor) throws {
        while try rows.next() != nil { add(rows) }
    }

    /// Adds the row that a cursor is at, or some of its columns.
    mutating func add(_ rows: RowCursor, _ columns: Range<Int>? = nil) {
        let statement = rows._statement.sqliteStatement
        let columns = columns ?? 0..<Int(sqlite3_column_count(statement))
        append(tag: 0, UInt64(columns.count))
        for column in Int32(columns.lowerBound)..<Int32(columns.upperBound) {
            switch sqlite3_column_type(statement, column) {
            case SQLITE_INTEGER: append(tag: 2, UInt64(bitPattern: sqlite3_column_int64(statement, column)))
            case SQLITE_FLOAT: append(tag: 3, sqlite3_column_double(statement, column).bitPattern)
            case SQLITE_TEXT: append(tag: 4, UnsafeRawPointer(sqlite3_column_text(statement, column)), statement, column)
            case SQLITE_BLOB: append(tag: 5, sqlite3_column_blob(statement, column), statement, column)
            default: append(tag: 1, 0)
            }
        }
        if bytes.count > 1 << 14 { flush() }
    }

    /// The digest of what was added; the hasher begins anew.
    mutating func finalize() -> Digest {
        flush()
        defer { hasher = DigestHasher() }
        return hasher.finalize()
    }

    private mutating func append(tag: UInt8, _ start: UnsafeRawPointer?, _ statement: SQLiteStatement, _ column: Int32) {
        // After the value itself was asked for, so that the count is of its bytes.
        let count = Int(sqlite3_column_bytes(statement, column))
        append(tag: tag, UInt64(count))
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
    }

    private mutating func append(tag: UInt8, _ word: UInt64) {
        bytes.append(tag)
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func flush() {
        hasher.update(bytes)
        bytes.removeAll(keepingCapacity: true)
    }
}
