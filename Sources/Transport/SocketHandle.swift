import CZeroMQ
import Foundation

/// One libzmq socket: its options, and frames in and out without waiting; the part that ROUTER and DEALER share.
final class SocketHandle {
    /// The most malformed messages one receive skips, so that a hostile peer cannot hold a loop.
    static let malformedLimitPerReceive = 64

    let context: ZeroMQContext
    let options: SocketOptions
    private var socket: UnsafeMutableRawPointer?
    /// One reusable `zmq_msg_t`, on the heap because libzmq keeps its address between init and close.
    private let message: UnsafeMutablePointer<zmq_msg_t>
    var malformedCount = 0
    private let isSecured: Bool
    /// The "User-Id" of the last message on a secured socket, as the handler of its handshake gave it.
    private(set) var lastUserID: String?

    init(context: ZeroMQContext, type: Int32, options: SocketOptions, isSecured: Bool = false) throws(TransportError) {
        guard let socket = zmq_socket(context.pointer, type) else { throw .last("create a ZeroMQ socket") }
        self.context = context
        self.options = options
        self.isSecured = isSecured
        self.socket = socket
        message = .allocate(capacity: 1)
        do throws(TransportError) {
            try setOptions(type: type)
        } catch {
            close()
            throw error
        }
    }

    deinit {
        close()
        message.deallocate()
    }

    func close() {
        guard let open = socket else { return }
        socket = nil
        zmq_close(open)
    }

    var isOpen: Bool { socket != nil }

    /// The open socket; using a closed one is a programmer error.
    var pointer: UnsafeMutableRawPointer {
        guard let socket else { preconditionFailure("the socket was closed") }
        return socket
    }

    private func setOptions(type: Int32) throws(TransportError) {
        var values: [(option: Int32, value: Int32)] = [
            (ZMQ_LINGER, 0),
            (ZMQ_SNDHWM, Int32(clamping: options.sendHighWaterMark)),
            (ZMQ_RCVHWM, Int32(clamping: options.receiveHighWaterMark)),
            (ZMQ_HANDSHAKE_IVL, 5_000),
            (ZMQ_HEARTBEAT_IVL, SocketOptions.heartbeatIntervalMilliseconds),
            (ZMQ_HEARTBEAT_TIMEOUT, SocketOptions.heartbeatLifetimeMilliseconds),
            (ZMQ_HEARTBEAT_TTL, SocketOptions.heartbeatLifetimeMilliseconds),
            (ZMQ_TCP_KEEPALIVE, 1),
            (ZMQ_TCP_KEEPALIVE_IDLE, 60),
            (ZMQ_TCP_KEEPALIVE_INTVL, 10),
            (ZMQ_TCP_KEEPALIVE_CNT, 6),
            (ZMQ_RECONNECT_IVL, 100),
            (ZMQ_RECONNECT_IVL_MAX, 5_000),
            // Falls back to IPv4 by itself where the kernel has no IPv6.
            (ZMQ_IPV6, 1),
        ]
        if type == ZMQ_ROUTER { values.append((ZMQ_ROUTER_MANDATORY, 1)) }
        for (option, value) in values {
            var value = value
            guard zmq_setsockopt(pointer, option, &value, MemoryLayout<Int32>.size) == 0 else {
                throw .last("set socket option \(option)")
            }
        }
        // libzmq holds what is on the wire to it.
        var limit = Int64(options.maximumFrameBytes + (isSecured ? Self.curveOverheadBytes : 0))
        guard zmq_setsockopt(pointer, ZMQ_MAXMSGSIZE, &limit, MemoryLayout<Int64>.size) == 0 else {
            throw .last("set the frame limit")
        }
    }

    func bind(_ endpoint: String) throws(TransportError) {
        try Endpoint.check(endpoint, binding: true, isSecured: isSecured)
        guard zmq_bind(pointer, endpoint) == 0 else { throw .last("listen on", endpoint: endpoint) }
    }

    func connect(_ endpoint: String) throws(TransportError) {
        try Endpoint.check(endpoint, binding: false, isSecured: isSecured)
        guard zmq_connect(pointer, endpoint) == 0 else { throw .last("connect to", endpoint: endpoint) }
    }

    var lastEndpoint: String {
        get throws(TransportError) {
            var buffer = [UInt8](repeating: 0, count: 1024)
            var count = buffer.count
            guard zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, &buffer, &count) == 0 else { throw .last("read the endpoint") }
            return String(decoding: buffer.prefix(max(0, count - 1)), as: UTF8.self)
        }
    }

    /// Sends one part without waiting; it is copied once, into libzmq's message.
    func sendPart(_ bytes: [UInt8], more: Bool) throws(TransportError) -> SendResult {
        let flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)
        return try sending { bytes.withUnsafeBytes { zmq_send(pointer, $0.baseAddress, $0.count, flags) } }
    }

    /// Repeats a call that sends without waiting until it has succeeded or cannot.
    func sending(_ call: () -> Int32) throws(TransportError) -> SendResult {
        var isSecondTry = false
        while true {
            if call() >= 0 { return .sent }
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN where !isSecondTry:
                // zmq_send looks for news of its peers at most once a millisecond, so a queue that it calls full may have
                // room: a caller that then waits for an answer would wait for ever. Asking for the events looks always.
                isSecondTry = true
                refresh()
            case EAGAIN: return .wouldBlock
            case EHOSTUNREACH: return .unreachable
            default: throw .last("send a frame")
            }
        }
    }

    /// Makes libzmq take note of everything its I/O threads have told this socket.
    private func refresh() {
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &size)
    }

    /// Receives the next message of exactly `count` parts; `nil` when none waits.
    ///
    /// Messages of another shape are drained, counted and skipped. A multi-part message arrives whole or not at all, so
    /// the parts after the first are always there.
    func receiveParts(count: Int) throws(TransportError) -> [[UInt8]]? {
        for _ in 0..<SocketHandle.malformedLimitPerReceive {
            var parts: [[UInt8]] = []
            var partCount = 0
            var more = true
            while more {
                guard try receivePart(into: &parts, keep: partCount < count, more: &more) else { return nil }
                partCount += 1
            }
            if partCount == count { return parts }
            malformedCount += 1
        }
        return nil
    }

    /// Receives the next message whatever its shape, its first `limit` + 1 parts at most; `nil` when none waits.
    func receiveAllParts(limit: Int) throws(TransportError) -> [[UInt8]]? {
        var parts: [[UInt8]] = []
        var more = true
        while more {
            guard try receivePart(into: &parts, keep: parts.count <= limit, more: &more) else { return nil }
        }
        return parts
    }

    /// Who has proved to be a message's sender: the last frame says so. libzmq 4.3.4 leaves it out of the first frame of a message
    /// that a poll has looked at.
    static func userID(of message: UnsafeMutablePointer<zmq_msg_t>) -> String? {
        zmq_msg_gets(message, "User-Id").map { String(cString: $0) }
    }

    /// Receives one part with one copy; `false` when none waits.
    private func receivePart(into parts: inout [[UInt8]], keep: Bool, more: inout Bool) throws(TransportError) -> Bool {
        zmq_msg_init(message)
        defer { zmq_msg_close(message) }
        while zmq_msg_recv(message, pointer, ZMQ_DONTWAIT) == -1 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return false
            default: throw .last("receive a frame")
            }
        }
        more = zmq_msg_more(message) != 0
        if isSecured, !more { lastUserID = Self.userID(of: message) }
        if keep {
            parts.append([UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))))
        }
        return true
    }
}
