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

    init(capacity: Int = 1 << 10) {
        memory = Memory(capacity)
        start = memory.start
        self.capacity = capacity
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    mutating func removeAll() { count = 0 }

    // MARK: Writing

    mutating func beginRow(columns: Int) { append(tag: 0, UInt64(columns)) }

    /// Appends the value of a column of the row that a statement is at.
    @inline(__always)
    mutating func append(_ statement: OpaquePointer, _ column: Int32) {
        let value = sqlite3_column_value(statement, column)
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: append(tag: 2, UInt64(bitPattern: sqlite3_value_int64(value)))
        case SQLITE_FLOAT: append(tag: 3, sqlite3_value_double(value).bitPattern)
        // The bytes of a text as they are; as a text SQLite would end them with a zero first.
        case SQLITE_TEXT: append(tag: 4, value)
        case SQLITE_BLOB: append(tag: 5, value)
        default: append(tag: 1, 0)
        }
    }

    /// Appends a digest column whose value is not known yet, and returns where it will be.
    mutating func appendDigestLater() -> Int {
        append(tag: 5, UInt64(Digest.byteCount))
        reserve(Digest.byteCount)
        defer { count += Digest.byteCount }
        return count
    }

    func fill(_ digest: Digest, at offset: Int) { digest.write(to: start + offset) }

    private mutating func append(tag: UInt8, _ value: OpaquePointer?) {
        let source = sqlite3_value_blob(value)
        // After the value itself was asked for, so that the count is of its bytes.
        let length = Int(sqlite3_value_bytes(value))
        append(tag: tag, UInt64(length))
        guard let source, length > 0 else { return }
        reserve(length)
        memcpy(start + count, source, length)
        count += length
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

    // MARK: Reading

    /// The value that begins at `offset`; moves it behind the value.
    func value(at offset: inout Int) -> RowValue {
        let word = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self))
        let tag = start.load(fromByteOffset: offset, as: UInt8.self)
        offset += Self.headBytes
        guard tag == 4 || tag == 5 else { return RowValue(tag: tag, word: word, bytes: UnsafeRawBufferPointer(start: nil, count: 0)) }
        defer { offset += Int(word) }
        return RowValue(tag: tag, word: word, bytes: UnsafeRawBufferPointer(start: start + offset, count: Int(word)))
    }

    /// Ten values as `EpochMetrics.columns` lists them; `nil` where the first is NULL.
    func epochMetrics(at offset: inout Int) -> EpochMetrics? {
        guard let epoch = value(at: &offset).integer else { return nil }
        func metric() -> Double { value(at: &offset).double ?? .nan }
        return EpochMetrics(
            epoch: Int(epoch), learningRate: metric(), trainingLoss: metric(), trainingAccuracy: metric(), trainingTop5Accuracy: metric(),
            validationLoss: metric(), validationAccuracy: metric(), validationTop5Accuracy: metric(),
            images: Int(value(at: &offset).integer ?? 0), seconds: metric())
    }
}

/// A value among `RowBytes`, as long as they are.
struct RowValue {
    fileprivate let tag: UInt8
    fileprivate let word: UInt64
    let bytes: UnsafeRawBufferPointer

    var integer: Int64? { tag == 2 ? Int64(bitPattern: word) : nil }
    var double: Double? { tag == 3 ? Double(bitPattern: word) : integer.map(Double.init) }
    var text: String? { tag == 4 ? String(decoding: bytes, as: UTF8.self) : nil }
    var digest: Digest? { tag == 5 ? Digest(bytes: bytes) : nil }

    func isText(_ other: StaticString) -> Bool { isText(UnsafeRawBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount)) }

    func isText(_ other: UnsafeRawBufferPointer) -> Bool {
        tag == 4 && bytes.count == other.count && (bytes.isEmpty || memcmp(bytes.baseAddress!, other.baseAddress!, bytes.count) == 0)
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
