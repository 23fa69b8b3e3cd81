import Artifacts
import Coordination
import Digests
import Foundation
import Synchronization
import Transport

/// Serves the coordinator's artifact store on a thread of its own, so that a blob never delays a heartbeat.
///
/// Stateless towards its clients but for half-received blobs: each request is answered by itself and can be repeated.
/// The control loop learns of an arrived blob by looking into the store.
package final class BlobServer: Sendable {
    private let isStopping = Mutex(false)
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
            while let (peer, frame) = try? socket.receive() {
                guard let request = try? BlobRequest(frame: frame) else { continue }
                // What a full queue drops, the client asks for again.
                _ = try? socket.send(answering.reply(to: request).frame, to: peer)
            }
        }
    }
}

/// Answers blob requests from a store.
struct BlobAnswers {
    /// Blobs that are received at once; the file of the longest idle one is kept for later when another begins.
    static let transferLimit = 64
    static let idleLimit = Duration.seconds(120)

    private let store: ArtifactStore
    private var partials: [Digest: (partial: PartialArtifact, lastUsed: ContinuousClock.Instant)] = [:]

    init(store: ArtifactStore) { self.store = store }

    mutating func reply(to request: BlobRequest) -> BlobReply {
        switch request {
        case .get(let digest, let offset, let count):
            guard let size = store.size(of: digest), offset <= UInt64(size),
                let bytes = try? store.chunk(of: digest, at: Int(offset), count: min(count, size - Int(offset)))
            else { return .absent(digest) }
            return .chunk(digest, size: UInt64(size), offset: offset, bytes: bytes)
        case .put(let digest, let size, let offset, let bytes):
            do {
                return try receive(bytes, at: Int(offset), of: digest, size: Int(size))
            } catch ArtifactStoreError.wrongOffset {
                return .received(digest, count: UInt64(partials[digest]?.partial.receivedCount ?? 0))
            } catch {
                partials[digest] = nil
                let reason = (error as? any LocalizedError)?.errorDescription ?? String(describing: error)
                return .refused(digest, reason: String(reason.prefix(500)))
            }
        }
    }

    private mutating func receive(_ bytes: [UInt8], at offset: Int, of digest: Digest, size: Int) throws -> BlobReply {
        if store.contains(digest) {
            partials[digest] = nil
            return .stored(digest)
        }
        if partials[digest].map({ $0.partial.reference.size != size }) ?? true {
            if partials.count >= Self.transferLimit, let idle = partials.min(by: { $0.value.lastUsed < $1.value.lastUsed }) {
                partials[idle.key] = nil
            }
            partials[digest] = nil
            partials[digest] = (try store.resume(digest: digest, size: size), .now)
        }
        guard let partial = partials[digest]?.partial else { return .refused(digest, reason: "no room for another transfer") }
        partials[digest]?.lastUsed = .now
        if !bytes.isEmpty { try partial.append(bytes, at: offset) }
        guard partial.isComplete else { return .received(digest, count: UInt64(partial.receivedCount)) }
        _ = try partial.finish()
        partials[digest] = nil
        return .stored(digest)
    }

    mutating func forgetIdleTransfers() {
        guard !partials.isEmpty else { return }
        let now = ContinuousClock.now
        partials = partials.filter { now - $0.value.lastUsed < Self.idleLimit }
    }
}
