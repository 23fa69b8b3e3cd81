import CZeroMQ
import Foundation
import Synchronization

/// Decides on the handshakes of every CURVE socket of a context, on a thread of its own.
///
/// One a context, started before the sockets are bound: libzmq asks it in the middle of a handshake.
package final class ZapHandler: Sendable {
    static let endpoint = "inproc://zeromq.zap.01"

    private enum Key: Hashable { case socket, wakeUp }

    private let isStopping = Mutex(false)
    /// Keys that were refused: all of them once, and those that nobody has asked for yet.
    private let refusals = Mutex((known: Set<PublicKey>(), new: [Refusal]()))
    private let wakeUp: WakeUp
    private let hasEnded = DispatchSemaphore(value: 0)

    /// Binds and starts the thread; throws `.addressInUse` when the context has a handler.
    package init(context: ZeroMQContext, isAuthorized: @escaping @Sendable (PublicKey) -> Bool) throws {
        wakeUp = try WakeUp()
        let bound = Mutex<(any Error)?>(nil)
        let ready = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            do {
                // A socket belongs to the thread that made it.
                let socket = try ReplySocket(context: context, endpoint: Self.endpoint)
                ready.signal()
                serve(socket, isAuthorized)
                socket.close()
            } catch {
                bound.withLock { $0 = error }
                ready.signal()
            }
            hasEnded.signal()
        }
        thread.name = "zap"
        thread.start()
        ready.wait()
        if let error = bound.withLock({ $0 }) { throw error }
    }

    /// A key that was refused, and where it came from.
    package struct Refusal: Sendable, Equatable {
        package var key: PublicKey
        package var address: String
    }

    /// Strangers may come with ever new keys: so many are told of.
    static let refusalLimit = 100

    /// The keys that were refused since the last call, each told once.
    package func takeRefusals() -> [Refusal] {
        refusals.withLock { refusals in
            defer { refusals.new = [] }
            return refusals.new
        }
    }

    private func note(_ request: [[UInt8]]) {
        guard let (key, address) = Zap.caller(of: request) else { return }
        refusals.withLock { refusals in
            guard refusals.known.count < Self.refusalLimit, refusals.known.insert(key).inserted else { return }
            refusals.new.append(Refusal(key: key, address: address))
        }
    }

    /// Ends the thread and waits for it; handshakes are refused from now on.
    package func stop() {
        let isFirst = isStopping.withLock { isStopping in
            defer { isStopping = true }
            return !isStopping
        }
        guard isFirst else { return }
        wakeUp.signal()
        hasEnded.wait()
    }

    private func serve(_ socket: ReplySocket, _ isAuthorized: (PublicKey) -> Bool) {
        var poller = Poller<Key>()
        poller.watch(socket, as: .socket, for: .read)
        poller.watch(fileDescriptor: wakeUp.fileDescriptor, as: .wakeUp, for: .read)
        while !isStopping.withLock({ $0 }) {
            guard (try? poller.wait(timeoutMilliseconds: -1)) != nil else { return }
            while let request = try? socket.receive() {
                let verdict = Zap.verdict(on: request, isAuthorized: isAuthorized)
                if case .refused = verdict { note(request) }
                // Whoever does not hear the answer is refused when its handshake takes too long.
                try? socket.send(Zap.answer(to: request, verdict))
            }
        }
    }
}

/// A REP socket of the context's own threads: one request of several parts, one answer, in turn.
private final class ReplySocket: PollableSocket {
    private let handle: SocketHandle

    init(context: ZeroMQContext, endpoint: String) throws(TransportError) {
        handle = try SocketHandle(context: context, type: ZMQ_REP, options: .control)
        guard zmq_bind(handle.pointer, endpoint) == 0 else { throw .last("listen on", endpoint: endpoint) }
    }

    func receive() throws(TransportError) -> [[UInt8]]? { try handle.receiveAllParts(limit: Zap.partLimit) }

    func send(_ parts: [[UInt8]]) throws(TransportError) {
        for (index, part) in parts.enumerated() { _ = try handle.sendPart(part, more: index < parts.count - 1) }
    }

    func close() { handle.close() }

    var pollPointer: UnsafeMutableRawPointer { handle.pointer }
}
