import Foundation
import Testing

import Digests

@Suite struct DigestTests {
    @Test(
        "known answers of FIPS 180-4 are reproduced",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func knownAnswers(text: String, hex: String) {
        #expect(Digest(of: text).hex == hex)
        #expect(Digest(of: Array(text.utf8)) == Digest(hex: hex))
    }

    @Test("bytes and hexadecimal digits both give the digest back")
    func roundTrip() throws {
        let digest = Digest(of: "a study")
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(hex: digest.hex) == digest)
        #expect(digest.bytes.count == Digest.byteCount)
        #expect(digest.hex.count == 64)
        #expect(digest.short == String(digest.hex.prefix(12)))
        let encoded = try JSONEncoder().encode([digest])
        #expect(try JSONDecoder().decode([Digest].self, from: encoded) == [digest])
    }

    @Test(
        "a wrong length or a foreign character is no digest",
        arguments: [
            "", "ba78", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
            String(repeating: "g", count: 64), String(repeating: "A", count: 64), "../" + String(repeating: "a", count: 61),
            String(repeating: "é", count: 32),
        ])
    func refusesText(text: String) {
        #expect(Digest(hex: text) == nil)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Digest].self, from: JSONEncoder().encode([text]))
        }
    }

    @Test("a digest needs exactly 32 bytes", arguments: [0, 1, 31, 33, 64])
    func refusesBytes(count: Int) {
        #expect(Digest(bytes: [UInt8](repeating: 7, count: count)) == nil)
    }

    @Test("bytes that arrive in pieces hash like the whole, and the hasher may go on after an answer")
    func pieces() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 31) }
        for cut in [0, 1, 63, 64, 65, 500, 999, 1000] {
            var hasher = DigestHasher()
            hasher.update(Array(bytes[..<cut]))
            #expect(hasher.finalize() == Digest(of: bytes[..<cut]))
            bytes[cut...].withUnsafeBytes { hasher.update($0) }
            #expect(hasher.finalize() == Digest(of: bytes))
        }
    }

    @Test("digests are ordered as their hexadecimal text, and the leading word is its first sixteen digits")
    func order() {
        let digests = (0..<200).map { Digest(of: "\($0)") }
        #expect(digests.sorted().map(\.hex) == digests.map(\.hex).sorted())
        for digest in digests {
            #expect(digest.leadingWord == UInt64(digest.hex.prefix(16), radix: 16))
        }
    }
}
