import Digests
import Foundation

/// Keeps a store within a quota: a store of copies, every one of which can be fetched again.
///
/// Never for the coordinator's own store. What is in use (`ArtifactUse`), what is being received, what `isPinned` names and
/// what was used within the last minute stays; of the rest the least recently used goes first. Several processes may share the
/// store: each file is evicted under its own exclusive lock.
package struct ArtifactCache: Sendable {
    /// Time for an artifact to go from the process that has made it to the one that takes it into use.
    package static let handoverSeconds = 60

    package let store: ArtifactStore
    /// Bytes that the artifacts may have in all, those that are arriving included.
    package let quota: Int

    package init(store: ArtifactStore, quota: Int) {
        self.store = store
        self.quota = quota
    }

    /// What making room came to.
    package struct Outcome: Sendable, Equatable {
        /// Bytes that are in the store now.
        package var usedBytes: Int
        package var evicted: [Digest] = []
        package var evictedBytes = 0

        package init(usedBytes: Int, evicted: [Digest] = [], evictedBytes: Int = 0) {
            self.usedBytes = usedBytes
            self.evicted = evicted
            self.evictedBytes = evictedBytes
        }
    }

    /// Evicts until `byteCount` more bytes are within the quota, or nothing is left that may go.
    ///
    /// - Parameters:
    ///   - leastBytes: evicts at least so many bytes, however much the quota leaves: for a disk that is full.
    ///   - isPinned: asked only when something must go.
    /// - Throws: `.io` when the store cannot be listed.
    @discardableResult package func makeRoom(
        for byteCount: Int, evictingAtLeast leastBytes: Int = 0, isPinned: () -> Set<Digest> = { [] }
    ) throws(ArtifactStoreError) -> Outcome {
        try storing { () throws(PosixFailure) in
            let files = try files()
            var outcome = Outcome(usedBytes: files.reduce(0) { $0 + $1.size })
            let excess = max(leastBytes, outcome.usedBytes + byteCount - quota)
            guard excess > 0 else { return outcome }
            let order = Self.evictionOrder(files, pinned: isPinned(), now: time(nil))
            for file in order {
                guard outcome.evictedBytes < excess else { break }
                guard try evict(file) else { continue }
                outcome.usedBytes -= file.size
                outcome.evictedBytes += file.size
                if file.isPublished { outcome.evicted.append(file.digest) }
            }
            return outcome
        }
    }

    /// A file of the store that takes space.
    package struct File: Sendable, Equatable {
        package var digest: Digest
        package var size: Int
        /// Seconds since 1970.
        package var lastUsed: Int
        /// Whether it is an artifact, not a part of one.
        package var isPublished: Bool

        package init(digest: Digest, size: Int, lastUsed: Int, isPublished: Bool) {
            self.digest = digest
            self.size = size
            self.lastUsed = lastUsed
            self.isPublished = isPublished
        }
    }

    /// What may go, the least recently used first, ties by digest. A time ahead of `now` counts as now.
    package static func evictionOrder(_ files: [File], pinned: Set<Digest>, now: Int) -> [File] {
        files.filter { !pinned.contains($0.digest) && $0.lastUsed < now - handoverSeconds }
            .sorted { ($0.lastUsed, $0.digest) < ($1.lastUsed, $1.digest) }
    }

    private func files() throws(PosixFailure) -> [File] {
        var files: [File] = []
        func add(_ digest: Digest?, _ path: String, isPublished: Bool) throws(PosixFailure) {
            // Another process may just have removed it.
            guard let digest, let status = try PosixFile.status(at: path), status.isRegular else { return }
            files.append(File(digest: digest, size: status.size, lastUsed: status.modifiedSeconds, isPublished: isPublished))
        }
        let objects = store.folder + "/objects"
        for prefix in try PosixFile.names(in: objects) where prefix.utf8.count == 2 {
            for rest in try PosixFile.names(in: objects + "/" + prefix) {
                try add(Digest(hex: prefix + rest), "\(objects)/\(prefix)/\(rest)", isPublished: true)
            }
        }
        let partials = store.folder + "/partial"
        for name in try PosixFile.names(in: partials) { try add(Digest(hex: name), partials + "/" + name, isPublished: false) }
        return files
    }

    /// Removes a file that nobody has locked; `false` when somebody has, or when it is gone.
    private func evict(_ file: File) throws(PosixFailure) -> Bool {
        let path = file.isPublished ? store.path(of: file.digest) : store.partialPath(of: file.digest)
        do throws(PosixFailure) {
            let descriptor = try PosixFile.open(path, O_RDONLY | O_NOFOLLOW)
            defer { PosixFile.closeUnlocking(descriptor) }
            guard try PosixFile.tryLock(descriptor, path: path) else { return false }
            // It may have been used, or replaced, since it was listed.
            let status = try PosixFile.status(of: descriptor, path: path)
            guard status.modifiedSeconds == file.lastUsed, try PosixFile.status(at: path)?.isSameFile(as: status) == true else {
                return false
            }
            return try PosixFile.remove(path)
        } catch {
            if error.code == ENOENT { return false }
            throw error
        }
    }
}
