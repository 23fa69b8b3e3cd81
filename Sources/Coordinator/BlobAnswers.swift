import Artifacts
import Coordination
import Digests
import Foundation
import Transport

/// Answers blob requests from a store.
///
/// What is sent is not hashed first: whoever receives a blob hashes it anyway, and says so when it is not what it should be
/// (`doubt`). Only then is the file hashed here, and set aside when it has changed, so that every flipped bit is found at the
/// cost of one hash a transfer, on the receiving side.
struct BlobAnswers {
    /// Blobs that are received at once; the file of the longest idle one is kept for later when another begins.
    static let transferLimit = 64
    static let idleLimit = Duration.seconds(120)

    private let store: ArtifactStore
    private var shared: SharedFiles
    private var partials: [Digest: (partial: PartialArtifact, lastUsed: ContinuousClock.Instant)] = [:]

    init(store: ArtifactStore, shared: SharedFiles = SharedFiles()) {
        self.store = store
        self.shared = shared
    }

    /// The frame that answers a frame; `nil` for bytes that are no request, and when there is no memory for the answer.
    mutating func answer(_ frame: UnsafeRawBufferPointer) -> FrameBuffer? {
        guard let request = try? BlobRequest(headOf: frame) else { return nil }
        if case .get(let digest, let offset, let count) = request {
            return chunk(of: digest, at: offset, count: count) ?? head(.absent(digest))
        }
        return head(reply(to: request, chunk: UnsafeRawBufferPointer(rebasing: frame.suffix(request.payloadCount))))
    }

    mutating func forgetIdleTransfers() {
        guard !partials.isEmpty else { return }
        let now = ContinuousClock.now
        partials = partials.filter { now - $0.value.lastUsed < Self.idleLimit }
    }

    private func head(_ reply: BlobReply) -> FrameBuffer? {
        try? FrameBuffer(head: reply.frame, payloadCount: 0) { (_) throws(ArtifactStoreError) in }
    }

    // MARK: Sending

    private func chunk(of digest: Digest, at offset: UInt64, count: Int) -> FrameBuffer? {
        guard let size = store.size(of: digest) else { return sharedChunk(of: digest, at: offset, count: count) }
        guard offset <= UInt64(size) else { return nil }
        let count = min(count, size - Int(offset))
        let head = BlobReply.chunk(digest, size: UInt64(size), offset: offset, count: count)
        do {
            return try FrameBuffer(head: head.frame, payloadCount: count) { buffer throws(ArtifactStoreError) in
                guard try store.read(digest, at: Int(offset), into: buffer) == count else {
                    throw .missing(digest, folder: store.folder)
                }
            }
        } catch {
            // A disk that cannot read the file has lost it.
            if case ArtifactStoreError.io(EIO, _, _) = error { _ = try? store.setAsideIfDamaged(digest) }
            return nil
        }
    }

    private func sharedChunk(of digest: Digest, at offset: UInt64, count: Int) -> FrameBuffer? {
        guard let size = shared.size(of: digest), offset <= UInt64(size) else { return nil }
        let count = min(count, size - Int(offset))
        let head = BlobReply.chunk(digest, size: UInt64(size), offset: offset, count: count)
        return try? FrameBuffer(head: head.frame, payloadCount: count) { buffer throws(ArtifactStoreError) in
            guard shared.read(digest, at: Int(offset), into: buffer) else { throw .missing(digest, folder: store.folder) }
        }
    }

    // MARK: Receiving

    private mutating func reply(to request: BlobRequest, chunk: UnsafeRawBufferPointer) -> BlobReply {
        switch request {
        case .get(let digest, _, _):
            return .absent(digest)
        case .doubt(let digest):
            if shared.size(of: digest) != nil { return shared.isSound(digest) ? .sound(digest) : .absent(digest) }
            let isDamaged = (try? store.setAsideIfDamaged(digest)) ?? true
            return isDamaged || !store.contains(digest) ? .absent(digest) : .sound(digest)
        case .put(let digest, let size, let offset, _):
            do throws(ArtifactStoreError) {
                return try receive(chunk, at: Int(offset), of: digest, size: Int(size))
            } catch {
                if case .wrongOffset = error {
                    return .received(digest, count: UInt64(partials[digest]?.partial.receivedCount ?? 0))
                }
                let received = partials[digest]?.partial.receivedCount ?? 0
                partials[digest] = nil
                return Self.answer(to: error, digest, missing: Int(size) - received, in: store)
            }
        }
    }

    private mutating func receive(
        _ chunk: UnsafeRawBufferPointer, at offset: Int, of digest: Digest, size: Int
    ) throws(ArtifactStoreError) -> BlobReply {
        if store.contains(digest) {
            if store.size(of: digest) == size {
                partials[digest] = nil
                return .stored(digest)
            }
            try store.setAsideIfDamaged(digest, size: size)
        }
        if partials[digest].map({ $0.partial.reference.size != size }) ?? true {
            if partials.count >= Self.transferLimit, let idle = partials.min(by: { $0.value.lastUsed < $1.value.lastUsed }) {
                partials[idle.key] = nil
            }
            partials[digest] = nil
            partials[digest] = (try store.resume(digest: digest, size: size), .now)
        }
        guard let partial = partials[digest]?.partial else { preconditionFailure("the partial artifact has just been put there") }
        partials[digest]?.lastUsed = .now
        if !chunk.isEmpty { try partial.append(chunk, at: offset) }
        guard partial.isComplete else { return .received(digest, count: UInt64(partial.receivedCount)) }
        _ = try partial.finish()
        partials[digest] = nil
        return .stored(digest)
    }

    /// What a worker is told when its blob could not be taken: never that it was.
    private static func answer(to error: ArtifactStoreError, _ digest: Digest, missing: Int, in store: ArtifactStore) -> BlobReply {
        let host = ProcessInfo.processInfo.hostName
        switch error {
        case .diskFull, .noRoom:
            let free = (try? PosixFile.freeBytes(at: store.folder)) ?? 0
            return .postponed(digest, .diskFull(host: host, needed: UInt64(clamping: missing), free: UInt64(clamping: free)))
        case .digestMismatch, .sizeMismatch, .notAFile, .missing:
            return .refused(digest, reason: error.localizedDescription)
        case .io, .busy, .wrongOffset:
            return .postponed(digest, .diskFailure(host: host, reason: error.localizedDescription))
        }
    }
}
