import Crypto

/// MD5 over bytes that arrive in pieces, for files whose publisher gives nothing better: it finds a damaged download, and is no proof
/// against somebody who wants to deceive.
package struct MD5Hasher {
    private var hash = Insecure.MD5()

    package init() {}

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { hash.update(bufferPointer: $0) } }

    /// The digest of all bytes so far, as 32 hexadecimal letters.
    package var hex: String {
        hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
