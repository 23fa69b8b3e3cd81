import Artifacts
import Coordination
import Digests

/// A blob on its way to the coordinator's store.
final class BlobPush: BlobTransfer {
    private let notice: ArtifactNotice
    private let store: ArtifactStore
    private let source: ArtifactUse
    private var sent = 0
    private var acknowledged = 0
    /// Whether lost chunks have been sent again and nothing has come of it yet.
    private var isRecovering = false
    /// Whether it is known how much the coordinator has.
    private var isWelcome = false

    init(_ notice: ArtifactNotice, from store: ArtifactStore) throws {
        guard let source = try ArtifactUse(store: store, digest: notice.digest) else {
            throw ArtifactStoreError.missing(notice.digest, folder: store.folder)
        }
        guard source.size == Int(notice.size) else {
            try store.setAsideIfDamaged(notice.digest, size: Int(notice.size))
            throw ArtifactStoreError.sizeMismatch(path: store.path(of: notice.digest), actual: source.size, expected: Int(notice.size))
        }
        self.notice = notice
        self.store = store
        self.source = source
    }

    func proceed(over channel: BlobChannel) throws {
        while isWelcome, sent < source.size, sent - acknowledged < Limits.chunkBytes * Limits.chunkCredit {
            let (offset, count) = (sent, min(Limits.chunkBytes, source.size - sent))
            let head = BlobRequest.put(notice.digest, size: notice.size, offset: UInt64(offset), count: count)
            let isSent = try channel.send(head) { buffer throws(ArtifactStoreError) in
                let read = try source.read(at: offset, into: buffer)
                guard read == count else {
                    throw .sizeMismatch(path: store.path(of: notice.digest), actual: offset + read, expected: source.size)
                }
            }
            guard isSent else { return }
            sent += count
        }
    }

    func repeatRequests(over channel: BlobChannel) throws {
        isWelcome = false
        (sent, acknowledged) = (0, 0)
        // No bytes: how much has arrived?
        _ = try channel.send(.put(notice.digest, size: notice.size, offset: 0, count: 0))
    }

    func receive(_ reply: BlobReply, chunk: UnsafeRawBufferPointer, over channel: BlobChannel) throws -> BlobTransferStep {
        switch reply {
        case .received(_, let count):
            guard count <= notice.size else { return .ignored }
            let hasMoved = !isWelcome || Int(count) > acknowledged
            isWelcome = true
            if Int(count) > acknowledged {
                isRecovering = false
            } else if Int(count) == acknowledged, sent > acknowledged, !isRecovering {
                // A chunk has arrived and has not made it more: one before it was lost.
                isRecovering = true
                sent = acknowledged
            }
            acknowledged = max(acknowledged, Int(count))
            sent = max(sent, acknowledged)
            try proceed(over: channel)
            return hasMoved ? .progress : .ignored
        case .stored:
            return .done(.pushed(notice.digest))
        case .refused(_, let reason):
            // What the coordinator found wrong may be this host's copy; it must not stand in the way of a new one.
            let isDamaged = try store.setAsideIfDamaged(notice.digest, size: source.size)
            throw BlobTransferFailure(reason: isDamaged ? "this host's copy was damaged on its disk and has been set aside" : reason)
        case .postponed(_, let obstacle):
            return .postponed(obstacle)
        default:
            return .ignored
        }
    }
}
