import CZeroMQ
import Synchronization

/// What becomes of a socket's connections and handshakes, as libzmq sees it. Belongs to the socket's thread.
///
/// To be read regularly and closed before its socket: libzmq's I/O thread waits for room for its events, and all sockets of the
/// context with it.
///
/// Source: zmq_socket_monitor(3).
package final class ConnectionMonitor: PollableSocket {
    package enum Event: Sendable, Equatable {
        /// TCP connects; the handshake begins.
        case connected
        case handshakeSucceeded
        /// The other side's handler refused the key.
        case keyRefused
        /// The other side speaks another protocol, or none that protects a connection.
        case protocolRefused
        /// The connection ended in the middle of the handshake: the other side closed it without a word, or was too slow.
        case handshakeEnded
        case disconnected
    }

    private static let count = Atomic<UInt64>(0)
    private let handle: SocketHandle
    private let watched: SocketHandle

    /// Watches a socket, before it connects; it may have one monitor.
    package convenience init(_ socket: DealerSocket) throws(TransportError) { try self.init(socket.handle) }

    private init(_ watched: SocketHandle) throws(TransportError) {
        // A name that no monitor has had: the last one's may still be on its way out.
        let endpoint = "inproc://monitor-\(Self.count.wrappingAdd(1, ordering: .relaxed).newValue)"
        let events =
            ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
            | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED
        guard zmq_socket_monitor(watched.pointer, endpoint, events) == 0 else { throw .last("watch", endpoint: endpoint) }
        self.watched = watched
        handle = try SocketHandle(context: watched.context, type: ZMQ_PAIR, options: .control)
        guard zmq_connect(handle.pointer, endpoint) == 0 else { throw .last("watch", endpoint: endpoint) }
    }

    /// The next event; `nil` when none waits.
    package func receive() throws(TransportError) -> Event? {
        // A number of the event in 16 bits and its value in 32, both in this machine's order; then the address.
        while let parts = try handle.receiveParts(count: 2) {
            guard parts[0].count >= 2 else { continue }
            let number = parts[0].withUnsafeBytes { $0.loadUnaligned(as: UInt16.self) }
            switch Int32(number) {
            case ZMQ_EVENT_CONNECTED: return .connected
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .handshakeSucceeded
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .keyRefused
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .protocolRefused
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .handshakeEnded
            case ZMQ_EVENT_DISCONNECTED: return .disconnected
            default: continue
            }
        }
        return nil
    }

    /// Events end first, then whoever reads them: the other way round the I/O thread would wait for a reader for ever.
    package func close() {
        if watched.isOpen { zmq_socket_monitor(watched.pointer, nil, 0) }
        handle.close()
    }

    deinit { close() }

    package var pollPointer: UnsafeMutableRawPointer { handle.pointer }
}

@available(*, unavailable, message: "a ZeroMQ socket belongs to one thread")
extension ConnectionMonitor: Sendable {}
