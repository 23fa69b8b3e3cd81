import Artifacts
import Coordination
import Digests
import Foundation
import Synchronization
import Transport

/// Moves blobs between the host's store and the coordinator, on a thread of its own: a blob never delays a heartbeat.
///
/// Up to `Limits.transfersPerWorker` at once, in chunks of `Limits.chunkBytes` with `Limits.chunkCredit` of each in flight, so
/// that a small blob does not wait for a large one. A transfer that stalls asks again for what is missing, over a new
/// connection when nothing at all arrives; one for which there is no room waits until there is.
package final class BlobClient: Sendable {
    package enum Request: Sendable, Hashable {
        case fetch(ArtifactNotice)
        case push(ArtifactNotice)
    }

    package enum Event: Sendable {
        /// The blob is in the host's store, and stays there while somebody holds the use.
        case fetched(ArtifactUse)
        /// The fault is the host's own (`io`) where its disk cannot keep the blob, the coordinator's otherwise.
        case fetchFailed(Digest, reason: String, fault: JobFailure.Reason = .input)
        case pushed(Digest)
        case pushFailed(Digest, reason: String)
        /// The transfer goes on by itself, when what is in its way is gone.
        case delayed(Digest, reason: String)
        /// Something that whoever reads the log should know.
        case noticed(String)
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

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - endpoint: the coordinator's data socket.
    ///   - curve: the keys of both sides; `nil` for a socket that never leaves this host.
    ///   - store: the host's store.
    ///   - quota: bytes that the store may hold, when it is a cache; `nil` for a store from which nothing may be evicted.
    ///   - pinned: artifacts that must not be evicted although nobody on the host has them in use.
    package func start(
        context: ZeroMQContext, endpoint: String, curve: CurveClient? = nil, store: ArtifactStore, quota: Int? = nil,
        pinned: @escaping @Sendable () -> Set<Digest> = { [] }
    ) {
        let thread = Thread { [self] in
            let room = HostRoom(store: store, quota: quota, pinned: pinned)
            let transfers = BlobTransfers(channel: BlobChannel(context: context, endpoint: endpoint, curve: curve), room: room)
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

extension BlobClient.Request {
    var notice: ArtifactNotice {
        switch self {
        case .fetch(let notice), .push(let notice): notice
        }
    }

    /// What is said when it cannot be done.
    func failure(_ error: any Error) -> BlobClient.Event {
        // What is no answer of the coordinator's comes from this host: its store, or its socket.
        let failure = error as? BlobTransferFailure ?? BlobTransferFailure(reason: error.localizedDescription, fault: .io)
        return switch self {
        case .fetch(let notice): .fetchFailed(notice.digest, reason: failure.reason, fault: failure.fault)
        case .push(let notice): .pushFailed(notice.digest, reason: failure.reason)
        }
    }
}
