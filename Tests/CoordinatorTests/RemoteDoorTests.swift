import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import LedgerStore
import Studies
import Synchronization
import Testing
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
    func send(_ frame: [UInt8]) throws { _ = try socket.send(frame) }
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

func greeting(_ worker: String) -> WorkerMessage {
    .hello(Hello(worker: worker, host: "lab1", processID: 1, slots: 1, isCentral: false, numericClass: "v1", attempts: []))
}

@Suite struct RemoteDoorTests {
    /// A chosen routing id, or a name, must not let a peer take another's place.
    @Test func `fact 5, a name belongs to the key that greets with it first, connected or not`() throws {
        let first = KeyPair.generate(), second = KeyPair.generate()
        let coordinator = try TestCoordinator(authorized: [first, second])
        var owner: HandPlayed? = try HandPlayed(first, at: coordinator.control, of: coordinator)
        try owner?.say(greeting("w1"))
        #expect(try owner?.isWelcome() == true)
        let attempt = try #require(try owner?.assignment())

        let thief = try HandPlayed(second, at: coordinator.control, of: coordinator)
        try thief.say(greeting("w1"))
        #expect(try thief.refusal()?.contains("another key") == true)
        // What it says under that name is nobody's.
        try thief.say(.goodbye(reason: "gone"))
        #expect(try thief.hear { if case .greetAgain = $0 { true } else { nil } } == true)
        let local = try HandPlayed(nil, at: "ipc://\(coordinator.folder)/control", of: coordinator)
        try local.say(greeting("w1"))
        #expect(try local.refusal()?.contains("another key") == true)
        try owner?.say(.heartbeat)
        #expect(try owner?.hear { $0 == .heartbeat ? true : nil } == true, "the owner has lost its place")

        // Its owner comes back over another connection, with what it held; nobody else can meanwhile.
        owner = nil
        try thief.say(greeting("w1"))
        #expect(try thief.refusal() != nil)
        let back = try HandPlayed(first, at: coordinator.control, of: coordinator)
        guard case .hello(var hello) = greeting("w1") else { return }
        hello.attempts = [attempt]
        try back.say(.hello(hello))
        let dropped: [AttemptID]? = try back.hear { if case .welcome(let welcome) = $0 { welcome.drop } else { nil } }
        #expect(dropped == [])
        try thief.say(greeting("w2"))
        #expect(try thief.isWelcome(), "under a name of its own it is welcome")
        #expect(!coordinator.changes.contains { if case .workerLeft = $0 { true } else { false } })
    }

    @Test func `a key that is revoked in the middle is told, loses its jobs to others, and is heard no more on either socket`() throws {
        let first = KeyPair.generate(), second = KeyPair.generate()
        let coordinator = try TestCoordinator(authorized: [first, second], jobs: 1)
        let revoked = try HandPlayed(first, at: coordinator.control, of: coordinator)
        let blobs = try HandPlayed(first, at: coordinator.data, of: coordinator, options: .data)
        try revoked.say(greeting("w1"))
        let attempt = try #require(try revoked.assignment())
        try blobs.send(BlobRequest.get(Digest(of: "x"), offset: 0, count: 1).frame)
        #expect(try eventually { try blobs.frame() } != nil)
        let other = try HandPlayed(second, at: coordinator.control, of: coordinator)
        try other.say(greeting("w2"))
        #expect(try other.isWelcome())

        coordinator.reload([second.publicKey])
        #expect(try revoked.refusal() == "its key was revoked")
        let next = try #require(try other.assignment())
        #expect(next == AttemptID(job: attempt.job, number: attempt.number + 1))
        let left = LedgerChange.workerLeft(worker: "w1", reason: "its key was revoked")
        #expect(try eventually { coordinator.changes.contains(left) ? true : nil } == true)

        // Its result would settle the job; a blob would be stored.
        try revoked.say(greeting("w1"))
        try revoked.say(
            .result(AttemptResult(attempt: attempt, outcome: .finished, epochs: [], artifacts: [], numericClass: "v1", seconds: 1)))
        try blobs.send(BlobRequest.get(Digest(of: "x"), offset: 0, count: 1).frame)
        #expect(try revoked.hear(within: 1) { $0 } == nil)
        #expect(try blobs.frame() == nil)
        try other.say(.heartbeat)
        #expect(try other.hear { $0 == .heartbeat ? true : nil } == true)
        #expect(!coordinator.changes.contains { if case .jobSettled = $0 { true } else { false } })
        let again = try HandPlayed(first, at: coordinator.control, of: coordinator)
        try again.say(greeting("w1"))
        #expect(try again.hear(within: 1) { $0 } == nil, "its handshake should have been refused")

        let knocked = try eventually {
            coordinator.changes.first {
                if case .event("key-refused", let text) = $0 { text.contains("\(first.publicKey)") } else { false }
            }
        }
        #expect(knocked != nil, "nobody is told of the stranger")

        // A new key of the same host may have the name again.
        let renewed = KeyPair.generate()
        coordinator.reload([second.publicKey, renewed.publicKey])
        let isReloaded = LedgerChange.event(kind: "keys-reloaded", text: "2 keys are authorized")
        #expect(try eventually { coordinator.changes.contains(isReloaded) ? true : nil } == true)
        let back = try HandPlayed(renewed, at: coordinator.control, of: coordinator)
        try back.say(greeting("w1"))
        #expect(try back.isWelcome())
    }
}

private func eventually<Value>(_ attempt: () throws -> Value?) throws -> Value? {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if let value = try attempt() { return value }
        usleep(2000)
    }
    return nil
}
