import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import LedgerStore
import Studies
import Synchronization
import Transport

/// A coordinator of a few no-op jobs on a thread of its own, whose door is on loopback; stopped and removed with this object.
final class TestCoordinator: Sendable {
    struct State {
        var isStopping = false
        var keys: RemoteDoor.Keys?
        var changes: [LedgerChange] = []
        var bound: Result<(control: String, data: String), any Error>?
    }

    let server = KeyPair.generate()
    let folder = FileManager.default.temporaryDirectory.path + "/sower-door-" + UUID().uuidString.prefix(8)
    private final class Shared: Sendable { let state = Mutex(State()) }
    private let shared = Shared()
    private let hasEnded = DispatchSemaphore(value: 0)
    /// Where its sockets for other hosts listen.
    let control: String
    let data: String

    init(authorized: [KeyPair], jobs: Int = 4) throws {
        let isBound = DispatchSemaphore(value: 0)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let keys = Set(authorized.map(\.publicKey))
        let thread = Thread { [shared, folder, server, hasEnded] in
            defer { hasEnded.signal() }
            do {
                let ledger = try Ledger.open(path: folder + "/ledger.sqlite", now: Date())
                let study = try Self.register(jobs, in: ledger)
                let any = "tcp://127.0.0.1:*"
                let door = RemoteDoor(
                    controlEndpoint: any, dataEndpoint: any, curve: CurveServer(identity: server, authorized: keys),
                    reload: {
                        shared.state.withLock { state in
                            defer { state.keys = nil }
                            return state.keys
                        }
                    })
                let loop = try CoordinatorLoop(
                    CoordinatorLoop.Settings(
                        controlEndpoints: ["ipc://\(folder)/control"], dataEndpoints: ["ipc://\(folder)/data"], remote: door),
                    dispatcher: Dispatcher(entries: try ledger.snapshot(study: study), datasetPath: "/data"), ledger: ledger,
                    store: try ArtifactStore(folder: folder + "/artifacts"))
                shared.state.withLock { $0.bound = .success((loop.controlEndpoints.last!, loop.dataEndpoints.last!)) }
                isBound.signal()
                _ = try loop.run(
                    shouldStop: { shared.state.withLock { $0.isStopping } }, endedWorkers: { [] }, onProgress: { _ in },
                    onCommit: { commit in shared.state.withLock { $0.changes += commit.changes } })
                loop.close()
                try ledger.close()
            } catch {
                shared.state.withLock { $0.bound = .failure(error) }
                isBound.signal()
            }
        }
        thread.start()
        isBound.wait()
        (control, data) = try shared.state.withLock { $0.bound }!.get()
    }

    deinit {
        shared.state.withLock { $0.isStopping = true }
        hasEnded.wait()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What has been recorded so far.
    var changes: [LedgerChange] { shared.state.withLock { $0.changes } }

    func reload(_ keys: Set<PublicKey>) { shared.state.withLock { $0.keys = RemoteDoor.Keys(authorized: keys) } }

    private static func register(_ count: Int, in ledger: Ledger) throws -> StudyID {
        let definition = "{}"
        let specs = (0..<count).map { JobSpec.noop(NoopSpec(index: $0, epochs: 0, after: nil)) }
        return try ledger.register(
            study: StudyRecord(name: "door", definitionDigest: Digest(of: definition), definitionJSON: definition),
            jobs: specs.enumerated().map {
                PlannedJobRecord(
                    id: $1.id, spec: $1.canonicalJSON, kind: JobKind($1), stage: "test", priority: $0, inputs: [])
            }, cells: [], now: Date()
        ).study
    }
}

/// A worker that a test plays by hand.
final class HandPlayed {
    private let context: ZeroMQContext
    private let socket: DealerSocket

    init(
        _ pair: KeyPair?, at endpoint: String, of coordinator: TestCoordinator,
        options: SocketOptions = SocketOptions(maximumFrameBytes: Limits.controlFrameBytes)
    ) throws {
        context = try ZeroMQContext()
        socket = try DealerSocket(
            context: context, options: options, curve: pair.map { CurveClient(identity: $0, server: coordinator.server.publicKey) })
        try socket.connect(to: endpoint)
    }

    deinit { socket.close() }

    func say(_ message: WorkerMessage) throws { _ = try socket.send(message.frame) }
    @discardableResult func send(_ frame: [UInt8]) throws -> SendResult { try socket.send(frame) }
    func frame() throws -> [UInt8]? { try socket.receive() }

    /// The first message that `take` wants, within `seconds`.
    func hear<Value>(within seconds: Double = 60, _ take: (CoordinatorMessage) -> Value?) throws -> Value? {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if let frame = try socket.receive() {
                if let value = take(try CoordinatorMessage(frame: frame)) { return value }
            } else {
                usleep(2000)
            }
        }
        return nil
    }

    func isWelcome() throws -> Bool { try hear { if case .welcome = $0 { true } else { nil } } ?? false }
    func refusal() throws -> String? { try hear { if case .refused(let reason) = $0 { reason } else { nil } } }
    func assignment() throws -> AttemptID? { try hear { if case .assign(let assignment) = $0 { assignment.attempt } else { nil } } }
}

func greeting(_ worker: String, slots: Int = 1) -> WorkerMessage {
    .hello(Hello(worker: worker, host: "lab1", processID: 1, slots: slots, isCentral: false, numericClass: "v1", attempts: []))
}

/// What `attempt` answers at last, if it does so in time.
func eventually<Value>(within seconds: Double = 60, _ attempt: () throws -> Value?) throws -> Value? {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if let value = try attempt() { return value }
        usleep(2000)
    }
    return nil
}
