import Digests

/// Why bytes from the network are no message. Counted and dropped; never changes state.
package enum WireError: Error, Equatable, Sendable {
    case truncated(at: Int)
    case tooLong(field: String, count: Int, limit: Int)
    case unknownTag(field: String, value: UInt8)
    case notText(field: String)
    case outOfRange(field: String)
    case trailingBytes(count: Int)
    /// A greeting that this build cannot read on: it is in the lowest of the versions that the worker speaks.
    case otherVersions(lowest: UInt16, highest: UInt16)
}

/// Writes the little-endian wire format. Fields have no names or padding: the order in the message's `encode` is the format.
package struct WireWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write(_ value: UInt8) { bytes.append(value) }
    package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }
    package mutating func write(_ value: UInt16) { append(value) }
    package mutating func write(_ value: UInt32) { append(value) }
    package mutating func write(_ value: UInt64) { append(value) }
    package mutating func write(_ value: Double) { append(value.bitPattern) }
    package mutating func write(_ value: Digest) { bytes.append(contentsOf: value.bytes) }

    package mutating func write(_ value: [UInt8]) {
        append(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func write(_ text: String) { write(Array(text.utf8)) }

    /// Text from elsewhere, cleaned: whatever it was, a reader with this limit takes it.
    package mutating func write(cleaning text: String, limit: Int) { write(WireText.clean(text, limit: limit)) }

    /// A count, then each element.
    package mutating func write<Element>(list: [Element], _ body: (inout WireWriter, Element) -> Void) {
        append(UInt32(list.count))
        for element in list { body(&self, element) }
    }

    /// Whether there is a value, then the value.
    package mutating func write<Value>(optional value: Value?, _ body: (inout WireWriter, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    private mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Reads the wire format. Every length is checked against its limit and against what is left before anything is
/// allocated, so hostile bytes cost no more than their own size; nothing here traps.
package struct WireReader {
    private let bytes: [UInt8]
    /// How many bytes have been read.
    private(set) var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package mutating func readUInt8() throws(WireError) -> UInt8 { try readInteger() }
    package mutating func readUInt16() throws(WireError) -> UInt16 { try readInteger() }
    package mutating func readUInt32() throws(WireError) -> UInt32 { try readInteger() }
    package mutating func readUInt64() throws(WireError) -> UInt64 { try readInteger() }
    package mutating func readDouble() throws(WireError) -> Double { Double(bitPattern: try readInteger()) }

    package mutating func readBool(_ field: String) throws(WireError) -> Bool {
        switch try readUInt8() {
        case 0: return false
        case 1: return true
        case let value: throw .unknownTag(field: field, value: value)
        }
    }

    /// A 32-bit count that must not exceed `limit`.
    package mutating func readCount(_ field: String, limit: Int) throws(WireError) -> Int {
        let count = Int(try readUInt32())
        guard count <= limit else { throw .tooLong(field: field, count: count, limit: limit) }
        return count
    }

    /// A 32-bit number as an `Int`, at least `minimum`.
    package mutating func readInt(_ field: String, atLeast minimum: Int = 0) throws(WireError) -> Int {
        let value = Int(try readUInt32())
        guard value >= minimum, value <= Int(Int32.max) else { throw .outOfRange(field: field) }
        return value
    }

    package mutating func readBytes(_ field: String, limit: Int) throws(WireError) -> [UInt8] {
        let count = try readCount(field, limit: limit)
        guard bytes.count - position >= count else { throw .truncated(at: bytes.count) }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// UTF-8 text without control characters other than line feed and tab.
    package mutating func readText(_ field: String, limit: Int) throws(WireError) -> String {
        let raw = try readBytes(field, limit: limit)
        guard let text = String(validating: raw, as: UTF8.self), WireText.isClean(text) else { throw .notText(field: field) }
        return text
    }

    package mutating func readDigest() throws(WireError) -> Digest {
        guard bytes.count - position >= Digest.byteCount else { throw .truncated(at: bytes.count) }
        defer { position += Digest.byteCount }
        return Digest(bytes: bytes[position..<position + Digest.byteCount])!
    }

    package mutating func readList<Element>(
        _ field: String, limit: Int, _ body: (inout WireReader) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        let count = try readCount(field, limit: limit)
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try body(&self)) }
        return elements
    }

    package mutating func readOptional<Value>(
        _ body: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> Value? {
        try readBool("presence") ? try body(&self) : nil
    }

    /// A time in seconds, finite and not negative, or nothing.
    package mutating func readInterval(_ field: String) throws(WireError) -> Double? {
        let value = try readOptional { reader throws(WireError) in try reader.readDouble() }
        guard value.map({ $0.isFinite && $0 >= 0 }) ?? true else { throw .outOfRange(field: field) }
        return value
    }

    /// Throws unless everything has been read.
    package func finish() throws(WireError) {
        guard position == bytes.count else { throw .trailingBytes(count: bytes.count - position) }
    }

    private mutating func readInteger<Value: FixedWidthInteger & BitwiseCopyable>() throws(WireError) -> Value {
        let width = Value.bitWidth / 8
        guard bytes.count - position >= width else { throw .truncated(at: bytes.count) }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Value.self) }
        position += width
        return Value(littleEndian: value)
    }
}

/// A value with a wire form.
package protocol WireCodable {
    func encode(into writer: inout WireWriter)
    init(from reader: inout WireReader) throws(WireError)
}

extension WireCodable {
    package var frame: [UInt8] {
        var writer = WireWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// The value of a whole frame; anything left over is an error.
    package init(frame: [UInt8]) throws(WireError) {
        var reader = WireReader(frame)
        try self.init(from: &reader)
        try reader.finish()
    }
}
