import Coordination
import Digests
import Failpoints
import Foundation
import GRDB
import Studies
import Synchronization

/// A study's row in the ledger.
package struct StudyID: Sendable, Hashable {
    package let rawValue: Int64

    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// The only writer of a sweep's ledger: what it has recorded is on the disk.
///
/// One connection writes, under an exclusive lock, since SQLite before 3.51.3 can lose committed pages when two write or
/// checkpoint at once; everybody else reads through `LedgerReader`. Calls are serialized; each returns after its commit
/// has been synced.
package final class Ledger: Sendable {
    /// The database file's absolute path.
    package let path: String
    package let queue: DatabaseQueue
    private let lock: LedgerLock
    private let logReserve: LogReserve
    /// Attempts that were running when the ledger was opened: their coordinator died, so their workers may come back
    /// with them, or not. Only these may be superseded by a new attempt at their job.
    let inherited: Set<RowAttempt>
    let memory = Mutex(RecordingMemory())

    struct RowAttempt: Hashable {
        let job: Int64
        let number: Int
    }

    /// 64 MiB of write-ahead log.
    private static let longestLogPages = 16_384
    /// So many changes are worth a checkpoint when there is time for it.
    private static let changesWorthACheckpoint = 1000

    /// Above this size the check at open would take longer than the start may; SQLite still notices damage on reading.
    private static let checkedBytes = 256 << 20

    /// Opens the ledger at `path`, or makes a new one, with its folder.
    ///
    /// Workers that a dead coordinator left behind are marked as gone; they greet again when they live. Throws `.inUse`,
    /// `.networkFileSystem`, `.notALedger`, `.newerSchema`, `.olderSchema`, `.damaged`, `.settingRefused`, or what the disk
    /// gives.
    package static func open(path: String, now: Date) throws(LedgerError) -> Ledger {
        try Ledger(path: path, now: now)
    }

    /// Brings a ledger that an earlier build wrote up to date, for somebody who is going to read it. Throws as `open` does.
    package static func bringUpToDate(path: String, now: Date) throws(LedgerError) {
        do {
            _ = try LedgerReader(path: path)
        } catch .olderSchema(_, let actual, _) where actual >= Schema.oldestVersion {
            try open(path: path, now: now).close()
        }
    }

    private init(path given: String, now: Date) throws(LedgerError) {
        // Absolute: SQLite may be built to take a relative path that begins with "file:" for a URI.
        let path = URL(fileURLWithPath: given).standardizedFileURL.path
        self.path = path
        try LedgerFile.makeFolder(of: path)
        try LedgerFile.requireLocalFileSystem(path)
        lock = try LedgerLock(ledger: path)
        // SQLite would take a file of one byte for a new database.
        if let size = LedgerFile.size(at: path), size > 0, size < 512 {
            throw .notALedger(path: path, detail: "it has \(size) bytes, less than any database")
        }
        // Before SQLite takes what is left of the log for all there was.
        try WriteAheadLog.check(ledger: path)
        (queue, logReserve, inherited) = try mapped(path) {
            var configuration = Configuration()
            configuration.label = "LedgerStore.Ledger"
            configuration.foreignKeysEnabled = true
            // Readers never block a writer in WAL mode; only a foreign program could.
            configuration.busyMode = .timeout(5)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try Self.identify(queue, path: path)
            try Self.setDurability(queue, path: path)
            try Schema.migrator.migrate(queue)
            // The loop moves the log into the database when it is idle; a commit does so only when it never is.
            let logReserve = try queue.inDatabase { try LogReserve(ledger: path, longestPages: Self.longestLogPages, $0) }
            return (queue, logReserve, try Self.takeOver(queue, now: now))
        }
        try LedgerFile.syncFolder(of: path)
    }

    /// Refuses a database that is not ours, before anything of it is changed, and one that is damaged.
    private static func identify(_ queue: DatabaseQueue, path: String) throws {
        try queue.inDatabase { db in
            let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            // A new file, or one whose making was interrupted, is empty.
            if application == 0 && tables == 0 {
                try db.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
                return
            }
            try Schema.requireOurs(db, application: application, path: path, oldest: Schema.oldestVersion)
            guard LedgerFile.size(at: path) ?? 0 < checkedBytes else { return }
            let findings = try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
            guard findings == ["ok"] else { throw LedgerError.damaged(path: path, detail: findings.joined(separator: "; ")) }
        }
    }

    /// Write-ahead log, and a sync before every commit returns.
    ///
    /// The settings are made on the open connection: with its own WAL mode GRDB sets `synchronous` to NORMAL last, and
    /// NORMAL may lose a committed transaction at power loss.
    private static func setDurability(_ queue: DatabaseQueue, path: String) throws {
        try queue.inDatabase { db in
            let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") ?? ""
            guard mode == "wal" else {
                throw LedgerError.settingRefused(path: path, setting: "journal_mode", actual: mode, expected: "wal")
            }
            try db.execute(sql: "PRAGMA synchronous = FULL")
            let expected = [("synchronous", 2), ("foreign_keys", 1)]
            for (setting, value) in expected {
                let actual = try Int.fetchOne(db, sql: "PRAGMA \(setting)") ?? -1
                guard actual == value else {
                    throw LedgerError.settingRefused(path: path, setting: setting, actual: "\(actual)", expected: "\(value)")
                }
            }
        }
    }

    private static func takeOver(_ queue: DatabaseQueue, now: Date) throws -> Set<RowAttempt> {
        try queue.write { db in
            try db.execute(
                sql: "UPDATE workers SET left_at = ?, reason = 'the coordinator ended' WHERE left_at IS NULL",
                arguments: [now.milliseconds])
            let rows = try Row.fetchAll(db, sql: "SELECT job, number FROM attempts WHERE state = 'running'")
            return Set(rows.map { RowAttempt(job: $0[0], number: $0[1]) })
        }
    }

    /// Attempts without an end, by job and number: right after `open`, those of a coordinator that died.
    package func openAttempts() throws(LedgerError) -> [(attempt: AttemptID, worker: String)] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT jobs.digest, number, worker FROM attempts JOIN jobs ON jobs.id = job
                    WHERE attempts.state = 'running' ORDER BY jobs.digest
                    """
            ).map { (AttemptID(job: try $0.job(0), number: $0[1]), $0[2]) }
        }
    }

    /// What SQLite says its settings are, for tests and `sower doctor`.
    package func durability() throws(LedgerError) -> (journalMode: String, synchronous: Int) {
        try read { db in
            (
                try String.fetchOne(db, sql: "PRAGMA journal_mode") ?? "",
                try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1
            )
        }
    }

    /// Throws `.damaged` unless the study's rows are as they were sealed; no epoch is read.
    package func requireSealed(study: StudyID) throws(LedgerError) {
        try read { db in try Seals.check(study: study.rawValue, path: path, db) }
    }

    /// How many rows there are, counted one by one: what a benchmark has really left behind.
    package func rowCounts() throws(LedgerError) -> (settledJobs: Int, attempts: Int, epochs: Int) {
        try read { db in
            (
                try Int.fetchOne(db, sql: "SELECT count(*) FROM jobs WHERE state <> 'open'") ?? 0,
                try Int.fetchOne(db, sql: "SELECT count(*) FROM attempts") ?? 0,
                try Int.fetchOne(db, sql: "SELECT count(*) FROM epochs") ?? 0
            )
        }
    }

    /// Moves what the write-ahead log holds into the database file, as far as readers allow; never waits for them.
    package func checkpoint() throws(LedgerError) {
        try mapped(path) { try Failpoint.ledgerCheckpointBefore.passInLedger() }
        try mapped(path) { try queue.inDatabase { db in _ = try db.checkpoint(.passive) } }
        Failpoint.ledgerCheckpointAfter.pass()
    }

    /// Does so when much was recorded since it was done last: for the moments when the loop has nothing to do.
    package func checkpointIfWorthwhile() throws(LedgerError) {
        let isWorthwhile = memory.withLock { memory in
            guard memory.changesSinceCheckpoint >= Self.changesWorthACheckpoint else { return false }
            memory.changesSinceCheckpoint = 0
            return true
        }
        if isWorthwhile { try checkpoint() }
    }

    /// Lengthens the write-ahead log before a commit has to: for the moments when nothing waits for the disk.
    package func makeRoom() {
        if logReserve.isShort { queue.inDatabase { _ in logReserve.extendEarly() } }
    }

    /// Closes the database and lets the next coordinator in; the last call to a ledger.
    package func close() throws(LedgerError) {
        defer { lock.release() }
        try mapped(path) { try queue.close() }
    }

    package func write<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        try mapped(path) { try queue.inDatabase { db in try db.transaction { try body(db) } } }
    }

    package func read<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        try mapped(path) { try queue.read(body) }
    }
}

extension Schema {
    /// Throws unless the database is a ledger that this build can read.
    static func requireOurs(_ db: Database, application: Int32, path: String, oldest: Int = version) throws {
        guard application == applicationID else {
            throw LedgerError.notALedger(path: path, detail: "its application id is \(application), expected \(applicationID)")
        }
        let actual = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard actual <= version else { throw LedgerError.newerSchema(path: path, actual: actual, supported: version) }
        // 0: the making of the tables was interrupted.
        guard (oldest...version).contains(actual) || actual == 0 else {
            throw LedgerError.olderSchema(path: path, actual: actual, expected: version)
        }
    }
}
