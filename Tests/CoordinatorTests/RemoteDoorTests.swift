import Coordination
import Digests
import LedgerStore
import Testing
import Transport

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
