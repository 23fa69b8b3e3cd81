import CZeroMQ

/// The worker's end: one connection to a `RouterSocket`, made again by libzmq whenever it is lost (after 0.1 to 5 s).
///
/// Belongs to the thread that made it; nothing here waits. After a protocol error libzmq stops reconnecting for good: when
/// the other side has long been silent, close the socket and make a new one.
package final class DealerSocket: PollableSocket {
    let handle: SocketHandle

    /// A socket with the given limits; throws `.io` when the context has no socket left (1023 of them).
    ///
    /// With `curve` it speaks only to a peer that has the expected key, and proves its own.
    package init(context: ZeroMQContext, options: SocketOptions = .control, curve: CurveClient? = nil) throws(TransportError) {
        handle = try SocketHandle(context: context, type: ZMQ_DEALER, options: options, isSecured: curve != nil)
        if let curve { try handle.secure(curve) }
    }

    /// Connects to a listening peer, now or as soon as it is there; frames wait for it meanwhile, up to the high-water mark.
    ///
    /// Throws `.invalidEndpoint` or `.io`; that nobody listens there is no error.
    package func connect(to endpoint: String) throws(TransportError) { try handle.connect(endpoint) }

    /// Listens like `RouterSocket.bind`; for a DEALER with several peers libzmq deals frames out in turn.
    package func bind(to endpoint: String) throws(TransportError) { try handle.bind(endpoint) }

    /// The endpoint last bound or connected, with a wildcard port resolved; empty before the first.
    package var lastEndpoint: String {
        get throws(TransportError) { try handle.lastEndpoint }
    }

    /// The next frame; `nil` when none waits (`EAGAIN`), or after 64 malformed messages in a row.
    ///
    /// A message is exactly one frame; others only raise `malformedCount`. Throws `.contextTerminated` or `.io`.
    package func receive() throws(TransportError) -> [UInt8]? {
        try handle.receiveParts(count: 1)?[0]
    }

    /// Queues one frame, without waiting; never answers `.unreachable`.
    ///
    /// `.sent` means queued. Throws `.frameTooLarge`, `.contextTerminated` or `.io`.
    package func send(_ frame: [UInt8]) throws(TransportError) -> SendResult {
        guard frame.count <= handle.options.maximumFrameBytes else {
            throw .frameTooLarge(byteCount: frame.count, limit: handle.options.maximumFrameBytes)
        }
        return try handle.sendPart(frame, more: false)
    }

    /// How many messages were dropped for having more than one frame.
    package var malformedCount: Int { handle.malformedCount }

    /// Closes the connection and drops what waits (`LINGER` 0); the socket cannot be used again.
    package func close() { handle.close() }

    package var pollPointer: UnsafeMutableRawPointer { handle.pointer }
}

@available(*, unavailable, message: "a ZeroMQ socket belongs to one thread")
extension DealerSocket: Sendable {}
