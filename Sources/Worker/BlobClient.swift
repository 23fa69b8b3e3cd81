import Artifacts
import Coordination
import Digests
import Foundation
import Synchronization
import Transport

/// Moves blobs between the host's store and the coordinator, on a thread of its own: a blob never delays a heartbeat.
///
/// One transfer at a time, in chunks of `Limits.chunkBytes` with `Limits.chunkCredit` of them in flight. A transfer that
/// stalls opens a new connection and goes on where it was; it gives up only when the coordinator says that it must.
package final class BlobClient: Sendable {
    package enum Request: Sendable, Equatable {
        case fetch(ArtifactNotice)
        case push(ArtifactNotice)
    }

    package enum Event: Sendable, Equatable {
        case fetched(Digest)
        case fetchFailed(Digest, reason: String)
        case pushed(Digest)
        case pushFailed(Digest, reason: String)
    }

    private struct Shared {
        var requests: [Request] = []
        var events: [Event] = []
        var isStopping = false
    }

    /// Readable when there are events to take.
    package let hasEvents: WakeUp
    private let hasRequests: WakeUp
    private let shared = Mutex(Shared())

    package init() throws(TransportError) {
        hasEvents = try WakeUp()
        hasRequests = try WakeUp()
    }

    /// Starts the thread. `endpoint` is the coordinator's data socket.
    package func start(context: ZeroMQContext, endpoint: String, store: ArtifactStore) {
        let thread = Thread { [self] in
            let transfers = BlobTransfers(context: context, endpoint: endpoint, store: store)
            while !shared.withLock({ $0.isStopping }) {
                let requests = shared.withLock { shared in
                    defer { shared.requests = [] }
                    return shared.requests
                }
                let events = transfers.turn(adding: requests, wakeUp: hasRequests)
                guard !events.isEmpty else { continue }
                shared.withLock { $0.events += events }
                hasEvents.signal()
            }
            transfers.close()
        }
        thread.name = "blobs"
        thread.start()
    }

    package func submit(_ request: Request) {
        shared.withLock { $0.requests.append(request) }
        hasRequests.signal()
    }

    package func takeEvents() -> [Event] {
        hasEvents.drain()
        return shared.withLock { shared in
            defer { shared.events = [] }
            return shared.events
        }
    }

    package func stop() {
        shared.withLock { $0.isStopping = true }
        hasRequests.signal()
    }
}

/// The blob thread's state: a queue of transfers and the one under way.
private final class BlobTransfers {
    private enum Key: Hashable { case socket, wakeUp }

    private enum Active {
        case fetch(ArtifactNotice, HostFetchLock, PartialArtifact, asked: Int)
        case push(ArtifactNotice, sent: Int, acknowledged: Int)
    }

    private let context: ZeroMQContext
    private let endpoint: String
    private let store: ArtifactStore
    private var socket: DealerSocket?
    private var poller = Poller<Key>()
    private var queue: [BlobClient.Request] = []
    private var active: Active?
    private var lastProgress = ContinuousClock.now
    private var events: [BlobClient.Event] = []

    init(context: ZeroMQContext, endpoint: String, store: ArtifactStore) {
        self.context = context
        self.endpoint = endpoint
        self.store = store
    }

    func close() {
        if socket != nil { poller.forget(.socket) }
        socket?.close()
        socket = nil
    }

    /// Waits a moment for requests and frames, and deals with them.
    func turn(adding requests: [BlobClient.Request], wakeUp: WakeUp) -> [BlobClient.Event] {
        for request in requests where !queue.contains(request) { queue.append(request) }
        events = []
        do {
            if active == nil { try beginNext() }
            if events.isEmpty {
                poller.watch(fileDescriptor: wakeUp.fileDescriptor, as: .wakeUp, for: .read)
                // Locks of other processes give no signal: they are looked at again soon.
                let ready = try poller.wait(timeoutMilliseconds: queue.isEmpty && active == nil ? 1000 : 50)
                if ready.contains(where: { $0.key == .wakeUp }) { wakeUp.drain() }
            }
            while let frame = try socket?.receive() { handle(frame) }
            if active != nil, ContinuousClock.now - lastProgress > .seconds(Limits.transferRepeatSeconds) {
                try startOver()
            }
        } catch {
            fail(error.localizedDescription)
        }
        return events
    }

    private func connect() throws -> DealerSocket {
        if let socket { return socket }
        let opened = try DealerSocket(context: context, options: .data)
        try opened.connect(to: endpoint)
        poller.watch(opened, as: .socket, for: .read)
        socket = opened
        return opened
    }

    /// The connection may be dead: a new one, and the transfer goes on from what has arrived.
    private func startOver() throws {
        lastProgress = .now
        close()
        switch active {
        case .fetch(let notice, let lock, let partial, _):
            active = .fetch(notice, lock, partial, asked: partial.receivedCount)
            try askForMore()
        case .push(let notice, _, _):
            active = .push(notice, sent: 0, acknowledged: 0)
            try askHowMuchArrived(notice)
        case nil:
            break
        }
    }

    private func beginNext() throws {
        // A blob that another process of this host is fetching is waited for; the next in line goes first.
        for (position, request) in queue.enumerated() {
            switch request {
            case .fetch(let notice):
                if store.contains(notice.digest) {
                    queue.remove(at: position)
                    events.append(.fetched(notice.digest))
                    return
                }
                do {
                    guard let lock = try HostFetchLock(store: store, digest: notice.digest) else { continue }
                    queue.remove(at: position)
                    let partial = try store.resume(digest: notice.digest, size: Int(notice.size))
                    active = .fetch(notice, lock, partial, asked: partial.receivedCount)
                } catch {
                    // Whoever waits for it must hear that it will not come.
                    queue.removeAll { $0 == request }
                    events.append(.fetchFailed(notice.digest, reason: error.localizedDescription))
                    return
                }
                lastProgress = .now
                if case .fetch(_, _, let partial, _) = active, partial.isComplete { try finishFetch() } else { try askForMore() }
                return
            case .push(let notice):
                queue.remove(at: position)
                active = .push(notice, sent: 0, acknowledged: 0)
                lastProgress = .now
                try askHowMuchArrived(notice)
                return
            }
        }
    }

    private func askForMore() throws {
        guard case .fetch(let notice, let lock, let partial, var asked) = active else { return }
        while asked < Int(notice.size), asked - partial.receivedCount < Limits.chunkBytes * Limits.chunkCredit {
            let count = min(Limits.chunkBytes, Int(notice.size) - asked)
            guard try connect().send(BlobRequest.get(notice.digest, offset: UInt64(asked), count: count).frame) == .sent else { break }
            asked += count
        }
        active = .fetch(notice, lock, partial, asked: asked)
    }

    private func askHowMuchArrived(_ notice: ArtifactNotice) throws {
        _ = try connect().send(BlobRequest.put(notice.digest, size: notice.size, offset: 0, bytes: []).frame)
    }

    private func sendMore() throws {
        guard case .push(let notice, var sent, let acknowledged) = active else { return }
        while sent < Int(notice.size), sent - acknowledged < Limits.chunkBytes * Limits.chunkCredit {
            let bytes = try store.chunk(of: notice.digest, at: sent, count: min(Limits.chunkBytes, Int(notice.size) - sent))
            let request = BlobRequest.put(notice.digest, size: notice.size, offset: UInt64(sent), bytes: bytes)
            guard !bytes.isEmpty, try connect().send(request.frame) == .sent else { break }
            sent += bytes.count
        }
        active = .push(notice, sent: sent, acknowledged: acknowledged)
    }

    private func finishFetch() throws {
        guard case .fetch(let notice, let lock, let partial, _) = active else { return }
        _ = try partial.finish()
        lock.release()
        active = nil
        events.append(.fetched(notice.digest))
    }

    private func handle(_ frame: [UInt8]) {
        // Anything that is no reply, or belongs to another transfer, is dropped.
        guard let reply = try? BlobReply(frame: frame) else { return }
        do {
            switch (reply, active) {
            case (.chunk(let digest, _, let offset, let bytes), .fetch(let notice, _, let partial, _)) where digest == notice.digest:
                // A gap means that chunks were lost: the repetition asks from where it begins.
                guard Int(offset) <= partial.receivedCount, !bytes.isEmpty else { return }
                try partial.append(bytes, at: Int(offset))
                lastProgress = .now
                if partial.isComplete { try finishFetch() } else { try askForMore() }
            case (.absent(let digest), .fetch(let notice, _, _, _)) where digest == notice.digest:
                fail("the coordinator does not hold it")
            case (.received(let digest, let count), .push(let notice, let sent, let acknowledged)) where digest == notice.digest:
                let count = Int(clamping: count)
                guard count <= Int(notice.size) else { return }
                if count > acknowledged { lastProgress = .now }
                active = .push(notice, sent: max(sent, count), acknowledged: max(acknowledged, count))
                try sendMore()
            case (.stored(let digest), .push(let notice, _, _)) where digest == notice.digest:
                active = nil
                events.append(.pushed(digest))
            case (.refused(let digest, let reason), .push(let notice, _, _)) where digest == notice.digest:
                fail(reason)
            default:
                return
            }
        } catch {
            fail(error.localizedDescription)
        }
    }

    private func fail(_ reason: String) {
        switch active {
        case .fetch(let notice, let lock, _, _):
            lock.release()
            events.append(.fetchFailed(notice.digest, reason: reason))
        case .push(let notice, _, _):
            events.append(.pushFailed(notice.digest, reason: reason))
        case nil:
            break
        }
        active = nil
    }
}
