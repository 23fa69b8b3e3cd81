import Artifacts
import Digests

/// The room that the host's store has, or that evicting from it makes.
struct HostRoom {
    /// Bytes of the disk that evicting keeps free, so that a runner finds room for what it has made: larger than any result.
    private static let reserveBytes = 512 << 20

    let store: ArtifactStore
    private let cache: ArtifactCache?
    private let pinned: @Sendable () -> Set<Digest>

    init(store: ArtifactStore, quota: Int?, pinned: @escaping @Sendable () -> Set<Digest>) {
        self.store = store
        self.pinned = pinned
        cache = quota.map { ArtifactCache(store: store, quota: $0) }
    }

    /// Evicts what the quota demands before `byteCount` more bytes arrive. What is in use may exceed the quota: a job that
    /// runs, or waits for these bytes, is worth more than the limit.
    func make(for byteCount: Int) throws(ArtifactStoreError) -> ArtifactCache.Outcome? {
        try cache?.makeRoom(for: byteCount, isPinned: pinned)
    }

    /// Evicts at least `byteCount` bytes, whatever the quota says, because the disk is full; the answer is how many bytes went.
    func release(_ byteCount: Int) throws(ArtifactStoreError) -> Int {
        try cache?.makeRoom(for: 0, evictingAtLeast: byteCount, isPinned: pinned).evictedBytes ?? 0
    }

    /// Evicts when less than the reserve is free; the answer is how many bytes went.
    func keepReserve() throws(ArtifactStoreError) -> Int {
        guard cache != nil else { return 0 }
        let free: Int
        do throws(PosixFailure) { free = try PosixFile.freeBytes(at: store.folder) } catch { throw ArtifactStoreError(error) }
        return free < Self.reserveBytes ? try release(Self.reserveBytes - free) : 0
    }
}
