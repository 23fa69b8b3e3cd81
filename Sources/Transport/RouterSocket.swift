import CZeroMQ

/// The coordinator's end: one socket that many peers connect to, each known by a `PeerID`.
///
/// Belongs to the thread that made it. Nothing here waits: `receive` answers `nil`, `send` answers `.wouldBlock`, so one
/// slow peer never holds the others (`ROUTER_MANDATORY` blocks a sender otherwise). `Poller` waits for them all.
package final class RouterSocket: PollableSocket {
    let handle: SocketHandle
    let curve: CurveServer?

    /// A socket with the given limits; throws `.io` when the context has no socket left (1023 of them).
    ///
    /// With `curve` only peers whose key is authorized are heard and spoken to; the context needs a ``ZapHandler`` first.
    package init(context: ZeroMQContext, options: SocketOptions = .control, curve: CurveServer? = nil) throws(TransportError) {
        handle = try SocketHandle(context: context, type: ZMQ_ROUTER, options: options, isSecured: curve != nil)
        self.curve = curve
        if let curve { try handle.secure(curve) }
    }

    /// Listens on `tcp://HOST:PORT` (`*` for any interface or a free port) or `ipc://PATH`.
    ///
    /// Throws `.invalidEndpoint`, `.addressInUse`, `.addressNotAvailable`, `.permissionDenied` or `.io`. An `ipc` path is
    /// never in use: libzmq unlinks what is there and takes its place, so guard such a path by a lock of your own.
    package func bind(to endpoint: String) throws(TransportError) { try handle.bind(endpoint) }

    /// Connects to a listening peer, now or as soon as it is there.
    package func connect(to endpoint: String) throws(TransportError) { try handle.connect(endpoint) }

    /// The endpoint last bound or connected, with a wildcard port resolved; empty before the first.
    package var lastEndpoint: String {
        get throws(TransportError) { try handle.lastEndpoint }
    }

    /// The next frame and who sent it; `nil` when none waits (`EAGAIN`), or after 64 malformed messages in a row.
    ///
    /// A message is its sender's id and exactly one payload frame, which may be empty; others only raise `malformedCount`.
    /// The frame limit holds for each frame as it arrives. Throws `.contextTerminated` or `.io`.
    package func receive() throws(TransportError) -> (peer: PeerID, frame: [UInt8])? {
        for _ in 0..<SocketHandle.malformedLimitPerReceive {
            guard let parts = try handle.receiveParts(count: 2) else { return nil }
            if let peer = admitted(parts[0], userID: handle.lastUserID) { return (peer, parts[1]) }
        }
        return nil
    }

    /// The peer of a message; `nil` for one whose key has been taken out since its handshake.
    func admitted(_ id: [UInt8], userID: String?) -> PeerID? {
        guard let curve else { return PeerID(delivered: id, key: nil) }
        guard let key = userID.flatMap(PublicKey.init(z85:)), curve.isAuthorized(key) else {
            unauthorizedCount += 1
            return nil
        }
        return PeerID(delivered: id, key: key)
    }

    /// Whether a peer may be spoken to.
    func mayHear(_ peer: PeerID) -> Bool { curve.map { curve in peer.key.map(curve.isAuthorized) ?? false } ?? true }

    /// Queues one frame for one peer, without waiting.
    ///
    /// `.sent` means queued: libzmq drops it silently if the peer is lost later. Throws `.frameTooLarge` for a frame that
    /// the peer, with the same limits, would cut the connection for, `.contextTerminated` or `.io`.
    package func send(_ frame: [UInt8], to peer: PeerID) throws(TransportError) -> SendResult {
        guard frame.count <= handle.options.maximumFrameBytes else {
            throw .frameTooLarge(byteCount: frame.count, limit: handle.options.maximumFrameBytes)
        }
        guard mayHear(peer) else { return .unreachable }
        // Only the id part can fail to be queued: it finds the pipe and its room, and the payload follows it there.
        let addressed = try handle.sendPart(peer.bytes, more: true)
        guard addressed == .sent else { return addressed }
        return try handle.sendPart(frame, more: false)
    }

    /// How many messages were dropped for not being an id and one payload frame.
    package var malformedCount: Int { handle.malformedCount }

    /// How many messages were dropped because their sender's key is not authorized any more.
    package private(set) var unauthorizedCount = 0

    /// Closes every connection and drops what waits (`LINGER` 0); the socket cannot be used again.
    package func close() { handle.close() }

    package var pollPointer: UnsafeMutableRawPointer { handle.pointer }
}

@available(*, unavailable, message: "a ZeroMQ socket belongs to one thread")
extension RouterSocket: Sendable {}
