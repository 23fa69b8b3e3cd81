import Digests
import Foundation

/// An artifact that somebody on this host needs: it is not evicted while this object lives, in whatever process.
///
/// A shared `flock` on the artifact's own file, which the kernel drops with the process; `ArtifactCache` evicts only what it
/// can lock for itself. It also marks the artifact as just used. Source: flock(2).
package final class ArtifactUse: Sendable {
    package let digest: Digest
    /// The artifact's number of bytes.
    package let size: Int
    private let descriptor: Int32
    private let path: String

    /// Takes an artifact into use; `nil` when it is not in the store, or is being evicted. Throws `.io`.
    package init?(store: ArtifactStore, digest: Digest) throws(ArtifactStoreError) {
        let path = store.path(of: digest)
        self.digest = digest
        self.path = path
        do throws(PosixFailure) {
            let opened = try PosixFile.open(path, O_RDONLY | O_NOFOLLOW)
            do throws(PosixFailure) {
                let isLocked = try Self.lock(opened, path: path)
                let status = try PosixFile.status(of: opened, path: path)
                // Between the opening and the lock the file may have been evicted: then the path names it no more.
                guard isLocked, try PosixFile.status(at: path)?.isSameFile(as: status) == true else {
                    close(opened)
                    return nil
                }
                // Only the order of eviction hangs on the time.
                try? PosixFile.touch(opened, path: path)
                descriptor = opened
                size = status.size
            } catch {
                close(opened)
                throw error
            }
        } catch {
            if error.code == ENOENT { return nil }
            throw ArtifactStoreError(error)
        }
    }

    deinit { PosixFile.closeUnlocking(descriptor) }

    /// Whether the lock could be taken. Who evicts has it for an instant while looking whether the artifact may go, and may leave it.
    private static func lock(_ descriptor: Int32, path: String) throws(PosixFailure) -> Bool {
        for _ in 0..<50 {
            if try PosixFile.tryLock(descriptor, shared: true, path: path) { return true }
            usleep(2_000)
        }
        return false
    }

    /// Fills a buffer with the bytes from `offset` on, unchecked; the answer is how many there were. Throws `.io`.
    package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ArtifactStoreError) -> Int {
        try storing { () throws(PosixFailure) in
            try PosixFile.read(descriptor, into: buffer, at: offset, path: path)
        }
    }
}
