import CZeroMQ

/// The public half of a CURVE key pair: how a host is known. Printed as 40 characters of Z85.
///
/// Source: https://rfc.zeromq.org/spec/26/ (CurveZMQ), https://rfc.zeromq.org/spec/32/ (Z85).
package struct PublicKey: Sendable, Hashable, CustomStringConvertible {
    package static let byteCount = 32
    package static let z85Count = 40

    package let bytes: [UInt8]

    /// A key from its 32 bytes; `nil` for any other number of them.
    package init?(bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == Self.byteCount else { return nil }
    }

    /// A key from its 40 characters; `nil` for any other text.
    package init?(z85 text: String) {
        guard let bytes = Z85.decoded(text) else { return nil }
        self.bytes = bytes
    }

    package var description: String { Z85.encoded(bytes) }
}

/// The secret half. It has no description, so that no log, error or dump can hold it.
package struct SecretKey: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// A key from its 40 characters; `nil` for any other text.
    package init?(z85 text: String) {
        guard let bytes = Z85.decoded(text) else { return nil }
        self.bytes = bytes
    }

    /// The 40 characters, for the one file that holds them.
    package var revealed: String { Z85.encoded(bytes) }

    package var description: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A host's two keys.
package struct KeyPair: Sendable {
    package let publicKey: PublicKey
    package let secretKey: SecretKey

    /// The pair of a secret key: the public one follows from it.
    package init(secretKey: SecretKey) {
        var text = [CChar](repeating: 0, count: PublicKey.z85Count + 1)
        let derived = secretKey.revealed.withCString { zmq_curve_public(&text, $0) == 0 }
        guard derived, let publicKey = PublicKey(z85: String(decoding: text.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)) else {
            preconditionFailure("libzmq was built without CURVE")
        }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// A new pair, whose public key begins with a letter or a digit: a command takes a word that begins with `-` for an option.
    package static func generate() -> KeyPair {
        while true {
            var secret = [CChar](repeating: 0, count: PublicKey.z85Count + 1), text = secret
            guard zmq_curve_keypair(&text, &secret) == 0,
                let key = SecretKey(z85: String(decoding: secret.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
            else { preconditionFailure("libzmq was built without CURVE") }
            let pair = KeyPair(secretKey: key)
            if let first = pair.publicKey.description.first, first.isLetter || first.isNumber { return pair }
        }
    }
}

/// The Z85 text of 32 bytes. What libzmq's own functions leave out is checked here: they read any 40 characters.
private enum Z85 {
    private static let alphabet = Set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

    static func encoded(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: PublicKey.z85Count + 1)
        _ = zmq_z85_encode(&text, bytes, bytes.count)
        return String(decoding: text.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static func decoded(_ text: String) -> [UInt8]? {
        guard text.utf8.count == PublicKey.z85Count, text.utf8.allSatisfy(alphabet.contains) else { return nil }
        var bytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        guard zmq_z85_decode(&bytes, text) != nil else { return nil }
        // Five characters hold a little more than four bytes: a text above that wraps, and would name another key.
        return encoded(bytes) == text ? bytes : nil
    }
}
