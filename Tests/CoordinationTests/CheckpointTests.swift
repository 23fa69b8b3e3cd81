import Coordination
import Digests
import Testing

@Suite struct CheckpointTests {
    private let one = Checkpoint(epoch: 3, artifact: artifact("after 3"))
    private let two = Checkpoint(epoch: 5, artifact: artifact("after 5"))

    private func kept(_ checkpoint: Checkpoint) -> Dispatcher.Command {
        .record(.checkpointed(jobID("a"), JobCheckpoint(checkpoint: checkpoint, numericClass: "v1-haswell")))
    }

    private func assigned(_ commands: [Dispatcher.Command]) -> [Assignment] {
        commands.compactMap { if case .send(.assign(let assignment), _) = $0 { assignment } else { nil } }
    }

    // MARK: Dispatcher

    @Test func `a later checkpoint takes the place of an earlier one, which is removed; an earlier one is not taken`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        #expect(desk.receive(.checkpoint(attempt("a"), one)) == [kept(one)])
        #expect(desk.receive(.checkpoint(attempt("a"), one)) == [])
        #expect(desk.receive(.checkpoint(attempt("a"), two)) == [kept(two), .discard(one.artifact.digest)])
        #expect(desk.receive(.checkpoint(attempt("a"), one)) == [.discard(one.artifact.digest)])
    }

    @Test func `the next attempt goes on from the checkpoint, on a worker of its numeric class only`() {
        var desk = DispatcherDesk(entry("a"))
        var other = hello("w2", slots: 1)
        other.numericClass = "v1-zen"
        desk.greet(hello(slots: 1))
        desk.receive(.checkpoint(attempt("a"), one))
        desk.receive(.result(failed(attempt("a"), .crashed)))
        // w1 has it again at once.
        #expect(desk.dispatcher.workerNames == ["w1"])
        let commands = desk.greet(hello(slots: 1))
        #expect(assigned(commands).map(\.checkpoint) == [one.artifact])
        desk.handle(.workerEnded(worker: "w1", reason: "exit 9"))
        #expect(assigned(desk.greet(other)).map(\.checkpoint) == [nil])
    }

    @Test func `a settled job's checkpoint is removed, and so is one that comes too late`() {
        var desk = DispatcherDesk(entry("a"), entry("b"), entry("c"), crashLimit: 1)
        desk.greet(hello(slots: 3))
        desk.receive(.checkpoint(attempt("a"), one))
        #expect(desk.receive(.result(result(attempt("a")))).contains(.discard(one.artifact.digest)))
        #expect(desk.receive(.checkpoint(attempt("a"), two)) == [.discard(two.artifact.digest)])
        desk.receive(.checkpoint(attempt("b"), two))
        #expect(desk.receive(.result(failed(attempt("b"), .crashed))).contains(.discard(two.artifact.digest)))
    }

    @Test func `what an attempt was told to go on from stays, though the attempt before it got further`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello(slots: 1))
        desk.receive(.checkpoint(attempt("a"), one))
        #expect(assigned(desk.receive(.result(failed(attempt("a"), .crashed)))).map(\.checkpoint) == [one.artifact])
        // It was still on its way when the runner died.
        #expect(desk.receive(.checkpoint(attempt("a"), two)) == [.discard(two.artifact.digest)])
        #expect(desk.receive(.checkpoint(attempt("a", 2), two)) == [kept(two), .discard(one.artifact.digest)])
    }

    @Test func `an artifact is never removed, whatever a worker calls its checkpoint`() {
        var desk = DispatcherDesk(entry("a"), entry("b"))
        desk.greet(hello())
        desk.receive(.result(result(attempt("a"), artifacts: [one.artifact])))
        desk.receive(.checkpoint(attempt("b"), one))
        #expect(desk.receive(.checkpoint(attempt("b"), two)).contains(.discard(one.artifact.digest)) == false)
    }

    @Test func `a checkpoint that another open job has too stays until both are done with it`() {
        var desk = DispatcherDesk(entry("a"), entry("b"))
        desk.greet(hello())
        desk.receive(.checkpoint(attempt("a"), one))
        desk.receive(.checkpoint(attempt("b"), one))
        #expect(desk.receive(.checkpoint(attempt("a"), two)).contains(.discard(one.artifact.digest)) == false)
        #expect(desk.receive(.checkpoint(attempt("b"), two)).contains(.discard(one.artifact.digest)))
    }

    @Test func `a checkpoint of an unknown job or an attempt never given is none`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        #expect(desk.receive(.checkpoint(attempt("stranger"), one)) == [])
        #expect(desk.receive(.checkpoint(attempt("a", 7), one)) == [.discard(one.artifact.digest)])
    }

    @Test func `what a ledger remembers is handed out after a restart`() {
        var remembered = entry("a", lastAttempt: 1, lastEndedAttempt: 1)
        remembered.checkpoint = JobCheckpoint(checkpoint: one, numericClass: "v1-haswell")
        var desk = DispatcherDesk(remembered)
        #expect(assigned(desk.greet(hello())).map(\.checkpoint) == [one.artifact])
    }

    // MARK: Worker

    private func session() -> WorkerSession {
        var session = WorkerSession(hello: hello(slots: 1), now: Instant(seconds: 0))
        _ = session.handle(
            .received(.welcome(Welcome(datasetPath: "/data", drop: [], checkpointSeconds: 60))), at: Instant(seconds: 0))
        return session
    }

    private func start(_ checkpoint: ArtifactNotice? = nil) -> WorkerSession.Command {
        .start(
            slot: 0, attempt("a"),
            WorkerSession.RunnerStart(
                spec: Array("a".utf8), datasetPath: "/data", inputs: [], checkpoint: checkpoint, checkpointSeconds: 60))
    }

    @Test func `a checkpoint is pushed, then reported, and an older one removed from the host`() {
        var session = session()
        let now = Instant(seconds: 1)
        #expect(session.handle(.received(.assign(assignment(attempt("a"), "a"))), at: now) == [start()])
        #expect(session.handle(.runnerCheckpoint(slot: 0, one), at: now) == [.push(one.artifact)])
        #expect(session.handle(.pushed(one.artifact.digest), at: now) == [.send(.checkpoint(attempt("a"), one))])
        #expect(
            session.handle(.runnerCheckpoint(slot: 0, two), at: now) == [.discard(one.artifact.digest), .push(two.artifact)])
        let ended = session.handle(
            .runnerEnded(slot: 0, RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 1)), at: now)
        #expect(ended.first == .discard(two.artifact.digest))
        // It arrives after the result: the coordinator hears of it all the same, and removes it.
        #expect(session.handle(.pushed(two.artifact.digest), at: now) == [.send(.checkpoint(attempt("a"), two))])
    }

    private let three = Checkpoint(epoch: 7, artifact: artifact("after 7"))

    @Test func `a checkpoint that is on its way is not given up for newer ones, of which the last goes next`() {
        var session = session()
        let now = Instant(seconds: 1)
        _ = session.handle(.received(.assign(assignment(attempt("a"), "a"))), at: now)
        #expect(session.handle(.runnerCheckpoint(slot: 0, one), at: now) == [.push(one.artifact)])
        #expect(session.handle(.runnerCheckpoint(slot: 0, two), at: now) == [])
        #expect(session.handle(.runnerCheckpoint(slot: 0, three), at: now) == [.discard(two.artifact.digest)])
        #expect(session.neededArtifacts == [one.artifact.digest, three.artifact.digest])
        #expect(
            session.handle(.pushed(one.artifact.digest), at: now)
                == [.send(.checkpoint(attempt("a"), one)), .discard(one.artifact.digest), .push(three.artifact)])
        #expect(session.handle(.pushed(three.artifact.digest), at: now) == [.send(.checkpoint(attempt("a"), three))])
    }

    @Test func `when one cannot be delivered the newest goes next, and a result takes the place of all`() {
        var session = session()
        let now = Instant(seconds: 1)
        _ = session.handle(.received(.assign(assignment(attempt("a"), "a"))), at: now)
        _ = session.handle(.runnerCheckpoint(slot: 0, one), at: now)
        _ = session.handle(.runnerCheckpoint(slot: 0, two), at: now)
        #expect(
            session.handle(.pushFailed(one.artifact.digest, reason: "gone"), at: now)
                == [.discard(one.artifact.digest), .push(two.artifact)])
        _ = session.handle(.runnerCheckpoint(slot: 0, three), at: now)
        let ended = session.handle(
            .runnerEnded(slot: 0, RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 1)), at: now)
        #expect(ended.prefix(2) == [.discard(two.artifact.digest), .discard(three.artifact.digest)])
        #expect(session.handle(.pushed(two.artifact.digest), at: now) == [.send(.checkpoint(attempt("a"), two))])
    }

    @Test func `a worker that leaves waits for the newest checkpoint too`() {
        var session = session()
        let now = Instant(seconds: 1)
        _ = session.handle(.received(.assign(assignment(attempt("a"), "a"))), at: now)
        _ = session.handle(.runnerCheckpoint(slot: 0, one), at: now)
        _ = session.handle(.runnerCheckpoint(slot: 0, two), at: now)
        _ = session.handle(.leave, at: now)
        #expect(session.neededArtifacts == [one.artifact.digest, two.artifact.digest])
        let next = session.handle(.pushed(one.artifact.digest), at: now)
        #expect(next.contains(.push(two.artifact)) && !next.contains { if case .send(.result) = $0 { true } else { false } })
        let last = session.handle(.pushed(two.artifact.digest), at: now)
        #expect(last.contains { if case .send(.result) = $0 { true } else { false } })
    }

    @Test func `an attempt with a checkpoint fetches it first, and starts over when that fails`() {
        let now = Instant(seconds: 1)
        let given = Assignment(attempt: attempt("a"), spec: Array("a".utf8), inputs: [], checkpoint: one.artifact)
        var lucky = session()
        #expect(lucky.handle(.received(.assign(given)), at: now) == [.fetch(one.artifact)])
        #expect(lucky.handle(.fetched(one.artifact.digest), at: now) == [start(one.artifact)])
        var unlucky = session()
        _ = unlucky.handle(.received(.assign(given)), at: now)
        #expect(unlucky.handle(.fetchFailed(one.artifact.digest, reason: "gone"), at: now) == [start()])
    }

    @Test func `an input that cannot be fetched is no less missing for being called a checkpoint too`() {
        let now = Instant(seconds: 1)
        let input = InputArtifact(job: jobID("b"), artifact: one.artifact)
        var session = session()
        _ = session.handle(
            .received(.assign(Assignment(attempt: attempt("a"), spec: [1], inputs: [input], checkpoint: one.artifact))), at: now)
        guard case .send(.result(let result)) = session.handle(.fetchFailed(one.artifact.digest, reason: "gone"), at: now).first
        else {
            Issue.record("the job is started without its input")
            return
        }
        #expect(result.outcome.isFailure)
    }
}
