import Coordination
import Failpoints
import Transport

/// The connection to the coordinator's control socket, and what becomes of its handshakes. Belongs to the loop's thread.
final class ControlChannel {
    private static let options = SocketOptions(maximumFrameBytes: Limits.controlFrameBytes)

    private let context: ZeroMQContext
    private let endpoint: String
    private let curve: CurveClient?
    private var watch = HandshakeWatch()
    private(set) var socket: DealerSocket
    /// There are no handshakes to watch without CURVE.
    private(set) var monitor: ConnectionMonitor?
    private var backlog = FrameBacklog()

    init(context: ZeroMQContext, endpoint: String, curve: CurveClient?) throws(TransportError) {
        self.context = context
        self.endpoint = endpoint
        self.curve = curve
        socket = try DealerSocket(context: context, options: Self.options, curve: curve)
    }

    func connect() throws(TransportError) {
        if curve != nil { monitor = try ConnectionMonitor(socket) }
        try socket.connect(to: endpoint)
    }

    /// Opens a new connection in place of the old one; whoever polls must forget the old one first.
    func reconnect() throws(TransportError) {
        close()
        socket = try DealerSocket(context: context, options: Self.options, curve: curve)
        try connect()
    }

    /// Whether messages wait for room; `catchUp()` sends them when the socket can be written to.
    var isBehind: Bool { !backlog.isEmpty }

    /// Queues a message. The coordinator may be too busy to read, or away: what has to wait for that is bounded. The session repeats
    /// what is lost, and a result has its epochs.
    func send(_ message: WorkerMessage) throws(TransportError) {
        let frame = message.frame
        if !isBehind, try queue(frame) { return }
        var limit = Limits.backlogBytes
        if case .epoch = message { limit /= 2 }
        backlog.append(frame, limit: limit)
    }

    /// Queues what waits, as far as there is room.
    func catchUp() throws(TransportError) {
        while let frame = backlog.first, try queue(frame) { backlog.removeFirst() }
    }

    /// Queues a frame; `false` when there is no room.
    private func queue(_ frame: [UInt8]) throws(TransportError) -> Bool {
        Failpoint.workerSendBefore.pass()
        defer { Failpoint.workerSendAfter.pass() }
        return try socket.send(frame) == .sent
    }

    /// Drops what waits: the session is about to say everything anew.
    func forgetBacklog() { backlog = FrameBacklog() }

    /// Why there will be no connection, if the handshakes so far say so. Not final when there has been one: work goes on, since
    /// the coordinator may come back.
    func refusal(at now: Instant) throws(TransportError) -> (error: WorkerError, isFinal: Bool)? {
        guard let monitor, let curve else { return nil }
        while let event = try monitor.receive() {
            switch watch.note(event, at: now) {
            case .keyRefused: return (.keyRefused(endpoint, key: curve.identity.publicKey), true)
            case .otherServerKey where watch.hasSucceeded: return (.otherServerKey(endpoint, expected: curve.server), false)
            case .otherServerKey:
                // Without a first connection it may be no coordinator at all; libzmq has not seen why it closes.
                switch TCPProbe.protection(of: endpoint, seconds: 2) {
                case .curve: return (.otherServerKey(endpoint, expected: curve.server), true)
                case .otherOrNone: return (.noCurve(endpoint), true)
                case .unknown: continue
                }
            case .noCurve: return (.noCurve(endpoint), !watch.hasSucceeded)
            case nil: continue
            }
        }
        return nil
    }

    func close() {
        monitor?.close()
        monitor = nil
        socket.close()
        forgetBacklog()
    }
}
