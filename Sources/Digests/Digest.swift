import Crypto

/// A SHA-256 digest: the identity of everything Sower stores by content.
///
/// 32 raw bytes; printed as 64 lowercase hexadecimal digits. Names from the network never become paths: a file name
/// is always computed from a `Digest`, so nothing but these 64 characters can reach the file system.
///
/// Source: FIPS 180-4.
package struct Digest: Sendable, Hashable, Comparable {
    /// The digest as four big-endian words, so that it is a value without an allocation.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    package static let byteCount = 32

    /// A digest from its raw bytes; `nil` unless there are exactly 32.
    package init?<Bytes: Collection>(bytes: Bytes) where Bytes.Element == UInt8 {
        guard bytes.count == Digest.byteCount else { return nil }
        let contiguous = bytes.withContiguousStorageIfAvailable { Digest(raw: UnsafeRawBufferPointer($0)) }
        self = contiguous ?? Array(bytes).withUnsafeBytes { Digest(raw: $0) }
    }

    /// A digest from 32 raw bytes in memory.
    package init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Digest.byteCount else { return nil }
        self.init(raw: bytes)
    }

    fileprivate init(raw: UnsafeRawBufferPointer) {
        func word(_ index: Int) -> UInt64 { UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)) }
        words = (word(0), word(1), word(2), word(3))
    }

    /// A digest from its 64 hexadecimal digits; `nil` for anything else.
    package init?(hex: some StringProtocol) {
        let digits = Array(hex.utf8)
        guard digits.count == 2 * Digest.byteCount else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Digest.byteCount)
        for pair in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Digest.value(ofHexDigit: digits[pair]), let low = Digest.value(ofHexDigit: digits[pair + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(bytes: bytes)
    }

    /// The SHA-256 of `bytes`.
    package init(of bytes: some Sequence<UInt8>) {
        var hasher = DigestHasher()
        if bytes.withContiguousStorageIfAvailable({ hasher.update(UnsafeRawBufferPointer($0)) }) == nil {
            hasher.update(Array(bytes))
        }
        self = hasher.finalize()
    }

    /// The SHA-256 of bytes in memory.
    package init(of bytes: UnsafeRawBufferPointer) {
        var hasher = DigestHasher()
        hasher.update(bytes)
        self = hasher.finalize()
    }

    /// The SHA-256 of a text's UTF-8 bytes.
    package init(of text: String) {
        self.init(of: Array(text.utf8))
    }

    /// The 32 raw bytes, first byte first.
    package var bytes: [UInt8] {
        var bigEndian = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return withUnsafeBytes(of: &bigEndian) { Array($0) }
    }

    /// Writes the 32 raw bytes, wherever that is.
    package func write(to start: UnsafeMutableRawPointer) {
        start.storeBytes(of: words.0.bigEndian, as: UInt64.self)
        start.storeBytes(of: words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
        start.storeBytes(of: words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
        start.storeBytes(of: words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
    }

    /// 64 lowercase hexadecimal digits.
    package var hex: String { hex(2 * Digest.byteCount) }

    /// The first 12 hexadecimal digits: enough to tell jobs apart on a screen.
    package var short: String { hex(12) }

    /// The first `count` hexadecimal digits.
    private func hex(_ count: Int) -> String {
        let bytes = bytes
        return String(unsafeUninitializedCapacity: count) { buffer in
            for position in 0..<count {
                let digit = position.isMultiple(of: 2) ? bytes[position / 2] >> 4 : bytes[position / 2] & 15
                buffer[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            return count
        }
    }

    /// The first eight bytes as a number, most significant first: how a name becomes a seed.
    package var leadingWord: UInt64 { words.0 }

    package static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }
    package static func < (a: Digest, b: Digest) -> Bool { a.words < b.words }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }

    private static func value(ofHexDigit digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension Digest: CustomStringConvertible {
    package var description: String { hex }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(hex: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected 64 lowercase hexadecimal digits, found \(text.prefix(80))")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

/// SHA-256 over bytes that arrive in pieces.
package struct DigestHasher {
    private var hash = SHA256()

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { hash.update(bufferPointer: $0) } }

    /// The digest of all bytes so far; the hasher may go on afterwards.
    package func finalize() -> Digest { hash.finalize().withUnsafeBytes { Digest(raw: $0) } }
}
