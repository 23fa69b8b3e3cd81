import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import Testing
import Transport
import Worker

/// The worker's half of the blob plane against the coordinator's, over real sockets and folders.
@Suite(.serialized) final class BlobClientTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-blobs-" + String(UUID().uuidString.prefix(8))
    private let context: ZeroMQContext
    private let server: BlobServer
    private let client: BlobClient
    private let coordinator: ArtifactStore
    private let host: ArtifactStore

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        context = try ZeroMQContext()
        coordinator = try ArtifactStore(folder: folder + "/coordinator")
        host = try ArtifactStore(folder: folder + "/host")
        server = try BlobServer()
        client = try BlobClient()
        let endpoints = try server.start(context: context, endpoints: ["ipc://\(folder)/data"], store: coordinator)
        client.start(context: context, endpoint: endpoints[0], store: host)
    }

    deinit {
        client.stop()
        server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// More chunks than are in flight at once, and a last one that is not whole.
    private let bytes = (0..<(Limits.chunkBytes * 11 + 77)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    private func notice(_ reference: ArtifactReference) -> ArtifactNotice {
        ArtifactNotice(name: "weights", digest: reference.digest, size: UInt64(reference.size))
    }

    /// The next events; none within ten seconds is an empty list.
    private func events() throws -> [BlobClient.Event] {
        var poller = Poller<Int>()
        poller.watch(fileDescriptor: client.hasEvents.fileDescriptor, as: 0, for: .read)
        for _ in 0..<100 {
            _ = try poller.wait(timeoutMilliseconds: 100)
            let events = client.takeEvents()
            if !events.isEmpty { return events }
        }
        return []
    }

    @Test func `a blob is pushed in chunks and is then in the coordinator's store`() throws {
        let reference = try host.put(bytes: bytes)
        client.submit(.push(notice(reference)))
        #expect(try events() == [.pushed(reference.digest)])
        #expect(try coordinator.bytes(of: reference.digest) == bytes)
        // What is there already is not sent again.
        client.submit(.push(notice(reference)))
        #expect(try events() == [.pushed(reference.digest)])
    }

    @Test func `a blob is fetched in chunks and is then in the host's store`() throws {
        let reference = try coordinator.put(bytes: bytes)
        client.submit(.fetch(notice(reference)))
        #expect(try events() == [.fetched(reference.digest)])
        #expect(try host.bytes(of: reference.digest) == bytes)
    }

    @Test func `a fetch goes on from what an earlier one has left`() throws {
        let reference = try coordinator.put(bytes: bytes)
        do {
            let partial = try host.begin(digest: reference.digest, size: reference.size)
            try partial.append(Array(bytes[..<100_001]), at: 0)
        }
        client.submit(.fetch(notice(reference)))
        #expect(try events() == [.fetched(reference.digest)])
        #expect(try host.bytes(of: reference.digest) == bytes)
    }

    @Test func `while another process of the host fetches a blob it is waited for`() throws {
        let reference = try coordinator.put(bytes: bytes)
        let other = try #require(try HostFetchLock(store: host, digest: reference.digest))
        client.submit(.fetch(notice(reference)))
        usleep(300_000)
        #expect(client.takeEvents().isEmpty)
        other.release()
        #expect(try events() == [.fetched(reference.digest)])
    }

    @Test func `a blob that the coordinator does not hold cannot be fetched`() throws {
        let digest = Digest(of: "nowhere")
        client.submit(.fetch(ArtifactNotice(name: "weights", digest: digest, size: 7)))
        #expect(try events() == [.fetchFailed(digest, reason: "the coordinator does not hold it")])
    }

    @Test func `a blob that the host does not hold cannot be pushed`() throws {
        let digest = Digest(of: "lost")
        client.submit(.push(ArtifactNotice(name: "weights", digest: digest, size: 7)))
        guard case .pushFailed(digest, _)? = try events().first else {
            Issue.record("the push has not failed")
            return
        }
    }

    @Test func `a fetch that cannot begin fails, and the next one is dealt with`() throws {
        let (bad, good) = (try coordinator.put(bytes: bytes), try coordinator.put(bytes: Array("good".utf8)))
        // A folder where the first bytes would go.
        try FileManager.default.createDirectory(atPath: "\(host.folder)/partial/\(bad.digest.hex)", withIntermediateDirectories: true)
        client.submit(.fetch(notice(bad)))
        guard case .fetchFailed(bad.digest, _)? = try events().first else {
            Issue.record("the fetch has not failed")
            return
        }
        client.submit(.fetch(notice(good)))
        #expect(try events() == [.fetched(good.digest)])
    }
}
