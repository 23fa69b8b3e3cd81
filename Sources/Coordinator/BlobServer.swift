import Artifacts
import Coordination
import Digests
import Failpoints
import Foundation
import Synchronization
import Transport

/// Serves the coordinator's artifact store on a thread of its own, so that a blob never delays a heartbeat.
///
/// Stateless towards its clients but for half-received blobs: each request is answered by itself and can be repeated.
/// The control loop learns of an arrived blob by looking into the store.
package final class BlobServer: Sendable {
    /// Frames dealt with before it is asked whether to stop.
    private static let framesPerTurn = 256

    private let isStopping = Mutex(false)
    private let dropped = Mutex(0)
    private let wakeUp: WakeUp

    package init() throws(TransportError) { wakeUp = try WakeUp() }

    /// Binds the data sockets and starts the thread; the answer is the endpoints with their ports filled in.
    ///
    /// `endpoints` are for this host, in the clear; `remote` is for others, over CURVE. `shared` files are handed out like artifacts.
    package func start(
        context: ZeroMQContext, endpoints: [String], remote: (endpoint: String, curve: CurveServer)? = nil, store: ArtifactStore,
        shared: SharedFiles = SharedFiles()
    ) throws -> [String] {
        let bound = Mutex<Result<[String], any Error>?>(nil)
        let ready = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            do {
                // A socket belongs to the thread that made it.
                var sockets = [try RouterSocket(context: context, options: .data)]
                defer { sockets.forEach { $0.close() } }
                var resolved: [String] = []
                for endpoint in endpoints {
                    try sockets[0].bind(to: endpoint)
                    resolved.append(try sockets[0].lastEndpoint)
                }
                if let remote {
                    let socket = try RouterSocket(context: context, options: .data, curve: remote.curve)
                    sockets.append(socket)
                    try socket.bind(to: remote.endpoint)
                    resolved.append(try socket.lastEndpoint)
                }
                bound.withLock { $0 = .success(resolved) }
                ready.signal()
                serve(sockets, BlobAnswers(store: store, shared: shared))
            } catch {
                bound.withLock { $0 = .failure(error) }
                ready.signal()
            }
        }
        thread.name = "blobs"
        thread.start()
        ready.wait()
        return try bound.withLock { $0 }?.get() ?? []
    }

    /// Answers that found a peer's queue full and were dropped. None is, while peers keep to their credit.
    package var droppedAnswerCount: Int { dropped.withLock { $0 } }

    package func stop() {
        isStopping.withLock { $0 = true }
        wakeUp.signal()
    }

    private enum Key: Hashable { case socket(Int), wakeUp }

    private func serve(_ sockets: [RouterSocket], _ answers: BlobAnswers) {
        var poller = Poller<Key>()
        for (index, socket) in sockets.enumerated() { poller.watch(socket, as: .socket(index), for: .read) }
        poller.watch(fileDescriptor: wakeUp.fileDescriptor, as: .wakeUp, for: .read)
        var answering = answers
        while !isStopping.withLock({ $0 }) {
            guard let ready = try? poller.wait(timeoutMilliseconds: 1000) else { return }
            answering.forgetIdleTransfers()
            for ready in ready {
                if case .socket(let index) = ready.key { answerFrames(of: sockets[index], &answering) }
            }
        }
    }

    private func answerFrames(of socket: RouterSocket, _ answering: inout BlobAnswers) {
        for _ in 0..<Self.framesPerTurn {
            guard let (peer, frame) = try? socket.receiveBuffer() else { return }
            guard let answer = frame.withBytes({ answering.answer(UnsafeRawBufferPointer($0)) }) else { continue }
            Failpoint.blobServerReplyBefore.pass()
            // What a full queue drops, the client asks for again.
            if (try? socket.send(answer, to: peer)) == .wouldBlock { dropped.withLock { $0 += 1 } }
            Failpoint.blobServerReplyAfter.pass()
        }
    }
}
