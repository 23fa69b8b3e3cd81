import Failpoints
import Foundation
import GRDB
import GRDBSQLite
import Synchronization

/// Keeps the write-ahead log of an open ledger longer than what is in it, and moves it into the database when it gets too long.
///
/// Ahead lie zeros, which no reader takes for a frame: a file system syncs bytes in place of others faster than a file that grows, whose
/// length is one more write to wait for. SQLite writes over them, and begins at the front again after a checkpoint. A disk without the
/// room has to do without.
///
/// Who commits often lengthens the log early, where nothing waits for it; a commit that leaves too little ahead does so itself.
final class LogReserve: Sendable {
    /// Small: the commit that finds too little ahead waits for it.
    private static let stepBytes = 512 << 10
    /// So much is ahead of every commit, unless it is a long one.
    private static let aheadBytes = 1 << 20
    private static let earlyBytes = aheadBytes + stepBytes
    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

    private let logPath: String
    private let longestPages: Int
    private let pageBytes: Int
    /// The file's length when it was last looked at; SQLite only makes it longer.
    private let knownBytes = Atomic(0)
    /// How many pages the log had after the last commit.
    private let pages = Atomic(0)

    /// Takes over from SQLite what is done after each commit of the connection, which the reserve must outlive.
    init(ledger path: String, longestPages: Int, _ db: Database) throws {
        logPath = path + "-wal"
        self.longestPages = longestPages
        pageBytes = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, connection, name, pages in
                let reserve = Unmanaged<LogReserve>.fromOpaque(context!).takeUnretainedValue()
                reserve.pages.store(Int(pages), ordering: .relaxed)
                reserve.extend(ahead: LogReserve.aheadBytes)
                // As SQLite's own automatic checkpoint: what readers hold back is moved after another commit.
                if pages >= reserve.longestPages { sqlite3_wal_checkpoint_v2(connection, name, SQLITE_CHECKPOINT_PASSIVE, nil, nil) }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Whether the next commits may find too little ahead.
    var isShort: Bool { isShort(ahead: Self.earlyBytes) }

    /// Lengthens the file before a commit has to. Nothing may be committed meanwhile.
    func extendEarly() { extend(ahead: Self.earlyBytes) }

    /// Where a log of so many pages, with so much ahead, would end.
    private func end(ahead: Int) -> Int { WriteAheadLog.bytes(pages: pages.load(ordering: .relaxed), pageBytes: pageBytes) + ahead }

    private func isShort(ahead: Int) -> Bool { end(ahead: ahead) > knownBytes.load(ordering: .relaxed) }

    /// Lengthens the file by a step when less than so much is left in it.
    private func extend(ahead: Int) {
        guard isShort(ahead: ahead) else { return }
        let wanted = end(ahead: ahead)
        let descriptor = open(logPath, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = Int(lseek(descriptor, 0, SEEK_END))
        guard length > 0 else { return }
        guard length < wanted else { return knownBytes.store(length, ordering: .relaxed) }
        let longer = max(length + Self.stepBytes, wanted)
        guard Failpoint.ledgerReserveBefore.failure() == nil, Self.fill(descriptor, from: length, to: longer), fdatasync(descriptor) == 0
        else {
            ftruncate(descriptor, off_t(length))
            return
        }
        Failpoint.ledgerReserveAfter.pass()
        knownBytes.store(longer, ordering: .relaxed)
    }

    private static func fill(_ descriptor: Int32, from start: Int, to end: Int) -> Bool {
        for offset in stride(from: start, to: end, by: zeros.count) {
            let count = min(zeros.count, end - offset)
            guard pwrite(descriptor, zeros, count, off_t(offset)) == count else { return false }
        }
        return true
    }
}
