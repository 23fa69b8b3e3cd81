import Artifacts
import Coordination
import Digests

/// A blob on its way into the host's store. Of all processes that share the store, one fetches it.
final class BlobFetch: BlobTransfer {
    /// Wrong bytes from a coordinator whose own are right: so often the fault is looked for on the way.
    private static let retryLimit = 3

    private let notice: ArtifactNotice
    private let store: ArtifactStore
    private let lock: HostFetchLock
    private var partial: PartialArtifact
    /// Bytes that have been asked for, counted from the first.
    private var asked: Int
    /// Whether lost chunks have been asked for again and nothing has come of it yet.
    private var isRecovering = false
    private var isDoubting = false
    private var retries = 0

    /// `nil` while another process fetches the blob. Throws what the store cannot do.
    init?(_ notice: ArtifactNotice, into store: ArtifactStore) throws(ArtifactStoreError) {
        guard let lock = try HostFetchLock(store: store, digest: notice.digest) else { return nil }
        // It may have arrived before the lock was free.
        self.notice = notice
        self.store = store
        self.lock = lock
        partial = try store.resume(digest: notice.digest, size: Int(notice.size))
        asked = partial.receivedCount
    }

    /// The end of a fetch that lacks no byte: one of a blob without any, or that an earlier process left complete.
    func finishIfComplete(over channel: BlobChannel) throws -> BlobTransferStep? {
        partial.isComplete ? try finish(over: channel) : nil
    }

    func proceed(over channel: BlobChannel) throws {
        guard !isDoubting else { return }
        while asked < Int(notice.size), asked - partial.receivedCount < Limits.chunkBytes * Limits.chunkCredit {
            let count = min(Limits.chunkBytes, Int(notice.size) - asked)
            guard try channel.send(.get(notice.digest, offset: UInt64(asked), count: count)) else { return }
            asked += count
        }
    }

    func repeatRequests(over channel: BlobChannel) throws {
        if isDoubting {
            _ = try channel.send(.doubt(notice.digest))
        } else {
            asked = partial.receivedCount
            try proceed(over: channel)
        }
    }

    func receive(_ reply: BlobReply, chunk: UnsafeRawBufferPointer, over channel: BlobChannel) throws -> BlobTransferStep {
        switch reply {
        case .chunk(_, _, let offset, _) where !isDoubting:
            guard !chunk.isEmpty else { return .ignored }
            guard Int(offset) <= partial.receivedCount else {
                // Frames keep their order, so what is between was lost: it is asked for at once, and in case that is lost too
                // after a time without progress.
                if !isRecovering { try repeatRequests(over: channel) }
                isRecovering = true
                return .ignored
            }
            if Int(offset) == partial.receivedCount { isRecovering = false }
            try partial.append(chunk, at: Int(offset))
            if partial.isComplete { return try finish(over: channel) }
            try proceed(over: channel)
            return .progress
        case .absent:
            throw BlobTransferFailure(
                reason: isDoubting
                    ? "the coordinator's copy was damaged and has been set aside; `sower job run` makes it again"
                    : "the coordinator does not hold it")
        case .sound where isDoubting:
            retries += 1
            guard retries < Self.retryLimit else {
                throw BlobTransferFailure(
                    reason:
                        "its bytes arrived damaged \(retries) times, and the coordinator's are right: check this host's memory and disk",
                    fault: .io)
            }
            isDoubting = false
            partial = try store.begin(digest: notice.digest, size: Int(notice.size))
            asked = 0
            try proceed(over: channel)
            return .progress
        default:
            return .ignored
        }
    }

    private func finish(over channel: BlobChannel) throws -> BlobTransferStep {
        do {
            _ = try partial.finish()
        } catch ArtifactStoreError.digestMismatch {
            isDoubting = true
            _ = try channel.send(.doubt(notice.digest))
            return .progress
        }
        guard let use = try ArtifactUse(store: store, digest: notice.digest) else {
            throw BlobTransferFailure(reason: "it was removed as soon as it had arrived")
        }
        lock.release()
        return .done(.fetched(use))
    }
}
