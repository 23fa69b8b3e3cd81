import Digests
import Foundation

/// The right to fetch one artifact into a store: of all processes on a host that share it, one has it at a time.
///
/// Released by `release`, by losing the last reference, or by the death of the process in any manner, since the kernel
/// drops a `flock` with its open file. The others poll `contains`, or try again. Lock files are empty and are never
/// deleted: a deleted one could be locked twice, once by its old inode and once by its new. Source: flock(2).
package final class HostFetchLock {
    /// The artifact that may be fetched.
    package let digest: Digest
    private var descriptor: Int32

    /// Takes the lock without waiting; `nil` when another process, or another object of this one, has it.
    ///
    /// Throws `.diskFull` or `.io`.
    package init?(store: ArtifactStore, digest: Digest) throws(ArtifactStoreError) {
        let path = store.lockPath(of: digest)
        self.digest = digest
        let opened = try storing { () throws(PosixFailure) in try PosixFile.open(path, O_RDWR | O_CREAT | O_NOFOLLOW) }
        descriptor = opened
        let locked: Bool
        do {
            locked = try storing { () throws(PosixFailure) in try PosixFile.tryLock(opened, path: path) }
        } catch {
            release()
            throw error
        }
        guard locked else {
            release()
            return nil
        }
    }

    deinit { release() }

    /// Gives the lock back, now instead of with the last reference.
    package func release() {
        guard descriptor >= 0 else { return }
        PosixFile.closeUnlocking(descriptor)
        descriptor = -1
    }
}

@available(*, unavailable, message: "a lock belongs to one thread")
extension HostFetchLock: Sendable {}
