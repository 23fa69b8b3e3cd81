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

    /// Rows that were kept as a blob, in a column of the row with this id; `nil` where there is no such row. A statement would have them in
    /// memory twice.
    init?(table: String, column: String, id: Int64, _ connection: SQLiteConnection) throws {
        var blob: OpaquePointer?
        defer { sqlite3_blob_close(blob) }
        let code = sqlite3_blob_open(connection, "main", table, column, id, 0, &blob)
        // What it says of a missing row.
        if code == SQLITE_ERROR { return nil }
        guard code == SQLITE_OK else { throw DatabaseError(code, connection) }
        let size = sqlite3_blob_bytes(blob)
        self.init(capacity: max(1, Int(size)))
        let read = sqlite3_blob_read(blob, start, size, 0)
        guard read == SQLITE_OK else { throw DatabaseError(read, connection) }
        count = Int(size)
    }

    /// As long as the value is kept: whoever needs them of a value that nobody has asks for their `digest`.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    var digest: Digest { withExtendedLifetime(memory) { Digest(of: bytes) } }

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
    mutating func append(_ statement: OpaquePointer, _ column: Int32) { append(RowValue(statement, column)) }

    @inline(__always)
    private mutating func append(_ value: RowValue) {
        append(tag: value.tag, value.word)
        append(raw: value.bytes)
    }

    @inline(__always)
    private mutating func append(raw bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(start + count, source, bytes.count)
        count += bytes.count
    }

    mutating func append(blob: UnsafeRawBufferPointer) { append(RowValue(tag: RowValue.Tag.blob, word: UInt64(blob.count), bytes: blob)) }

    mutating func append(_ integer: Int64) { append(tag: RowValue.Tag.integer, UInt64(bitPattern: integer)) }

    mutating func append(_ other: RowBytes) { append(raw: other.bytes) }

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
