/// What libzmq asks of whoever decides on handshakes, and the answer (ZAP 1.0). Pure; nothing here traps.
///
/// Source: https://rfc.zeromq.org/spec/27/
package enum Zap {
    /// No request has more parts than this: seven, and the credentials of a mechanism.
    package static let partLimit = 16
    private static let version = Array("1.0".utf8)
    /// Longer ids than this are not echoed; libzmq's own is "1".
    private static let requestIDLimit = 255

    package enum Verdict: Equatable, Sendable {
        case admitted(PublicKey)
        /// The request's words are for the log of whoever asks; a peer learns the number alone.
        case refused(String)
    }

    /// Who asks to come in; admitted only over CURVE, in our domain, with a key that `isAuthorized` knows.
    package static func verdict(on parts: [[UInt8]], isAuthorized: (PublicKey) -> Bool) -> Verdict {
        // version, request id, domain, address, identity, mechanism, credentials…
        guard parts.count >= 6, parts.count <= partLimit else { return .refused("the request has \(parts.count) parts") }
        guard parts[0] == version else { return .refused("the request is of another version") }
        guard parts[2] == Array(CurveServer.domain.utf8) else { return .refused("the request is for another domain") }
        guard parts[5] == Array("CURVE".utf8) else { return .refused("the mechanism is not CURVE") }
        guard parts.count == 7, let key = PublicKey(bytes: parts[6]) else { return .refused("the credentials are no key") }
        return isAuthorized(key) ? .admitted(key) : .refused("the key is not authorized")
    }

    /// The key that asks, and from where, for the person who may want to let it in; `nil` for what is no request over CURVE.
    package static func caller(of parts: [[UInt8]]) -> (key: PublicKey, address: String)? {
        guard parts.count == 7, let key = PublicKey(bytes: parts[6]) else { return nil }
        let address = parts[3].prefix(64).map { (33..<127).contains($0) ? Character(UnicodeScalar($0)) : "?" }
        return (key, String(address))
    }

    /// The answer's parts: version, request id, status, its text, the user's id, no metadata.
    package static func answer(to parts: [[UInt8]], _ verdict: Verdict) -> [[UInt8]] {
        let id = parts.count > 1 && parts[1].count <= requestIDLimit ? parts[1] : []
        switch verdict {
        case .admitted(let key): return [version, id, Array("200".utf8), [], Array(key.description.utf8), []]
        case .refused(let why): return [version, id, Array("400".utf8), Array(why.utf8), [], []]
        }
    }
}
