import Artifacts
import Coordination
import Failpoints
import Transport

/// The connection to the coordinator's data socket: opened when it is first used, and anew when it seems dead.
final class BlobChannel {
    private let context: ZeroMQContext
    let endpoint: String
    private let curve: CurveClient?
    private var socket: DealerSocket?
    /// When a frame last arrived, or the connection was opened.
    private(set) var lastHeard = ContinuousClock.now

    init(context: ZeroMQContext, endpoint: String, curve: CurveClient?) {
        self.context = context
        self.endpoint = endpoint
        self.curve = curve
    }

    /// What a poller waits for; `nil` before the first frame is sent.
    var pollable: DealerSocket? { socket }

    /// Queues a head alone; `false` when the queue is full.
    func send(_ head: BlobRequest) throws(TransportError) -> Bool {
        let socket = try connected()
        Failpoint.blobClientSendBefore.pass()
        let result = try socket.send(head.frame)
        Failpoint.blobClientSendAfter.pass()
        return result == .sent
    }

    /// Queues a head and the bytes that `fill` writes behind it; `false` when the queue is full.
    func send<Failure>(
        _ head: BlobRequest, filling fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws -> Bool {
        let frame = try FrameBuffer(head: head.frame, payloadCount: head.payloadCount, filling: fill)
        let socket = try connected()
        Failpoint.blobClientSendBefore.pass()
        let result = try socket.send(frame)
        Failpoint.blobClientSendAfter.pass()
        return result == .sent
    }

    func receive() throws(TransportError) -> FrameBuffer? {
        guard let frame = try socket?.receiveBuffer() else { return nil }
        lastHeard = .now
        return frame
    }

    func close() {
        socket?.close()
        socket = nil
    }

    private func connected() throws(TransportError) -> DealerSocket {
        if let socket { return socket }
        let opened = try DealerSocket(context: context, options: .data, curve: curve)
        try opened.connect(to: endpoint)
        socket = opened
        lastHeard = .now
        return opened
    }
}
