import Coordination
import Digests
import Foundation
import GRDB
import Studies

/// Reads a ledger, also while a coordinator writes it; never makes or changes one.
///
/// Each call sees one consistent state. A lock lasts at most a second, then `.locked` is thrown.
package final class LedgerReader: Sendable {
    /// The ledger's absolute path, also when a copy is read.
    package let path: String
    package let queue: DatabaseQueue
    /// Where the ledger was copied to, since its folder cannot be written.
    package let copyFolder: String?

    /// Opens the ledger at `path` for reading.
    ///
    /// SQLite reads a write-ahead log through a shared memory file beside it. Where that file is missing and cannot be
    /// made (a read-only folder), and no coordinator writes, a private copy is read instead. Throws `.missing`,
    /// `.notALedger`, `.newerSchema`, `.olderSchema`, `.damaged`, `.notWritable`.
    package init(path given: String) throws(LedgerError) {
        let path = URL(fileURLWithPath: given).standardizedFileURL.path
        self.path = path
        guard let size = LedgerFile.size(at: path) else { throw .missing(path: path) }
        guard size > 0 else { throw .notALedger(path: path, detail: "the file is empty") }
        try WriteAheadLog.check(ledger: path)
        do {
            queue = try Self.open(path, reportedAs: path)
            copyFolder = nil
        } catch .notWritable(_, let detail) {
            guard LedgerLock.holder(ledger: path) == nil else { throw .notWritable(path: path, detail: detail) }
            let folder = try Self.copy(path)
            do {
                queue = try Self.open(folder + "/ledger.sqlite", reportedAs: path)
                copyFolder = folder
            } catch {
                try? FileManager.default.removeItem(atPath: folder)
                throw error
            }
        }
    }

    deinit {
        try? queue.close()
        if let copyFolder { try? FileManager.default.removeItem(atPath: copyFolder) }
    }

    /// The process id of the coordinator that has the ledger open; 0 when it is not known, `nil` when there is none.
    package var coordinatorProcess: Int32? { LedgerLock.holder(ledger: path) }

    /// Above this size the structure is not looked at for each command, only what seals cover.
    private static let checkedBytes = 16 << 20

    private static func open(_ path: String, reportedAs reported: String) throws(LedgerError) -> DatabaseQueue {
        try mapped(reported) {
            var configuration = Configuration()
            configuration.label = "LedgerStore.LedgerReader"
            configuration.readonly = true
            configuration.busyMode = .timeout(1)
            // 1 MiB of pages: nearly every one is read once, into memory that is still near the processor.
            configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA query_only = 1; PRAGMA cache_size = -1024") }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { db in
                let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
                try Schema.requireOurs(db, application: application, path: reported)
                guard try db.tableExists("jobs") else {
                    throw LedgerError.notALedger(path: reported, detail: "it has no tables yet")
                }
                guard LedgerFile.size(at: path) ?? 0 < checkedBytes else { return }
                let findings = try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
                guard findings == ["ok"] else { throw LedgerError.damaged(path: reported, detail: findings.joined(separator: "; ")) }
            }
            return queue
        }
    }

    /// Copies the database and its write-ahead log into a folder of this user's alone.
    private static func copy(_ path: String) throws(LedgerError) -> String {
        var template = Array((FileManager.default.temporaryDirectory.path + "/sower-ledger-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .io(path: path, detail: "no temporary folder for a copy: \(String(cString: strerror(errno)))")
        }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        do {
            for suffix in ["", "-wal"] where LedgerFile.size(at: path + suffix) ?? 0 > 0 {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: folder + "/ledger.sqlite" + suffix)
            }
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw .io(path: path, detail: "it cannot be copied: \(error.localizedDescription)")
        }
        return folder
    }

    /// Throws `.damaged` unless every study's row is as it was sealed: for whoever reads the study's cells next, which compares the rest.
    package func requireSealedStudyRows() throws(LedgerError) {
        try read { db in try Seals.checkStudyRows(path: path, db) }
    }

    /// A study that is compared with its seals; a large one by two threads, with a connection each.
    func sealed<Cell>(_ study: StudyID, cells: SealedStudy<Cell>.Selection? = nil) throws(LedgerError) -> SealedStudy<Cell> {
        try readTwice { db, other in
            try SealedStudy(study: study.rawValue, cells: cells, path: path, db, alongside: other)
        }
    }

    /// Calls `body` with a second connection that sees the same state, if the ledger is large and holds still for a moment.
    private func readTwice<Result>(_ body: (Database, Database?) throws -> Result) throws(LedgerError) -> Result {
        let file = copyFolder.map { $0 + "/ledger.sqlite" } ?? path
        guard LedgerFile.size(at: file) ?? 0 >= Self.checkedBytes else { return try read { try body($0, nil) } }
        // The first thread beside this one takes two milliseconds to come: it is there when there is something to share.
        DispatchQueue.global().async {}
        guard let second = try? Self.open(file, reportedAs: path) else { return try read { try body($0, nil) } }
        defer { try? second.close() }
        return try mapped(path) {
            for _ in 0..<3 {
                // The number changes on a connection when another has committed: if it is the same before this state is held and after,
                // both see one state. Source: https://www.sqlite.org/pragma.html#pragma_data_version
                let before = try second.read { try Self.dataVersion($0) }
                let result: Result? = try queue.read { db in
                    _ = try Self.dataVersion(db)
                    return try second.read { other in try Self.dataVersion(other) == before ? body(db, other) : nil }
                }
                if let result { return result }
            }
            return try queue.read { try body($0, nil) }
        }
    }

    /// Takes the connection's state for the transaction, which begins with the first page that is read.
    private static func dataVersion(_ db: Database) throws -> Int {
        _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM stages")
        return try Int.fetchOne(db, sql: "PRAGMA data_version") ?? 0
    }

    package func read<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        try mapped(path) { try queue.read(body) }
    }
}
