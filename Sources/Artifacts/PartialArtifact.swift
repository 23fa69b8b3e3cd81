import Digests
import Failpoints
import Foundation

extension ArtifactStore {
    /// Begins to receive an artifact in chunks, from its first byte; what an earlier try received is dropped.
    ///
    /// Throws `.busy` when another object receives it, `.sizeMismatch` for a negative size, `.noRoom` when the disk has less
    /// free than is missing, `.diskFull` or `.io`.
    package func begin(digest: Digest, size: Int) throws(ArtifactStoreError) -> PartialArtifact {
        try PartialArtifact(store: self, digest: digest, size: size, keepingPrefix: false)
    }

    /// Goes on receiving an artifact: the bytes of an interrupted try are hashed again, and `receivedCount` counts them.
    ///
    /// The same as `begin` when there are none, or more than `size`. Costs one read of the prefix. Throws like `begin`.
    package func resume(digest: Digest, size: Int) throws(ArtifactStoreError) -> PartialArtifact {
        try PartialArtifact(store: self, digest: digest, size: size, keepingPrefix: true)
    }
}

/// An artifact that arrives in chunks, in order; it becomes visible only when all its bytes have the promised digest.
///
/// The file is locked while this object lives, and stays behind for `resume` when it is released unfinished or the process
/// dies. Belongs to one thread.
package final class PartialArtifact {
    /// The digest and size that the bytes must have.
    package let reference: ArtifactReference
    /// How many bytes have arrived: the offset that the next chunk must have.
    package private(set) var receivedCount = 0

    private let store: ArtifactStore
    private let path: String
    private var descriptor: Int32
    private var hasher = DigestHasher()
    private var writer: DirectWriter?

    fileprivate init(store: ArtifactStore, digest: Digest, size: Int, keepingPrefix: Bool) throws(ArtifactStoreError) {
        let path = store.partialPath(of: digest)
        guard size >= 0 else { throw .sizeMismatch(path: path, actual: size, expected: 0) }
        self.store = store
        self.path = path
        reference = ArtifactReference(digest: digest, size: size)
        descriptor = try PartialArtifact.openLocked(path)
        try storing { () throws(PosixFailure) in
            let prefixCount = try PosixFile.status(of: descriptor, path: path).size
            if keepingPrefix, prefixCount > 0, prefixCount <= size {
                receivedCount = try ArtifactStore.hashPrefix(of: descriptor, path: path, into: &hasher) { _, _ in }
            } else {
                try PosixFile.truncate(descriptor, to: 0, path: path)
            }
            writer = try DirectWriter(descriptor, path: path, from: receivedCount)
        }
        let free = try storing { () throws(PosixFailure) in try PosixFile.freeBytes(at: store.folder) }
        guard size - receivedCount <= free else {
            if receivedCount == 0 { discard() }
            throw .noRoom(path: path, needed: size - receivedCount, free: free)
        }
    }

    deinit {
        // For `resume`; what the disk does not take has to be fetched again.
        try? writer?.flush()
        closeFile()
    }

    /// Whether all bytes have arrived, so that `finish` can be called.
    package var isComplete: Bool { receivedCount == reference.size }

    /// Adds the chunk that begins at `offset`; a chunk that has arrived before is ignored, so a repeated message is harmless.
    ///
    /// Throws `.wrongOffset` for a gap or a partial overlap, `.sizeMismatch` beyond the end, `.diskFull` (the same chunk may
    /// be given again when there is room) or `.io`. None of them changes what has been received. Traps on a chunk of more than
    /// 512 KiB.
    package func append(_ chunk: UnsafeRawBufferPointer, at offset: Int) throws(ArtifactStoreError) {
        precondition(descriptor >= 0, "the artifact is finished or discarded")
        let (end, overflow) = offset.addingReportingOverflow(chunk.count)
        if offset >= 0, !overflow, end <= receivedCount { return }
        guard offset == receivedCount else { throw .wrongOffset(path: path, actual: offset, expected: receivedCount) }
        guard !overflow, end <= reference.size else {
            throw .sizeMismatch(path: path, actual: overflow ? .max : end, expected: reference.size)
        }
        try storing { () throws(PosixFailure) in try writer?.append(chunk) }
        hasher.update(chunk)
        receivedCount = end
    }

    /// Adds a chunk that is an array; the same otherwise.
    package func append(_ chunk: [UInt8], at offset: Int) throws(ArtifactStoreError) {
        try chunk.withUnsafeBytes { buffer in
            Result { () throws(ArtifactStoreError) in try append(buffer, at: offset) }
        }.get()
    }

    /// Checks the digest of everything received, and publishes it; the answer is its reference.
    ///
    /// Throws `.sizeMismatch` while bytes are missing (go on appending), `.digestMismatch` after deleting the file, or
    /// `.diskFull`, `.io`: after a failed sync the file is deleted too, otherwise the bytes stay for `resume`.
    package func finish() throws(ArtifactStoreError) -> ArtifactReference {
        precondition(descriptor >= 0, "the artifact is finished or discarded")
        guard isComplete else { throw .sizeMismatch(path: path, actual: receivedCount, expected: reference.size) }
        let actual = hasher.finalize()
        guard actual == reference.digest else {
            discard()
            throw .digestMismatch(path: path, actual: actual, expected: reference.digest)
        }
        do throws(PosixFailure) {
            try writer?.flush()
            Failpoint.partialFinishBefore.pass()
            // An earlier, longer try may have left bytes beyond those received.
            try PosixFile.truncate(descriptor, to: reference.size, path: path)
            try store.sync(descriptor, at: path)
        } catch {
            // After a failed sync the kernel calls pages clean that are not on the disk: the bytes cannot be trusted again.
            if error.operation == PosixFile.syncOperation { discard() }
            throw ArtifactStoreError(error)
        }
        try storing { () throws(PosixFailure) in try store.makeVisible(descriptor, at: path, as: reference.digest) }
        Failpoint.partialFinishAfter.pass()
        closeFile()
        return reference
    }

    /// Gives the transfer up, and deletes what has arrived.
    package func discard() {
        guard descriptor >= 0 else { return }
        unlink(path)
        closeFile()
    }

    private func closeFile() {
        guard descriptor >= 0 else { return }
        writer = nil
        PosixFile.closeUnlocking(descriptor)
        descriptor = -1
    }

    /// Opens and locks the partial file; the lock counts only if the path still names the locked file.
    ///
    /// Without that second look, a process that opened the file just before another one published it would go on to write
    /// into a published artifact.
    private static func openLocked(_ path: String) throws(ArtifactStoreError) -> Int32 {
        while true {
            let descriptor = try storing { () throws(PosixFailure) in
                try PosixFile.open(path, O_RDWR | O_CREAT | O_NOFOLLOW)
            }
            do throws(ArtifactStoreError) {
                let locked = try storing { () throws(PosixFailure) in try PosixFile.tryLock(descriptor, path: path) }
                guard locked else { throw ArtifactStoreError.busy(path: path) }
                let isCurrent = try storing { () throws(PosixFailure) in
                    let opened = try PosixFile.status(of: descriptor, path: path)
                    return try PosixFile.status(at: path)?.isSameFile(as: opened) ?? false
                }
                if isCurrent { return descriptor }
                PosixFile.closeUnlocking(descriptor)
            } catch {
                close(descriptor)
                throw error
            }
        }
    }
}

@available(*, unavailable, message: "a partial artifact belongs to one thread")
extension PartialArtifact: Sendable {}
