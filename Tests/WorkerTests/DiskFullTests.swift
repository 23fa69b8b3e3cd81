import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import Testing
import Transport
import Worker

/// A file system of a few megabytes, which only root can mount, gone with this object.
private final class SmallDisk {
    let path: String

    /// `nil` where nothing can be mounted.
    init?(megabytes: Int) {
        path = FileManager.default.temporaryDirectory.path + "/sower-disk-" + UUID().uuidString.prefix(8)
        guard getuid() == 0, mkdir(path, 0o700) == 0 else { return nil }
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            rmdir(path)
            return nil
        }
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }

    /// Leaves about so many bytes free, and takes what is left away from everybody.
    func fill(leaving bytes: Int) throws {
        let free = try PosixFile.freeBytes(at: path) - bytes
        try Data(count: max(0, free)).write(to: URL(fileURLWithPath: path + "/filler"))
    }

    func empty() { unlink(path + "/filler") }

    static let isPossible = SmallDisk(megabytes: 1) != nil
}

@Suite(.serialized, .enabled(if: SmallDisk.isPossible, "a full disk needs root, to mount a small tmpfs"))
struct DiskFullTests {
    private let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    /// The two halves of the blob plane, each with its store, until they go away.
    private final class Plane {
        let coordinator: ArtifactStore
        let host: ArtifactStore
        let client: BlobClient
        private let server: BlobServer
        private let socket = FileManager.default.temporaryDirectory.path + "/sower-socket-" + UUID().uuidString.prefix(8)

        init(coordinator: String, host: String, quota: Int? = nil) throws {
            self.coordinator = try ArtifactStore(folder: coordinator)
            self.host = try ArtifactStore(folder: host)
            let context = try ZeroMQContext()
            server = try BlobServer()
            client = try BlobClient()
            let endpoints = try server.start(context: context, endpoints: ["ipc://\(socket)"], store: self.coordinator)
            client.start(context: context, endpoint: endpoints[0], store: self.host, quota: quota)
        }

        deinit {
            client.stop()
            server.stop()
            unlink(socket)
        }

        /// The next event but those that `isSkipped` names; `nil` when there is none in ten seconds.
        func event(skippingDelays: Bool = false) throws -> BlobClient.Event? {
            var poller = Poller<Int>()
            poller.watch(fileDescriptor: client.hasEvents.fileDescriptor, as: 0, for: .read)
            for _ in 0..<100 {
                _ = try poller.wait(timeoutMilliseconds: 100)
                for event in client.takeEvents() {
                    if case .delayed = event, skippingDelays { continue }
                    return event
                }
            }
            return nil
        }
    }

    private func notice(_ reference: ArtifactReference) -> ArtifactNotice {
        ArtifactNotice(name: "weights", digest: reference.digest, size: UInt64(reference.size))
    }

    private func folder() -> String { FileManager.default.temporaryDirectory.path + "/sower-full-" + UUID().uuidString.prefix(8) }

    @Test func `a push to a full coordinator waits, says why, and is acknowledged only when the blob is there`() throws {
        let disk = try #require(SmallDisk(megabytes: 8))
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let plane = try Plane(coordinator: disk.path + "/store", host: folder)
        try disk.fill(leaving: 1_000_000)
        let reference = try plane.host.put(bytes: bytes)
        plane.client.submit(.push(notice(reference)))
        guard case .delayed(reference.digest, let reason)? = try plane.event() else {
            Issue.record("the push was not delayed")
            return
        }
        #expect(reason.hasPrefix("disk full on \(ProcessInfo.processInfo.hostName): 3.0 MB needed, "))
        #expect(!plane.coordinator.contains(reference.digest))
        disk.empty()
        guard case .pushed(reference.digest)? = try plane.event(skippingDelays: true) else {
            Issue.record("the push has not gone on")
            return
        }
        #expect(try plane.coordinator.bytes(of: reference.digest) == bytes)
    }

    @Test func `a fetch to a full host waits without failing, and goes on when there is room`() throws {
        let disk = try #require(SmallDisk(megabytes: 8))
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let plane = try Plane(coordinator: folder, host: disk.path + "/store")
        try disk.fill(leaving: 1_000_000)
        let reference = try plane.coordinator.put(bytes: bytes)
        plane.client.submit(.fetch(notice(reference)))
        guard case .delayed(reference.digest, _)? = try plane.event() else {
            Issue.record("the fetch was not delayed")
            return
        }
        // A small one finds room meanwhile.
        let small = try plane.coordinator.put(bytes: [1, 2, 3])
        plane.client.submit(.fetch(notice(small)))
        guard case .fetched(let use)? = try plane.event(skippingDelays: true), use.digest == small.digest else {
            Issue.record("the small blob has not arrived")
            return
        }
        disk.empty()
        guard case .fetched(let whole)? = try plane.event(skippingDelays: true), whole.digest == reference.digest else {
            Issue.record("the fetch has not gone on")
            return
        }
        #expect(try plane.host.bytes(of: reference.digest) == bytes)
    }

    @Test func `a full host first evicts what its cache can spare`() throws {
        let disk = try #require(SmallDisk(megabytes: 8))
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let plane = try Plane(coordinator: folder, host: disk.path + "/store", quota: 1 << 40)
        let old = try plane.host.put(bytes: bytes.reversed())
        var times = [timeval](repeating: timeval(tv_sec: time(nil) - 5000, tv_usec: 0), count: 2)
        #expect(utimes(plane.host.path(of: old.digest), &times) == 0)
        try disk.fill(leaving: 1_000_000)
        let reference = try plane.coordinator.put(bytes: bytes)
        plane.client.submit(.fetch(notice(reference)))
        guard case .noticed? = try plane.event(), case .fetched(let use)? = try plane.event() else {
            Issue.record("nothing was evicted, or nothing arrived")
            return
        }
        #expect(use.digest == reference.digest)
        #expect(!plane.host.contains(old.digest))
    }

    @Test func `a disk that fills up in the middle of a blob keeps what arrived and shows nothing`() throws {
        let disk = try #require(SmallDisk(megabytes: 8))
        let store = try ArtifactStore(folder: disk.path + "/store")
        let partial = try store.begin(digest: Digest(of: bytes), size: bytes.count)
        try disk.fill(leaving: 1_200_000)
        var offset = 0
        var failure: ArtifactStoreError?
        func go() throws {
            while offset < bytes.count {
                let end = min(bytes.count, offset + Limits.chunkBytes)
                try partial.append(Array(bytes[offset..<end]), at: offset)
                offset = end
            }
        }
        do { try go() } catch { failure = error as? ArtifactStoreError }
        #expect(failure?.isWantOfRoom == true)
        #expect(partial.receivedCount == offset)
        #expect(offset < bytes.count)
        #expect(!store.contains(partial.reference.digest))
        disk.empty()
        // The chunk that found no room is given again.
        try go()
        #expect(try partial.finish() == ArtifactReference(digest: Digest(of: bytes), size: bytes.count))
        #expect(try store.bytes(of: Digest(of: bytes)) == bytes)
    }

    @Test func `nothing is published or spooled on a full disk, and nothing of it stays`() throws {
        let disk = try #require(SmallDisk(megabytes: 8))
        let store = try ArtifactStore(folder: disk.path + "/store")
        let outbox = try Outbox(storePath: store.folder, log: { _ in })
        try disk.fill(leaving: 0)
        let failure = #expect(throws: ArtifactStoreError.self) { try store.put(bytes: bytes) }
        #expect(failure?.isWantOfRoom == true)
        #expect(!store.contains(Digest(of: bytes)))
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder + "/tmp").isEmpty)
        let result = AttemptResult(
            attempt: AttemptID(job: .init(Digest(of: "job")), number: 1), outcome: .finished, epochs: [],
            artifacts: [notice(ArtifactReference(digest: Digest(of: bytes), size: bytes.count))], numericClass: "v1", seconds: 4)
        outbox.spool(result)
        #expect(throws: ArtifactStoreError.self) { try outbox.flush() }
        #expect(Outbox.artifacts(storePath: store.folder).isEmpty)
        disk.empty()
        try store.put(bytes: bytes)
        outbox.spool(result)
        try outbox.flush()
        #expect(Outbox.artifacts(storePath: store.folder) == [Digest(of: bytes)])
        outbox.unspool(result.attempt)
        outbox.tidy()
        #expect(Outbox.artifacts(storePath: store.folder).isEmpty)
    }
}
