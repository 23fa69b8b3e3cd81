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

    /// What can be compared of an event; which artifact is fetched or pushed, and why it is not.
    private enum Told: Equatable {
        case fetched(Digest), pushed(Digest)
        case fetchFailed(Digest, JobFailure.Reason, String), pushFailed(Digest, String)
        case delayed(Digest, String), noticed

        init(_ event: BlobClient.Event) {
            switch event {
            case .fetched(let use): self = .fetched(use.digest)
            case .pushed(let digest): self = .pushed(digest)
            case .fetchFailed(let digest, let reason, let fault): self = .fetchFailed(digest, fault, reason)
            case .pushFailed(let digest, let reason): self = .pushFailed(digest, reason)
            case .delayed(let digest, let reason): self = .delayed(digest, reason)
            case .noticed: self = .noticed
            }
        }
    }

    @Test func `a data port at which nobody answers is named`() throws {
        // Bound by nobody: what a firewall makes of a port looks the same from here.
        let lonely = try BlobClient()
        defer { lonely.stop() }
        lonely.start(context: context, endpoint: "ipc://\(folder)/nobody:17611", store: host)
        lonely.submit(.fetch(ArtifactNotice(name: "weights", digest: Digest(of: "x"), size: 1)))
        var said: [String] = []
        let deadline = ContinuousClock.now + .seconds(4 * Limits.transferRepeatSeconds)
        while said.isEmpty, ContinuousClock.now < deadline {
            usleep(50_000)
            for event in lonely.takeEvents() { if case .noticed(let text) = event { said.append(text) } }
        }
        #expect(said.count == 1 && said.first?.contains("/nobody:17611, for 10 s; 1 transfers wait") == true, "\(said)")
        #expect(said.first?.contains("sudo ufw allow 17611/tcp") == true)
    }

    /// The next events; none within ten seconds is an empty list.
    private func events() throws -> [Told] {
        var poller = Poller<Int>()
        poller.watch(fileDescriptor: client.hasEvents.fileDescriptor, as: 0, for: .read)
        for _ in 0..<100 {
            _ = try poller.wait(timeoutMilliseconds: 100)
            let events = client.takeEvents()
            if !events.isEmpty { return events.map(Told.init) }
        }
        return []
    }

    /// Changes a byte of a file in place.
    private func flip(_ path: String, at offset: Int) throws {
        chmod(path, 0o644)
        let descriptor = try PosixFile.open(path, O_RDWR)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        #expect(pread(descriptor, &byte, 1, off_t(offset)) == 1)
        byte ^= 4
        #expect(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
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
        #expect(try events() == [.fetchFailed(digest, .input, "the coordinator does not hold it")])
    }

    @Test func `a blob that the host does not hold cannot be pushed`() throws {
        let digest = Digest(of: "lost")
        client.submit(.push(ArtifactNotice(name: "weights", digest: digest, size: 7)))
        guard case .pushFailed(digest, _)? = try events().first else {
            Issue.record("the push has not failed")
            return
        }
    }

    @Test func `a fetch that the host's disk refuses fails by the host's fault, and the next one is dealt with`() throws {
        let (bad, good) = (try coordinator.put(bytes: bytes), try coordinator.put(bytes: Array("good".utf8)))
        // A folder where the first bytes would go.
        try FileManager.default.createDirectory(atPath: "\(host.folder)/partial/\(bad.digest.hex)", withIntermediateDirectories: true)
        client.submit(.fetch(notice(bad)))
        guard case .fetchFailed(bad.digest, .io, _)? = try events().first else {
            Issue.record("the fetch has not failed")
            return
        }
        client.submit(.fetch(notice(good)))
        #expect(try events() == [.fetched(good.digest)])
    }

    @Test func `more blobs than there are transfers at once all arrive, and small ones do not wait for all large ones`() throws {
        let large = try (0..<Limits.transfersPerWorker - 1).map { number in
            try coordinator.put(bytes: (0..<12_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) })
        }
        let small = try (0..<9).map { try coordinator.put(bytes: [UInt8($0)]) }
        for reference in large + small { client.submit(.fetch(notice(reference))) }
        var order: [Digest] = []
        while order.count < large.count + small.count {
            let told = try events()
            try #require(!told.isEmpty)
            order += told.compactMap { if case .fetched(let digest) = $0 { digest } else { nil } }
        }
        #expect(Set(order) == Set((large + small).map(\.digest)))
        // One place was left for the small ones, and it was used while the large ones moved.
        #expect(!order.prefix(large.count).allSatisfy { digest in large.contains { $0.digest == digest } })
        for reference in large { try host.verify(reference.digest) }
        #expect(server.droppedAnswerCount == 0)
    }

    @Test func `fetching and pushing go on side by side`() throws {
        let there = try coordinator.put(bytes: bytes)
        let here = try host.put(bytes: bytes.reversed())
        client.submit(.fetch(notice(there)))
        client.submit(.push(notice(here)))
        var told: [Told] = []
        while told.count < 2 {
            let more = try events()
            try #require(!more.isEmpty)
            told += more
        }
        #expect(told.contains(.fetched(there.digest)))
        #expect(told.contains(.pushed(here.digest)))
    }

    @Test func `a blob that has changed on the coordinator's disk is found by its first receiver and never served again`() throws {
        let reference = try coordinator.put(bytes: bytes)
        try flip(coordinator.path(of: reference.digest), at: bytes.count / 2)
        client.submit(.fetch(notice(reference)))
        guard case .fetchFailed(reference.digest, .input, let reason)? = try events().first else {
            Issue.record("the fetch has not failed")
            return
        }
        #expect(reason.contains("damaged"))
        #expect(!host.contains(reference.digest))
        #expect(!coordinator.contains(reference.digest))
        #expect(FileManager.default.fileExists(atPath: coordinator.folder + "/damaged/" + reference.digest.hex))
        // Made again, it is served again.
        try coordinator.put(bytes: bytes)
        client.submit(.fetch(notice(reference)))
        #expect(try events() == [.fetched(reference.digest)])
    }

    @Test func `bytes that were damaged on the way are fetched again when the coordinator's are right`() throws {
        let reference = try coordinator.put(bytes: bytes)
        // What an earlier fetch has left is not the blob's beginning.
        do { try host.begin(digest: reference.digest, size: reference.size).append([9, 9, 9], at: 0) }
        client.submit(.fetch(notice(reference)))
        #expect(try events() == [.fetched(reference.digest)])
        #expect(try host.bytes(of: reference.digest) == bytes)
        #expect(coordinator.contains(reference.digest))
    }

    @Test func `a blob that has changed on the host's disk is not taken by the coordinator, and makes way for a new one`() throws {
        let reference = try host.put(bytes: bytes)
        try flip(host.path(of: reference.digest), at: 3)
        client.submit(.push(notice(reference)))
        guard case .pushFailed(reference.digest, let reason)? = try events().first else {
            Issue.record("the push has not failed")
            return
        }
        #expect(reason == "this host's copy was damaged on its disk and has been set aside")
        #expect(!coordinator.contains(reference.digest))
        #expect(!host.contains(reference.digest))
        try host.put(bytes: bytes)
        client.submit(.push(notice(reference)))
        #expect(try events() == [.pushed(reference.digest)])
    }

    @Test func `a blob that has lost its end on the host is fetched again`() throws {
        let reference = try coordinator.put(bytes: bytes)
        try host.put(bytes: bytes)
        #expect(truncate(host.path(of: reference.digest), 5) == 0)
        client.submit(.fetch(notice(reference)))
        #expect(try events() == [.fetched(reference.digest)])
        #expect(try host.bytes(of: reference.digest) == bytes)
    }

    @Test func `a transfer goes on when the coordinator has been away`() throws {
        let reference = try coordinator.put(bytes: bytes)
        server.stop()
        // The old server has let go of its socket before the new one takes its place.
        usleep(300_000)
        client.submit(.fetch(notice(reference)))
        usleep(300_000)
        #expect(client.takeEvents().isEmpty)
        let again = try BlobServer()
        defer { again.stop() }
        _ = try again.start(context: context, endpoints: ["ipc://\(folder)/data"], store: coordinator)
        #expect(try events() == [.fetched(reference.digest)])
    }
}
