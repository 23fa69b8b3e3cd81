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

    /// Binds the data socket and starts the thread; the answer is the endpoint with its port filled in.
    package func start(context: ZeroMQContext, endpoints: [String], store: ArtifactStore) throws -> [String] {
        let bound = Mutex<Result<[String], any Error>?>(nil)
        let ready = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            do {
                // A socket belongs to the thread that made it.
                let socket = try RouterSocket(context: context, options: .data)
                var resolved: [String] = []
                for endpoint in endpoints {
                    try socket.bind(to: endpoint)
                    resolved.append(try socket.lastEndpoint)
                }
                bound.withLock { $0 = .success(resolved) }
                ready.signal()
                serve(socket, store: store)
                socket.close()
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

    private enum Key: Hashable { case socket, wakeUp }

    private func serve(_ socket: RouterSocket, store: ArtifactStore) {
        var poller = Poller<Key>()
        poller.watch(socket, as: .socket, for: .read)
        poller.watch(fileDescriptor: wakeUp.fileDescriptor, as: .wakeUp, for: .read)
        var answering = BlobAnswers(store: store)
        while !isStopping.withLock({ $0 }) {
            guard let ready = try? poller.wait(timeoutMilliseconds: 1000) else { return }
            answering.forgetIdleTransfers()
            guard ready.contains(where: { $0.key == .socket }) else { continue }
            for _ in 0..<Self.framesPerTurn {
                guard let (peer, frame) = try? socket.receiveBuffer() else { break }
                guard let answer = frame.withBytes({ answering.answer(UnsafeRawBufferPointer($0)) }) else { continue }
                Failpoint.blobServerReplyBefore.pass()
                // What a full queue drops, the client asks for again.
                if (try? socket.send(answer, to: peer)) == .wouldBlock { dropped.withLock { $0 += 1 } }
                Failpoint.blobServerReplyAfter.pass()
            }
        }
    }
}
