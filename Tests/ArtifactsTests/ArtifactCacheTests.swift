import Artifacts
import Digests
import Foundation
import Testing

@Suite struct ArtifactCacheTests {
    /// An artifact of `size` bytes that was last used so many seconds ago.
    private func artifact(_ store: ArtifactStore, _ number: UInt8, size: Int, usedAgo seconds: Int) throws -> Digest {
        let digest = try store.put(bytes: [UInt8](repeating: number, count: size)).digest
        try age(store.path(of: digest), seconds)
        return digest
    }

    private func age(_ path: String, _ seconds: Int) throws {
        var times = [timeval](repeating: timeval(tv_sec: time(nil) - seconds, tv_usec: 0), count: 2)
        #expect(utimes(path, &times) == 0)
    }

    private func makeCache(_ temporary: TemporaryStore, quota: Int) -> ArtifactCache { ArtifactCache(store: temporary.store, quota: quota) }

    @Test func `the least recently used go first, and no more than must`() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let old = try artifact(store, 1, size: 1000, usedAgo: 5000)
        let middle = try artifact(store, 2, size: 1000, usedAgo: 4000)
        let new = try artifact(store, 3, size: 1000, usedAgo: 3000)
        let cache = makeCache(temporary, quota: 3500)
        #expect(try cache.makeRoom(for: 500) == ArtifactCache.Outcome(usedBytes: 3000))
        #expect(try cache.makeRoom(for: 501) == ArtifactCache.Outcome(usedBytes: 2000, evicted: [old], evictedBytes: 1000))
        // Used again, the middle one outlives the newer.
        _ = try ArtifactUse(store: store, digest: middle)
        try age(store.path(of: middle), 100)
        #expect(try cache.makeRoom(for: 2500).evicted == [new])
        #expect(store.contains(middle))
    }

    @Test func `what is in use, pinned or just used stays, whatever the quota`() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let used = try artifact(store, 1, size: 1000, usedAgo: 9000)
        let pinned = try artifact(store, 2, size: 1000, usedAgo: 8000)
        let fresh = try store.put(bytes: [UInt8](repeating: 3, count: 1000)).digest
        let idle = try artifact(store, 4, size: 1000, usedAgo: 7000)
        var use = try ArtifactUse(store: store, digest: used)
        // Only its use keeps it.
        try age(store.path(of: used), 9000)
        let cache = makeCache(temporary, quota: 1)
        let outcome = try cache.makeRoom(for: 10_000, isPinned: { [pinned] })
        #expect(outcome == ArtifactCache.Outcome(usedBytes: 3000, evicted: [idle], evictedBytes: 1000))
        #expect(use?.size == 1000)
        use = nil
        #expect(try cache.makeRoom(for: 0, isPinned: { [pinned] }).evicted == [used])
        #expect(store.contains(pinned) && store.contains(fresh))
    }

    @Test func `an artifact that another process has in use is not evicted until that process dies`() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let digest = try artifact(store, 1, size: 1000, usedAgo: 5000)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        process.arguments = ["--shared", "--no-fork", store.path(of: digest), "sleep", "60"]
        try process.run()
        let probe = try PosixFile.open(store.path(of: digest), O_RDONLY)
        defer { close(probe) }
        var isHeld = false
        for _ in 0..<500 where !isHeld {
            isHeld = try !PosixFile.tryLock(probe, path: "probe")
            if !isHeld { flock(probe, LOCK_UN) }
            usleep(10_000)
        }
        #expect(isHeld)
        let cache = makeCache(temporary, quota: 1)
        #expect(try cache.makeRoom(for: 0).evicted == [])
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(try cache.makeRoom(for: 0).evicted == [digest])
    }

    @Test func `abandoned parts are evicted, and those that are arriving are not`() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let (left, arriving) = (Digest(of: "left"), Digest(of: "arriving"))
        do { try store.begin(digest: left, size: 5000).append([UInt8](repeating: 1, count: 3000), at: 0) }
        let partial = try store.begin(digest: arriving, size: 5000)
        try partial.append([UInt8](repeating: 1, count: 2000), at: 0)
        for digest in [left, arriving] { try age("\(store.folder)/partial/\(digest.hex)", 5000) }
        let outcome = try makeCache(temporary, quota: 1).makeRoom(for: 0)
        #expect(outcome.evictedBytes == 3000)
        #expect(outcome.evicted.isEmpty)
        #expect(try temporary.names(in: "partial") == [arriving.hex])
        #expect(partial.receivedCount == 2000)
    }

    @Test func `a full disk evicts though the quota leaves room`() throws {
        let temporary = try TemporaryStore()
        let digest = try artifact(temporary.store, 1, size: 1000, usedAgo: 5000)
        let cache = makeCache(temporary, quota: 1_000_000)
        #expect(try cache.makeRoom(for: 0, evictingAtLeast: 1).evicted == [digest])
    }

    @Test func `users and evictors that race never lose an artifact in use`() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let bytes = (0..<8).map { [UInt8](repeating: UInt8($0), count: 10_000) }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for seed in 0..<3 {
                group.addTask {
                    var uses = 0
                    for round in 0..<150 {
                        let chosen = bytes[(round &* 7 &+ seed) % bytes.count]
                        let digest = try store.put(bytes: chosen).digest
                        guard let use = try ArtifactUse(store: store, digest: digest) else { continue }
                        try age(store.path(of: digest), 5000)
                        usleep(200)
                        #expect(store.contains(digest))
                        #expect(use.digest == digest)
                        uses += 1
                    }
                    return uses
                }
            }
            group.addTask {
                let cache = ArtifactCache(store: store, quota: 1)
                for _ in 0..<300 { try cache.makeRoom(for: 0) }
                return 0
            }
            var uses = 0
            for try await count in group { uses += count }
            #expect(uses > 100)
        }
    }

    @Test func `the order of eviction is by last use, then by digest, without the pinned and the just used`() {
        func file(_ name: String, _ lastUsed: Int) -> ArtifactCache.File {
            ArtifactCache.File(digest: Digest(of: name), size: 1, lastUsed: lastUsed, isPublished: true)
        }
        let ties = [file("a", 500), file("b", 500)].sorted { $0.digest < $1.digest }
        let (first, fresh, future, pinned) = (file("c", 100), file("d", 941), file("e", 5000), file("f", 50))
        let order = ArtifactCache.evictionOrder([fresh, ties[1], future, pinned, first, ties[0]], pinned: [pinned.digest], now: 1000)
        #expect(order == [first] + ties)
    }
}
