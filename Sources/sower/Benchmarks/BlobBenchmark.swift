import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import Synchronization
import Tensors
import Transport
import Worker

/// Moves made-up blobs between a coordinator's blob server and a worker's blob client, with heartbeats beside them.
struct BlobBenchmark {
    var folder: String
    var blobBytes: Int
    var count: Int
    var streams: Int
    /// Whether both sides speak CURVE, as between hosts.
    var usesCurve = false

    func run() throws -> BlobReport {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.path + "/sower-bench-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let coordinator = try ArtifactStore(folder: path + "/coordinator")
        let worker = try ArtifactStore(folder: path + "/worker")
        let coordinatorContext = try ZeroMQContext()
        let workerContext = try ZeroMQContext()

        let server = try BlobServer()
        let any = "tcp://127.0.0.1:*"
        let pairs = usesCurve ? (server: KeyPair.generate(), client: KeyPair.generate()) : nil
        let curve = pairs.map { CurveServer(identity: $0.server, authorized: [$0.client.publicKey]) }
        let zap = try curve.map { curve in try ZapHandler(context: coordinatorContext) { curve.isAuthorized($0) } }
        defer { zap?.stop() }
        let endpoints = try server.start(
            context: coordinatorContext, endpoints: usesCurve ? [] : [any], remote: curve.map { (any, $0) }, store: coordinator)
        let client = try BlobClient()
        client.start(
            context: workerContext, endpoint: endpoints[0],
            curve: pairs.map { CurveClient(identity: $0.client, server: $0.server.publicKey) }, store: worker)
        let heartbeats = try Heartbeats(server: coordinatorContext, client: workerContext)
        defer {
            heartbeats.stop()
            client.stop()
            server.stop()
        }

        let hashSpeed = hashSpeed()
        heartbeats.reset()
        Thread.sleep(forTimeInterval: 1)
        let idle = BlobReport.Heartbeat(heartbeats.take())
        let references = try (0..<count).map { try make(number: $0, in: coordinator) }
        var cases: [BlobReport.Case] = []
        for streams in streams == 1 ? [1] : [1, streams] {
            try warm(references, in: coordinator)
            cases.append(try measure(references, .fetch, streams: streams, client, heartbeats))
            for reference in references { try coordinator.remove(reference.digest) }
            try warm(references, in: worker)
            cases.append(try measure(references, .push, streams: streams, client, heartbeats))
            for reference in references { try worker.remove(reference.digest) }
        }
        return BlobReport(
            blobBytes: blobBytes, blobCount: count, folder: folder, fileSystem: Self.fileSystem(of: path), curve: usesCurve,
            hashMegabytesPerSecond: hashSpeed, idleHeartbeat: idle, cases: cases,
            peakMemoryMegabytes: ProcessMemory.peakMegabytes)
    }

    private enum Direction: String { case fetch, push }

    private func measure(
        _ references: [ArtifactReference], _ direction: Direction, streams: Int, _ client: BlobClient, _ heartbeats: Heartbeats
    ) throws -> BlobReport.Case {
        var waiting = references[...]
        var missing = references.count
        func submitNext() {
            guard let next = waiting.popFirst() else { return }
            let notice = ArtifactNotice(name: "blob", digest: next.digest, size: UInt64(next.size))
            client.submit(direction == .fetch ? .fetch(notice) : .push(notice))
        }
        var poller = Poller<Int>()
        poller.watch(fileDescriptor: client.hasEvents.fileDescriptor, as: 0, for: .read)
        heartbeats.reset()
        let start = ContinuousClock.now
        let startCPU = Self.processSeconds()
        for _ in 0..<streams { submitNext() }
        while missing > 0 {
            _ = try poller.wait(timeoutMilliseconds: 1000)
            for event in client.takeEvents() {
                switch event {
                case .fetched, .pushed:
                    missing -= 1
                    submitNext()
                case .fetchFailed(_, let reason, _), .pushFailed(_, let reason):
                    throw Stop(
                        .incomplete, "a blob did not arrive: \(reason)", remedy: "Look at the disk below \(folder), then measure again.")
                case .delayed(_, let reason):
                    throw Stop(.incomplete, reason, remedy: "Make room below \(folder), or choose another --folder.")
                case .noticed: break
                }
            }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let bytes = Double(references.reduce(0) { $0 + $1.size })
        return BlobReport.Case(
            direction: direction.rawValue, streams: streams, megabytesPerSecond: bytes / seconds / 1e6,
            cpuSecondsPerGigabyte: (Self.processSeconds() - startCPU) / bytes * 1e9, heartbeat: BlobReport.Heartbeat(heartbeats.take()))
    }

    /// Reads what is going to be sent into the page cache, where a blob is that has just been made.
    private func warm(_ references: [ArtifactReference], in store: ArtifactStore) throws {
        for reference in references { try store.verify(reference.digest) }
    }

    /// A blob like no other, a mebibyte at a time.
    private func make(number: Int, in store: ArtifactStore) throws -> ArtifactReference {
        var stream = RandomStream(seed: UInt64(number) &+ UInt64.random(in: 0 ... .max))
        return try store.put { (sink) throws(ArtifactStoreError) in
            var left = blobBytes
            while left > 0 {
                let piece = (0..<(min(left, 1 << 20) + 3) / 4).map { _ in stream.nextUInt32() }
                let count = min(left, 4 * piece.count)
                try piece.withUnsafeBytes { bytes in
                    Result { () throws(ArtifactStoreError) in try sink(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
                }.get()
                left -= count
            }
        }
    }

    private func hashSpeed() -> Double {
        let bytes = [UInt8](repeating: 7, count: 64 << 20)
        _ = Digest(of: bytes)
        let start = ContinuousClock.now
        for _ in 0..<4 { _ = Digest(of: bytes) }
        return 4 * Double(bytes.count) / ((ContinuousClock.now - start) / .seconds(1)) / 1e6
    }

    private static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The type of the file system that holds a path, from the kernel's list of mounts; "unknown" where there is none.
    private static func fileSystem(of path: String) -> String {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        let fields = mounts.split(separator: "\n").map { $0.split(separator: " ") }
        let holders = fields.filter { $0.count > 2 && ($0[1] == "/" || path == $0[1] || path.hasPrefix($0[1] + "/")) }
        return holders.max { $0[1].count <= $1[1].count }.map { String($0[2]) } ?? "unknown"
    }
}

/// A coordinator's control socket that answers heartbeats, and a worker's that sends one every few milliseconds.
private final class Heartbeats: Sendable {
    private struct State {
        var roundTrips: [Double] = []
        var isStopping = false
    }

    private let state = Mutex(State())

    init(server: ZeroMQContext, client: ZeroMQContext) throws {
        let endpoint = Mutex("")
        let isBound = DispatchSemaphore(value: 0)
        Thread { [self] in
            defer { isBound.signal() }
            guard let socket = try? RouterSocket(context: server), (try? socket.bind(to: "tcp://127.0.0.1:*")) != nil else { return }
            endpoint.withLock { $0 = (try? socket.lastEndpoint) ?? "" }
            isBound.signal()
            answer(socket)
            socket.close()
        }.start()
        isBound.wait()
        let address = endpoint.withLock { $0 }
        guard !address.isEmpty else { throw Stop(.incomplete, "no port of 127.0.0.1 could be bound", remedy: "See `ss -ltn`.") }
        Thread { [self] in
            guard let socket = try? DealerSocket(context: client), (try? socket.connect(to: address)) != nil else { return }
            ask(socket)
            socket.close()
        }.start()
    }

    func reset() { state.withLock { $0.roundTrips = [] } }
    func take() -> [Double] { state.withLock { $0.roundTrips } }
    func stop() { state.withLock { $0.isStopping = true } }
    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func answer(_ socket: RouterSocket) {
        var poller = Poller<Int>()
        poller.watch(socket, as: 0, for: .read)
        while !isStopping, (try? poller.wait(timeoutMilliseconds: 250)) != nil {
            while let (peer, _) = try? socket.receive() { _ = try? socket.send(CoordinatorMessage.heartbeat.frame, to: peer) }
        }
    }

    private func ask(_ socket: DealerSocket) {
        var poller = Poller<Int>()
        poller.watch(socket, as: 0, for: .read)
        while !isStopping {
            let start = ContinuousClock.now
            _ = try? socket.send(WorkerMessage.heartbeat.frame)
            var isAnswered = false
            while !isAnswered, !isStopping, (try? poller.wait(timeoutMilliseconds: 250)) != nil {
                while let _ = try? socket.receive() { isAnswered = true }
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            state.withLock { $0.roundTrips.append(seconds) }
            Thread.sleep(forTimeInterval: 0.003)
        }
    }
}
