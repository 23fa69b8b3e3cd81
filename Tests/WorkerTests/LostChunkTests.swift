import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import Synchronization
import Testing
import Transport
import Worker

/// Transfers over a connection that loses a frame.
@Suite(.serialized) final class LostChunkTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-lost-" + String(UUID().uuidString.prefix(8))
    private let context: ZeroMQContext
    private let server: BlobServer
    private let client: BlobClient
    private let relay: LossyRelay
    private let coordinator: ArtifactStore
    private let host: ArtifactStore
    private let bytes = (0..<(Limits.chunkBytes * 20 + 77)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        context = try ZeroMQContext()
        coordinator = try ArtifactStore(folder: folder + "/coordinator")
        host = try ArtifactStore(folder: folder + "/host")
        server = try BlobServer()
        client = try BlobClient()
        let endpoints = try server.start(context: context, endpoints: ["ipc://\(folder)/data"], store: coordinator)
        relay = try LossyRelay(context: context, from: "ipc://\(folder)/relay", to: endpoints[0])
        client.start(context: context, endpoint: "ipc://\(folder)/relay", store: host)
    }

    deinit {
        client.stop()
        relay.stop()
        server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// How long a request takes that ends well.
    private func time(_ request: BlobClient.Request) throws -> Duration {
        let start = ContinuousClock.now
        client.submit(request)
        var poller = Poller<Int>()
        poller.watch(fileDescriptor: client.hasEvents.fileDescriptor, as: 0, for: .read)
        while ContinuousClock.now - start < .seconds(20) {
            _ = try poller.wait(timeoutMilliseconds: 100)
            switch client.takeEvents().first {
            case .fetched, .pushed: return ContinuousClock.now - start
            case nil: continue
            case let event?:
                Issue.record("the transfer has not ended well: \(event)")
                return .seconds(20)
            }
        }
        return .seconds(20)
    }

    @Test(arguments: [1, 3, 12, 18]) func `a chunk that is lost is asked for at once`(position: Int) throws {
        let reference = try coordinator.put(bytes: bytes)
        relay.loseReply(position)
        let notice = ArtifactNotice(name: "weights", digest: reference.digest, size: UInt64(reference.size))
        #expect(try time(.fetch(notice)) < .seconds(Limits.transferRepeatSeconds))
        #expect(relay.lost == 1)
        #expect(try host.bytes(of: reference.digest) == bytes)
    }

    @Test(arguments: [2, 3, 12, 18]) func `a chunk that is lost is sent again at once`(position: Int) throws {
        let reference = try host.put(bytes: bytes)
        relay.loseRequest(position)
        let notice = ArtifactNotice(name: "weights", digest: reference.digest, size: UInt64(reference.size))
        #expect(try time(.push(notice)) < .seconds(Limits.transferRepeatSeconds))
        #expect(relay.lost == 1)
        #expect(try coordinator.bytes(of: reference.digest) == bytes)
    }
}

/// Passes frames between one worker and the coordinator, and loses one of them.
private final class LossyRelay: Sendable {
    private struct State {
        /// The frame that is lost, counted from 1 in its direction.
        var reply = 0, request = 0
        var lost = 0
        var isStopping = false
    }

    private let state = Mutex(State())
    private let hasStopped = DispatchSemaphore(value: 0)

    init(context: ZeroMQContext, from front: String, to back: String) throws {
        let isBound = DispatchSemaphore(value: 0)
        Thread { [self] in
            defer { hasStopped.signal() }
            guard let router = try? RouterSocket(context: context, options: .data),
                let dealer = try? DealerSocket(context: context, options: .data),
                (try? router.bind(to: front)) != nil, (try? dealer.connect(to: back)) != nil
            else {
                isBound.signal()
                return
            }
            isBound.signal()
            pass(router, dealer)
            router.close()
            dealer.close()
        }.start()
        isBound.wait()
    }

    func loseReply(_ position: Int) { state.withLock { $0.reply = position } }
    func loseRequest(_ position: Int) { state.withLock { $0.request = position } }
    var lost: Int { state.withLock { $0.lost } }

    func stop() {
        state.withLock { $0.isStopping = true }
        hasStopped.wait()
    }

    private func pass(_ router: RouterSocket, _ dealer: DealerSocket) {
        var poller = Poller<Int>()
        poller.watch(router, as: 0, for: .read)
        poller.watch(dealer, as: 1, for: .read)
        var worker: PeerID?
        while !state.withLock({ $0.isStopping }), (try? poller.wait(timeoutMilliseconds: 50)) != nil {
            while let (peer, frame) = try? router.receive() {
                worker = peer
                if !isLost(\.request) { _ = try? dealer.send(frame) }
            }
            while let frame = try? dealer.receive(), let worker {
                if !isLost(\.reply) { _ = try? router.send(frame, to: worker) }
            }
        }
    }

    private func isLost(_ position: WritableKeyPath<State, Int>) -> Bool {
        state.withLock { state in
            state[keyPath: position] -= 1
            guard state[keyPath: position] == 0 else { return false }
            state.lost += 1
            return true
        }
    }
}
