import Coordination
import Digests
import Studies
import Testing

/// How a worker leaves: told once, told twice, and at the end of its time.
@Suite struct WorkerLeavingTests {
    private let start = Instant(seconds: 0)
    private let a = attempt("a")
    private let b = attempt("b")

    private func session(slots: Int = 1, secondsLeft: Double? = nil, running names: String...) -> WorkerSession {
        var greeting = hello(slots: slots)
        greeting.secondsLeft = secondsLeft
        var session = WorkerSession(hello: greeting, now: start)
        _ = session.handle(.received(.welcome(Welcome(datasetPath: "/data", drop: []))), at: start)
        for name in names { _ = session.handle(.received(.assign(assignment(attempt(name), name))), at: start) }
        return session
    }

    private func sent(_ commands: [WorkerSession.Command]) -> [WorkerMessage] {
        commands.compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    private func failure(_ attempt: AttemptID, in commands: [WorkerSession.Command]) -> (reason: JobFailure.Reason, seconds: Double)? {
        for case .result(let result) in sent(commands) where result.attempt == attempt {
            if case .failed(let failure) = result.outcome { return (failure.reason, result.seconds) }
        }
        return nil
    }

    private func greeting(_ commands: [WorkerSession.Command]) -> Hello? {
        for case .hello(let hello) in sent(commands) { return hello }
        return nil
    }

    private let goodbye = WorkerSession.Command.send(.goodbye(reason: "it was told to leave, and has delivered everything"))

    @Test func `told once, a worker says so, gives back what has not begun, ends what runs, delivers it and goes`() {
        var session = session(running: "a", "b")
        let commands = session.handle(.drain, at: start)
        #expect(failure(b, in: commands)?.reason == .canceled)
        #expect(failure(a, in: commands) == nil && !commands.contains(.kill(slot: 0)))
        #expect(greeting(commands)?.isDraining == true)
        #expect(session.handle(.received(.acknowledged(b)), at: start) == [])
        let late = session.handle(.received(.assign(assignment(attempt("c"), "c"))), at: start)
        #expect(failure(attempt("c"), in: late)?.reason == .canceled, "one that was on its way goes back")
        #expect(session.handle(.received(.acknowledged(attempt("c"))), at: start) == [])

        let ended = RunnerResult(outcome: .finished, epochs: [metrics(1), metrics(2)], artifacts: [artifact("x")], seconds: 4)
        #expect(session.handle(.runnerEnded(slot: 0, ended), at: start).last == .push(artifact("x")))
        #expect(session.handle(.pushed(Digest(of: "x")), at: start) == [.send(.result(result(a, artifacts: [artifact("x")])))])
        #expect(session.handle(.drain, at: start) == [], "to be told again by another way changes nothing")
        #expect(session.handle(.received(.acknowledged(a)), at: start) == [.unspool(a), goodbye, .end(.left)])
    }

    @Test func `a worker that has nothing goes at once`() {
        var session = session()
        #expect(session.handle(.drain, at: start).suffix(2) == [goodbye, .end(.left)])
    }

    @Test func `told twice, a worker ends its runners and gives their jobs back when their checkpoints have arrived`() {
        var session = session(slots: 2, running: "a", "b")
        let checkpoint = Checkpoint(epoch: 3, artifact: artifact("at 3"))
        #expect(session.handle(.runnerCheckpoint(slot: 0, checkpoint), at: start + 5) == [.push(artifact("at 3"))])
        _ = session.handle(.drain, at: start + 6)
        let commands = session.handle(.leave, at: start + 7)
        #expect(commands.contains(.kill(slot: 0)) && commands.contains(.kill(slot: 1)))
        #expect(failure(b, in: commands)?.reason == .preempted && failure(b, in: commands)?.seconds == 7)
        #expect(failure(a, in: commands) == nil, "its checkpoint is on its way")
        #expect(session.neededArtifacts == [Digest(of: "at 3")])
        #expect(session.handle(.received(.acknowledged(b)), at: start + 8) == [])
        let arrived = session.handle(.pushed(Digest(of: "at 3")), at: start + 8)
        #expect(arrived.first == .send(.checkpoint(a, checkpoint)))
        #expect(failure(a, in: arrived)?.reason == .preempted)
        #expect(session.handle(.received(.acknowledged(a)), at: start + 9) == [goodbye, .end(.left)])
    }

    @Test func `a checkpoint that cannot be delivered, or a coordinator that is gone, keep a worker for seconds only`() {
        var refused = session(running: "a")
        _ = refused.handle(.runnerCheckpoint(slot: 0, Checkpoint(epoch: 3, artifact: artifact("x"))), at: start)
        _ = refused.handle(.leave, at: start)
        #expect(failure(a, in: refused.handle(.pushFailed(Digest(of: "x"), reason: "full"), at: start))?.reason == .preempted)

        var alone = session(running: "a")
        _ = alone.handle(.leave, at: start)
        #expect(!alone.handle(.tick, at: start + 19).contains(.end(.left)))
        #expect(alone.handle(.tick, at: start + 21).contains(.end(.left)))

        // Draining, it waits for its runners however long, but not for a silent coordinator to take their results.
        var patient = session(running: "a")
        _ = patient.handle(.drain, at: start)
        #expect(!patient.handle(.tick, at: start + 500).contains(.end(.left)))
        _ = patient.handle(.runnerEnded(slot: 0, RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 4)), at: start + 501)
        #expect(patient.handle(.tick, at: start + 502).contains(.end(.left)))
    }

    @Test func `at the end of its time a worker leaves by itself, and it says how much is left`() {
        var session = session(secondsLeft: 100, running: "a")
        #expect(greeting(session.handle(.received(.greetAgain), at: start + 40))?.secondsLeft == 60)
        #expect(!session.handle(.tick, at: start + 99).contains(.kill(slot: 0)))
        let commands = session.handle(.tick, at: start + 100)
        #expect(commands.contains(.kill(slot: 0)))
        #expect(failure(a, in: commands)?.reason == .preempted && failure(a, in: commands)?.seconds == 100)
        #expect(greeting(commands)?.isDraining == true)
        #expect(session.handle(.received(.acknowledged(a)), at: start + 101).last == .end(.left))
    }

    @Test func `a job for which the time has run out while it waited is given back, not begun`() {
        var session = session(secondsLeft: 100, running: "a")
        var waiting = assignment(b, "b")
        waiting.expectedSeconds = 30
        #expect(session.handle(.received(.assign(waiting)), at: start) == [])
        let ended = RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 4)
        let commands = session.handle(.runnerEnded(slot: 0, ended), at: start + 71)
        #expect(failure(b, in: commands)?.reason == .canceled)
        #expect(!commands.contains { if case .start = $0 { true } else { false } })
    }
}
