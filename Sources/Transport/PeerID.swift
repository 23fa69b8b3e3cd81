/// The routing id by which a ROUTER socket knows one connection: opaque bytes, new after every reconnection.
///
/// It names a connection, not a worker: who the peer is follows from its key, and on sockets without CURVE from its messages.
package struct PeerID: Sendable, Hashable {
    /// 0 to 255 bytes (ZMTP 3.0 limits an identity to 255).
    package let bytes: [UInt8]
    /// The key that the peer has proved to have; `nil` on a socket without CURVE.
    package let key: PublicKey?

    /// An id from its raw bytes; `nil` when there are more than 255.
    package init?(bytes: [UInt8]) {
        guard bytes.count <= 255 else { return nil }
        self.bytes = bytes
        key = nil
    }

    /// An id that libzmq delivered, whose length it has checked.
    init(delivered bytes: [UInt8], key: PublicKey?) {
        self.bytes = bytes
        self.key = key
    }
}

extension PeerID: CustomStringConvertible {
    /// The bytes in hexadecimal, for a log line.
    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
