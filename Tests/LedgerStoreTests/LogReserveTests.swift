import Foundation
import GRDB
import LedgerStore
import Testing

@Suite struct LogReserveTests {
    private let folder = TestFolder()

    private func commit(megabytes: Int, to ledger: Ledger) throws {
        try ledger.write { db in
            try db.execute(
                sql: "INSERT INTO events (at, kind, text) VALUES (0, 'test', ?)",
                arguments: [String(repeating: "x", count: megabytes << 20)])
        }
    }

    private func logBytes() throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: folder.ledger + "-wal")[.size] as? Int)
    }

    @Test func `before every commit there is room ahead in the log`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        for _ in 1...7 {
            try commit(megabytes: 1, to: ledger)
            let (length, written) = (try logBytes(), try writtenLog(of: folder.ledger).count)
            #expect(length - written >= 1 << 20)
        }
        let written = try writtenLog(of: folder.ledger).count
        #expect(written > 7 << 20)
        try ledger.close()
        let again = try Ledger.open(path: folder.ledger, now: noon)
        #expect(try again.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM events") } == 7)
    }

    @Test func `room made early is not made again by the commits after it`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        for _ in 1...3 {
            try ledger.record([.event(kind: "test", text: "small")], now: noon)
            ledger.makeRoom()
            let length = try logBytes()
            #expect(try length - writtenLog(of: folder.ledger).count >= 3 << 19)
            // Half a mebibyte may be used up before a commit has to.
            try ledger.write { db in
                try db.execute(
                    sql: "INSERT INTO events (at, kind, text) VALUES (0, 'test', ?)", arguments: [String(repeating: "x", count: 3 << 17)])
            }
            #expect(try logBytes() == length)
        }
    }

    @Test func `a log that is never idle is moved into the database, and begins again`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        var longest = 0
        for _ in 1...12 {
            try commit(megabytes: 12, to: ledger)
            longest = max(longest, try logBytes())
        }
        #expect(longest < 90 << 20, "144 MB were written; the log grew to \(longest) bytes")
        #expect(try ledger.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM events") } == 12)
    }
}
