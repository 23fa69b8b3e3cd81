import Digests
import Foundation
import GRDB
import GRDBSQLite

/// Rows as seals are over them: each row by its number of columns, each value by its type, its length and its bytes.
///
/// Copies share their bytes.
struct RowBytes: @unchecked Sendable {
    private final class Memory {
        var start: UnsafeMutableRawPointer

        init(_ capacity: Int) { start = malloc(capacity)! }

        deinit { free(start) }
    }

    private let memory: Memory
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0
    /// A type and a word.
    static let headBytes = 9

    init(capacity: Int = 1 << 10) {
        memory = Memory(capacity)
        start = memory.start
        self.capacity = capacity
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    mutating func removeAll() { count = 0 }

    mutating func beginRow(columns: Int) { append(tag: 0, UInt64(columns)) }

    /// Appends the row that a statement is at, or its first columns.
    mutating func append(row statement: OpaquePointer, columns: Int? = nil) {
        let columns = columns ?? Int(sqlite3_column_count(statement))
        beginRow(columns: columns)
        for column in 0..<columns { append(statement, Int32(column)) }
    }

    /// Appends the value of a column of the row that a statement is at.
    @inline(__always)
    mutating func append(_ statement: OpaquePointer, _ column: Int32) {
        let value = RowValue(statement, column)
        append(tag: value.tag, value.word)
        guard let source = value.bytes.baseAddress, value.bytes.count > 0 else { return }
        reserve(value.bytes.count)
        memcpy(start + count, source, value.bytes.count)
        count += value.bytes.count
    }

    /// Appends a digest column whose value is not known yet, and returns where it will be.
    mutating func appendDigestLater() -> Int {
        append(tag: RowValue.Tag.blob, UInt64(Digest.byteCount))
        reserve(Digest.byteCount)
        defer { count += Digest.byteCount }
        return count
    }

    func fill(_ digest: Digest, at offset: Int) { digest.write(to: start + offset) }

    @inline(__always)
    private mutating func append(tag: UInt8, _ word: UInt64) {
        reserve(Self.headBytes)
        start.storeBytes(of: tag, toByteOffset: count, as: UInt8.self)
        start.storeBytes(of: word.littleEndian, toByteOffset: count + 1, as: UInt64.self)
        count += Self.headBytes
    }

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(to: count + more) }
    }

    private mutating func grow(to least: Int) {
        capacity = max(2 * capacity, least)
        memory.start = realloc(memory.start, capacity)!
        start = memory.start
    }
}

extension RowBytes: StatementValue {
    /// As a blob.
    func bind(to statement: SQLiteStatement, at index: Int32) -> Int32 {
        sqlite3_bind_blob(statement, index, start, Int32(count), sqliteCopies)
    }
}

/// SHA-256 over rows.
struct RowHasher {
    private var rows = RowBytes(capacity: 1 << 15)
    private var hasher = DigestHasher()

    mutating func add(all rows: RowCursor) throws {
        while try rows.next() != nil { add(rows._statement.sqliteStatement) }
    }

    /// Adds the row that a statement is at.
    mutating func add(_ statement: OpaquePointer) {
        rows.append(row: statement)
        if rows.count > 1 << 14 { flush() }
    }

    mutating func add(_ bytes: RowBytes) {
        flush()
        hasher.update(bytes.bytes)
    }

    /// The digest of what was added; the hasher begins anew.
    mutating func finalize() -> Digest {
        flush()
        defer { hasher = DigestHasher() }
        return hasher.finalize()
    }

    private mutating func flush() {
        hasher.update(rows.bytes)
        rows.removeAll()
    }
}
