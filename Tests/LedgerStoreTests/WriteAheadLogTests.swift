import Foundation
import LedgerStore
import Testing

/// What SQLite takes for the end of its log, and what is lost behind it.
@Suite struct WriteAheadLogTests {
    @Test func `a log that lost commits is refused; one whose last commit was torn is not`() throws {
        let fixture = try Fixture()
        for number in 1...4 { try fixture.record(.event(kind: "note", text: "\(number)")) }
        let log = try writtenLog(of: fixture.folder.ledger)
        let frameBytes = 24 + 4096
        let frames = (log.count - 32) / frameBytes
        #expect(frames > 4)
        // A copy, since SQLite would mend its own. Header and first frame; then a frame from the middle; then the last.
        for (position, isRefused) in [(20, true), (100, true), (32 + frames / 2 * frameBytes + 500, true), (log.count - 10, false)] {
            let copy = TestFolder()
            var damaged = log
            damaged[position] ^= 4
            try damaged.write(to: URL(fileURLWithPath: copy.ledger + "-wal"))
            try FileManager.default.copyItem(atPath: fixture.folder.ledger, toPath: copy.ledger)
            func isDamage(_ body: () throws -> Void) throws -> Bool {
                do {
                    try body()
                    return false
                } catch LedgerError.damaged(_, let detail) {
                    return detail.contains("write-ahead log")
                }
            }
            #expect(try isDamage { _ = try LedgerReader(path: copy.ledger) } == isRefused, "byte \(position)")
            #expect(try isDamage { try Ledger.open(path: copy.ledger, now: noon).close() } == isRefused, "byte \(position)")
        }
    }

    @Test func `a log that a coordinator writes while it is read has lost nothing`() throws {
        let fixture = try Fixture()
        for number in 1...4 { try fixture.record(.event(kind: "note", text: "\(number)")) }
        let whole = try writtenLog(of: fixture.folder.ledger)
        let frameBytes = 24 + 4096
        /// As if what lies before were read first, and the writer had gone on meanwhile.
        func torn(_ frame: Int) -> Data {
            let start = 32 + frame * frameBytes
            return whole.prefix(start) + Data(count: frameBytes) + whole.dropFirst(start + frameBytes)
        }
        func check(_ readings: [Data]) throws -> Int {
            var count = 0
            try WriteAheadLog.check(ledger: fixture.folder.ledger) { _ in
                defer { count += 1 }
                return readings[min(count, readings.count - 1)]
            }
            return count
        }
        #expect(try check([whole]) == 1)
        #expect(try check([torn(1), whole]) == 2)
        #expect(try check([torn(1), torn(2), torn(1), whole]) == 4)
        // Begun again at its front before the next reading.
        #expect(try check([torn(2), Data(count: whole.count)]) == 2)
        #expect(throws: LedgerError.self) { try check([torn(1), torn(1)]) }
        #expect(throws: LedgerError.self) { try check([torn(1), torn(2), torn(2)]) }
    }
}
