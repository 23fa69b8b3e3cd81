import Digests
import Foundation
import GRDBSQLite
import Studies

/// Reads rows from bytes as `RowBytes` writes them, value after value; as long as the bytes are. Bytes that are something else give
/// values that are NULL.
struct RowReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    var isAtEnd: Bool { offset + RowBytes.headBytes > bytes.count }

    /// Goes on to the first value of the next row, if there is one.
    @discardableResult
    mutating func beginRow() -> Bool {
        guard !isAtEnd else { return false }
        offset += RowBytes.headBytes
        return true
    }

    @inline(__always)
    mutating func next() -> RowValue {
        guard !isAtEnd else { return RowValue() }
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self))
        let tag = bytes[offset]
        offset += RowBytes.headBytes
        guard tag == RowBytes.Tag.text || tag == RowBytes.Tag.blob else { return RowValue(tag: tag, word: word) }
        guard word <= UInt64(bytes.count - offset) else {
            offset = bytes.count
            return RowValue()
        }
        defer { offset += Int(word) }
        return RowValue(tag: tag, word: word, bytes: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(word)]))
    }

    mutating func skip(_ values: Int) { for _ in 0..<values { _ = next() } }

    /// Ten values as `EpochMetrics.columns` lists them; `nil` where the first is NULL.
    mutating func epochMetrics() -> EpochMetrics? {
        guard let epoch = next().integer else { return nil }
        func metric() -> Double { next().double ?? .nan }
        return EpochMetrics(
            epoch: Int(epoch), learningRate: metric(), trainingLoss: metric(), trainingAccuracy: metric(), trainingTop5Accuracy: metric(),
            validationLoss: metric(), validationAccuracy: metric(), validationTop5Accuracy: metric(), images: Int(next().integer ?? 0),
            seconds: metric())
    }
}

/// A value among rows, as long as their bytes are.
struct RowValue {
    fileprivate var tag = RowBytes.Tag.null
    fileprivate var word: UInt64 = 0
    private(set) var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

    fileprivate init() {}

    fileprivate init(tag: UInt8, word: UInt64, bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        self.tag = tag
        self.word = word
        self.bytes = bytes
    }

    var integer: Int64? { tag == RowBytes.Tag.integer ? Int64(bitPattern: word) : nil }
    var double: Double? { tag == RowBytes.Tag.double ? Double(bitPattern: word) : integer.map(Double.init) }
    var text: String? { tag == RowBytes.Tag.text ? String(decoding: bytes, as: UTF8.self) : nil }
    /// The text; the other itself where they are the same.
    func text(sharing other: String) -> String? { isText(other) ? other : text }

    func isText(_ other: String) -> Bool { other.utf8.withContiguousStorageIfAvailable { isText(UnsafeRawBufferPointer($0)) } == true }

    var digest: Digest? { tag == RowBytes.Tag.blob ? Digest(bytes: bytes) : nil }

    func isText(_ other: StaticString) -> Bool { tag == RowBytes.Tag.text && Self.isText(bytes, other) }

    func isText(_ other: UnsafeRawBufferPointer) -> Bool { tag == RowBytes.Tag.text && Self.areEqual(bytes, other) }

    /// Whether it is what a column of the row says that a statement is at.
    func isColumn(_ row: OpaquePointer, _ column: Int32) -> Bool {
        let value = sqlite3_column_value(row, column)
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: return tag == RowBytes.Tag.integer && word == UInt64(bitPattern: sqlite3_value_int64(value))
        case SQLITE_FLOAT: return tag == RowBytes.Tag.double && word == sqlite3_value_double(value).bitPattern
        case SQLITE_TEXT: return tag == RowBytes.Tag.text && Self.areEqual(bytes, RowBytes.bytes(row, column))
        case SQLITE_BLOB: return tag == RowBytes.Tag.blob && Self.areEqual(bytes, RowBytes.bytes(row, column))
        default: return tag == RowBytes.Tag.null
        }
    }

    static func isText(_ bytes: UnsafeRawBufferPointer, _ other: StaticString) -> Bool {
        areEqual(bytes, UnsafeRawBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }

    private static func areEqual(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        one.count == other.count && (one.isEmpty || memcmp(one.baseAddress!, other.baseAddress!, one.count) == 0)
    }
}
