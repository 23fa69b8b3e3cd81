import Digests
import Foundation
import GRDB
import GRDBSQLite
import Studies

/// Rows as seals are over them: each row by its number of columns, each value by its type, its length and its bytes.
///
/// Reads values from SQLite itself: through GRDB's it would cost ten times as much, and a large study has millions of them. Copies
/// share their bytes.
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
    /// The types, as SQLite's columns have them.
    enum Tag {
        static let row: UInt8 = 0, null: UInt8 = 1, integer: UInt8 = 2, double: UInt8 = 3, text: UInt8 = 4, blob: UInt8 = 5
    }

    init(capacity: Int = 1 << 10) {
        memory = Memory(capacity)
        start = memory.start
        self.capacity = capacity
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    mutating func removeAll() { count = 0 }

    mutating func beginRow(columns: Int) { append(tag: Tag.row, UInt64(columns)) }

    /// Appends the row that a statement is at, or its first columns.
    mutating func append(row statement: OpaquePointer, columns: Int? = nil) {
        let columns = columns ?? Int(sqlite3_column_count(statement))
        beginRow(columns: columns)
        for column in 0..<columns { append(statement, Int32(column)) }
    }

    /// Appends the value of a column of the row that a statement is at.
    @inline(__always)
    mutating func append(_ statement: OpaquePointer, _ column: Int32) {
        let value = sqlite3_column_value(statement, column)
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: append(tag: Tag.integer, UInt64(bitPattern: sqlite3_value_int64(value)))
        case SQLITE_FLOAT: append(tag: Tag.double, sqlite3_value_double(value).bitPattern)
        // The bytes of a text as they are; as a text SQLite would end them with a zero first.
        case SQLITE_TEXT: append(tag: Tag.text, value)
        case SQLITE_BLOB: append(tag: Tag.blob, value)
        default: append(tag: Tag.null, 0)
        }
    }

    /// Appends a digest column whose value is not known yet, and returns where it will be.
    mutating func appendDigestLater() -> Int {
        append(tag: Tag.blob, UInt64(Digest.byteCount))
        reserve(Digest.byteCount)
        defer { count += Digest.byteCount }
        return count
    }

    func fill(_ digest: Digest, at offset: Int) { digest.write(to: start + offset) }

    /// The bytes of a text or a blob in a row that a statement is at, as long as it stays there.
    static func bytes(_ row: OpaquePointer, _ column: Int32) -> UnsafeRawBufferPointer { bytes(of: sqlite3_column_value(row, column)) }

    private static func bytes(of value: OpaquePointer?) -> UnsafeRawBufferPointer {
        let start = sqlite3_value_blob(value)
        // After the value itself was asked for, so that the count is of its bytes.
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_value_bytes(value)))
    }

    private mutating func append(tag: UInt8, _ value: OpaquePointer?) {
        let source = Self.bytes(of: value)
        append(tag: tag, UInt64(source.count))
        guard let address = source.baseAddress, source.count > 0 else { return }
        reserve(source.count)
        memcpy(start + count, address, source.count)
        count += source.count
    }

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
        while try rows.next() != nil { add(rows) }
    }

    /// Adds the row that a cursor is at, or some of its columns.
    mutating func add(_ cursor: RowCursor, _ columns: Range<Int>? = nil) {
        add(cursor._statement.sqliteStatement, columns)
    }

    /// Adds the row that a statement is at, or some of its columns.
    mutating func add(_ statement: OpaquePointer, _ columns: Range<Int>? = nil) {
        let columns = columns ?? 0..<Int(sqlite3_column_count(statement))
        rows.beginRow(columns: columns.count)
        for column in columns { rows.append(statement, Int32(column)) }
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
