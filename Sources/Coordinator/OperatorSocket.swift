import Coordination
import Foundation
import Transport

/// The coordinator's end of the socket on which a person's commands arrive. Belongs to the loop's thread.
final class OperatorSocket {
    let socket: RouterSocket

    /// Binds `endpoint`, an ipc path in a folder that only this user can enter: whoever reaches it may stop the sweep.
    init(context: ZeroMQContext, endpoint: String) throws {
        socket = try RouterSocket(context: context, options: SocketOptions(maximumFrameBytes: Limits.controlFrameBytes))
        try socket.bind(to: endpoint)
    }

    /// The next request; what is none is dropped.
    func receive() throws -> (peer: PeerID, request: OperatorRequest)? {
        while let (peer, frame) = try socket.receive() {
            if let request = try? OperatorRequest(frame: frame) { return (peer, request) }
        }
        return nil
    }

    func answer(_ reply: OperatorReply, to peer: PeerID) throws { _ = try socket.send(reply.frame, to: peer) }

    func close() { socket.close() }
}

/// A command's end: one request to the coordinator of a running sweep, one reply.
package enum OperatorClient {
    private enum Key: Hashable { case socket }

    /// The coordinator's reply, or `nil` when none has come within `seconds`.
    package static func ask(_ request: OperatorRequest, at endpoint: String, within seconds: Double) throws -> OperatorReply? {
        let context = try ZeroMQContext()
        let socket = try DealerSocket(context: context, options: SocketOptions(maximumFrameBytes: Limits.controlFrameBytes))
        defer { socket.close() }
        try socket.connect(to: endpoint)
        _ = try socket.send(request.frame)
        var poller = Poller<Key>()
        poller.watch(socket, as: .socket, for: .read)
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            _ = try poller.wait(timeoutMilliseconds: 50)
            if let frame = try socket.receive() { return try OperatorReply(frame: frame) }
        }
        return nil
    }
}
