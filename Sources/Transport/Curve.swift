import CZeroMQ
import Synchronization

/// The coordinator's side of CURVE: its key pair, and the keys that it lets in.
///
/// Shared by its sockets and the ``ZapHandler``: the handler asks at the handshake, the sockets at every message, so that a key
/// that is taken out is gone at once, connected or not.
package final class CurveServer: Sendable {
    /// What libzmq tells the handler; without a domain libzmq would ask nobody and let everybody in.
    static let domain = "sower"
    /// `ZMQ_ZAP_ENFORCE_DOMAIN`, which the header of libzmq 4.3 hides among drafts although the library always knows it: without a
    /// handler nobody is let in, instead of everybody.
    static let enforceDomainOption: Int32 = 93

    package let identity: KeyPair
    private let keys: Mutex<Set<PublicKey>>

    package init(identity: KeyPair, authorized keys: Set<PublicKey>) {
        self.identity = identity
        self.keys = Mutex(keys)
    }

    package var authorized: Set<PublicKey> {
        get { keys.withLock { $0 } }
        set { keys.withLock { $0 = newValue } }
    }

    package func isAuthorized(_ key: PublicKey) -> Bool { keys.withLock { $0.contains(key) } }
}

/// A worker's side of CURVE: its key pair, and the key that the coordinator must have.
package struct CurveClient: Sendable {
    package var identity: KeyPair
    package var server: PublicKey

    package init(identity: KeyPair, server: PublicKey) {
        self.identity = identity
        self.server = server
    }
}

extension SocketHandle {
    /// What CURVE adds to a message on the wire: a command's name, a nonce, flags and a MAC (33 bytes), rounded up.
    static let curveOverheadBytes = 64

    func secure(_ server: CurveServer) throws(TransportError) {
        // Order does not matter: nothing is bound yet, and options hold for what is bound afterwards.
        try set(CurveServer.enforceDomainOption, 1)
        try set(ZMQ_ZAP_DOMAIN, Array(CurveServer.domain.utf8))
        try set(ZMQ_CURVE_SERVER, 1)
        try set(ZMQ_CURVE_SECRETKEY, server.identity.secretKey.bytes)
    }

    func secure(_ client: CurveClient) throws(TransportError) {
        try set(ZMQ_CURVE_SERVERKEY, client.server.bytes)
        try set(ZMQ_CURVE_PUBLICKEY, client.identity.publicKey.bytes)
        try set(ZMQ_CURVE_SECRETKEY, client.identity.secretKey.bytes)
    }

    private func set(_ option: Int32, _ value: Int32) throws(TransportError) {
        var value = value
        guard zmq_setsockopt(pointer, option, &value, MemoryLayout<Int32>.size) == 0 else { throw .last("set socket option \(option)") }
    }

    private func set(_ option: Int32, _ bytes: [UInt8]) throws(TransportError) {
        guard zmq_setsockopt(pointer, option, bytes, bytes.count) == 0 else { throw .last("set socket option \(option)") }
    }
}
