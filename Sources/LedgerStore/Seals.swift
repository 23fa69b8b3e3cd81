import Coordination
import Digests
import Foundation
import GRDB

/// Digests over what tables are made of, beside the rows themselves: SQLite has no checksums, so a bit that flips in a page is
/// otherwise read as if it had been written.
///
/// A settled job has three: over its row, over its last epoch and over all epochs of the attempt that stands. A study has
/// two: over its row, and over its stages, jobs and cells. They are taken from the rows as they lie in the database, inside
/// the transaction that writes them, and a reader compares before it shows anything. This finds accidents; whoever can write
/// the ledger can write its seals.
enum Seals {
    static let tables = """
        CREATE TABLE job_seals (
            job INTEGER PRIMARY KEY REFERENCES jobs (id),
            result BLOB NOT NULL CHECK (length(result) = 32),
            last_epoch BLOB NOT NULL CHECK (length(last_epoch) = 32),
            epochs BLOB NOT NULL CHECK (length(epochs) = 32)
        ) STRICT;
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
        let row = try Row.fetchOne(db.cachedStatement(sql: jobRow + "WHERE jobs.id = ?"), arguments: [job])!
        let epochs = try Row.fetchAll(db.cachedStatement(sql: Queries.epochs), arguments: [job, row[4] as Int?])
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO job_seals (job, result, last_epoch, epochs) VALUES (?, ?, ?, ?)"
        ).execute(arguments: [
            job, digest(row).blob, digest(epochs.suffix(1)).blob, digest(epochs).blob,
        ])
    }

    /// Seals a study as it has just been registered.
    static func seal(study: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO study_seals (study, row, grid) VALUES (?, ?, ?)")
            .execute(arguments: [study, try rowDigest(study: study, db).blob, try gridDigest(study: study, db).blob])
    }

    /// Seals what a ledger of schema 2 holds.
    static func sealAll(_ db: Database) throws {
        for job in try Int64.fetchAll(db, sql: "SELECT id FROM jobs WHERE state <> 'open'") { try seal(job: job, db) }
        for study in try Int64.fetchAll(db, sql: "SELECT id FROM studies") { try seal(study: study, db) }
    }

    // MARK: Checking

    /// Throws `.damaged` unless every study's row, and this study's grid and settled jobs, are as they were sealed.
    ///
    /// Touches no epoch: costs a few microseconds a job. What epochs say is compared where they are read.
    static func check(study: Int64, path: String, _ db: Database) throws {
        for row in try Row.fetchAll(db, sql: "SELECT id, (SELECT row FROM study_seals WHERE study = id) FROM studies") {
            let id: Int64 = row[0]
            guard (row[1] as Data?) == (try rowDigest(study: id, db)).blob else { throw damaged("the row of study \(id)", path) }
        }
        let grid = try Data.fetchOne(db, sql: "SELECT grid FROM study_seals WHERE study = ?", arguments: [study])
        guard grid == (try gridDigest(study: study, db)).blob else { throw damaged("the list of stages, jobs and cells", path) }
        let jobs = try Row.fetchCursor(
            db,
            sql: jobRow + """
                JOIN study_jobs ON study_jobs.job = jobs.id AND study_jobs.study = ?
                """, arguments: [study])
        while let job = try jobs.next() { try check(job, path: path) }
    }

    /// A row of `jobRow`: an open job has no seal, any other the right one.
    static func check(_ row: Row, path: String) throws {
        let isOpen = (row[2] as String?) == "open"
        guard isOpen == row.hasNull(atIndex: 0), isOpen || (row[0] as Data?) == digest(row).blob else {
            let name = (try? row.job(1).short) ?? "with an unreadable id"
            throw damaged("the result of job \(name)", path)
        }
    }

    static func damaged(_ what: String, _ path: String) -> LedgerError {
        .damaged(path: path, detail: "\(what) is not what was recorded: bits have changed on the disk or in memory")
    }

    // MARK: Digests

    /// The seal in column 0, then everything that a job's row says of its result.
    static let jobRow = """
        SELECT job_seals.result, jobs.digest, jobs.state, jobs.kind, jobs.settled_attempt, jobs.settled_at, jobs.result_digest,
            jobs.numeric_class, jobs.seconds, jobs.diverged_epoch, jobs.diverged_step, jobs.failure_reason, jobs.failure_message
        FROM jobs LEFT JOIN job_seals ON job_seals.job = jobs.id

        """

    private static func digest(_ jobRow: Row) -> Digest {
        var hasher = RowHasher()
        hasher.add(jobRow, from: 1)
        return hasher.digest
    }

    /// Over rows of `Queries.epochs`.
    static func digest(_ epochs: some Sequence<Row>) -> Digest {
        var hasher = RowHasher()
        for epoch in epochs { hasher.add(epoch) }
        return hasher.digest
    }

    private static func rowDigest(study: Int64, _ db: Database) throws -> Digest {
        var hasher = RowHasher()
        try hasher.add(
            Row.fetchCursor(
                db, sql: "SELECT id, name, definition_digest, definition, created_at, registration FROM studies WHERE id = ?",
                arguments: [study]))
        return hasher.digest
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
            try hasher.add(Row.fetchCursor(db.cachedStatement(sql: sql), arguments: [study]))
        }
        return hasher.digest
    }
}

/// SHA-256 over rows: each value by its type, its length and its bytes, each row by its number of columns.
struct RowHasher {
    private var bytes: [UInt8] = []
    private var hasher = DigestHasher()

    mutating func add(_ row: Row, from first: Int = 0) {
        append(tag: 0, UInt64(row.count - first))
        for column in first..<row.count { add(row.databaseValue(at: column)) }
        if bytes.count > 1 << 14 { flush() }
    }

    mutating func add(_ rows: RowCursor) throws {
        while let row = try rows.next() { add(row) }
    }

    var digest: Digest {
        mutating get {
            flush()
            return hasher.finalize()
        }
    }

    private mutating func add(_ value: DatabaseValue) {
        switch value.storage {
        case .null: append(tag: 1, 0)
        case .int64(let number): append(tag: 2, UInt64(bitPattern: number))
        case .double(let number): append(tag: 3, number.bitPattern)
        case .string(let text):
            append(tag: 4, UInt64(text.utf8.count))
            bytes += text.utf8
        case .blob(let data):
            append(tag: 5, UInt64(data.count))
            bytes += data
        }
    }

    private mutating func append(tag: UInt8, _ word: UInt64) {
        bytes.append(tag)
        withUnsafeBytes(of: word.littleEndian) { bytes += $0 }
    }

    private mutating func flush() {
        hasher.update(bytes)
        bytes.removeAll(keepingCapacity: true)
    }
}

extension Row {
    fileprivate func databaseValue(at column: Int) -> DatabaseValue { self[column] }
}
