import Digests
import Foundation
import GRDBSQLite

/// A value in a row that a statement is at, or among `RowBytes`: as long as the statement stays there, and the bytes are.
///
/// SQLite's own: through GRDB's it would cost ten times as much, and a large study has millions of them.
struct RowValue {
    /// The types, as SQLite's columns have them; 0 begins a row.
    enum Tag {
        static let null: UInt8 = 1, integer: UInt8 = 2, double: UInt8 = 3, text: UInt8 = 4, blob: UInt8 = 5
    }

    let tag: UInt8
    /// An integer, the bits of a number, or how many bytes there are.
    let word: UInt64
    let bytes: UnsafeRawBufferPointer

    static var null: RowValue { RowValue(tag: Tag.null, word: 0) }

    @inline(__always)
    init(tag: UInt8, word: UInt64, bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        self.tag = tag
        self.word = word
        self.bytes = bytes
    }

    /// The value of a column of the row that a statement is at.
    @inline(__always)
    init(_ statement: OpaquePointer, _ column: Int32) {
        let value = sqlite3_column_value(statement, column)
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: self.init(tag: Tag.integer, word: UInt64(bitPattern: sqlite3_value_int64(value)))
        case SQLITE_FLOAT: self.init(tag: Tag.double, word: sqlite3_value_double(value).bitPattern)
        // The bytes of a text as they are; as a text SQLite would end them with a zero first.
        case SQLITE_TEXT: self.init(tag: Tag.text, bytesOf: value)
        case SQLITE_BLOB: self.init(tag: Tag.blob, bytesOf: value)
        default: self = .null
        }
    }

    @inline(__always)
    private init(tag: UInt8, bytesOf value: OpaquePointer?) {
        let start = sqlite3_value_blob(value)
        // After the value itself was asked for, so that the count is of its bytes.
        let count = start == nil ? 0 : Int(sqlite3_value_bytes(value))
        self.init(tag: tag, word: UInt64(count), bytes: UnsafeRawBufferPointer(start: start, count: count))
    }

    var isNull: Bool { tag == Tag.null }
    var integer: Int64? { tag == Tag.integer ? Int64(bitPattern: word) : nil }
    var double: Double? { tag == Tag.double ? Double(bitPattern: word) : integer.map(Double.init) }
    var text: String? { tag == Tag.text ? String(decoding: bytes, as: UTF8.self) : nil }
    var blob: UnsafeRawBufferPointer? { tag == Tag.blob ? bytes : nil }
    var digest: Digest? { tag == Tag.blob ? Digest(bytes: bytes) : nil }

    /// The text; the other itself where they are the same.
    func text(sharing other: String) -> String? { isText(other) ? other : text }

    func isText(_ other: String) -> Bool {
        tag == Tag.text && other.utf8.withContiguousStorageIfAvailable { Self.areEqual(bytes, UnsafeRawBufferPointer($0)) } == true
    }

    func isText(_ other: StaticString) -> Bool {
        tag == Tag.text && Self.areEqual(bytes, UnsafeRawBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }

    private static func areEqual(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        one.count == other.count && (one.isEmpty || memcmp(one.baseAddress!, other.baseAddress!, one.count) == 0)
    }
}

extension RowValue: Equatable {
    static func == (one: RowValue, other: RowValue) -> Bool {
        one.tag == other.tag && one.word == other.word && areEqual(one.bytes, other.bytes)
    }
}
