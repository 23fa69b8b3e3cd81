import Coordination
import Studies
import Testing

/// What a person asks of a running sweep.
@Suite struct OperatorTests {
    private func assigned(_ commands: [Dispatcher.Command]) -> [AttemptID] {
        commands.compactMap { if case .send(.assign(let assignment), _) = $0 { assignment.attempt } else { nil } }
    }

    @Test func `a paused sweep starts nothing and takes results, and goes on when told to`() {
        var desk = DispatcherDesk(entry("a"), entry("b", priority: 1))
        desk.greet(hello(slots: 1))
        #expect(desk.handle(.asked(.pause)).last == .send(.giveBack, to: "w1"))
        #expect(assigned(desk.receive(.result(result(attempt("a"))))) == [])
        #expect(desk.dispatcher.mode == .paused)
        #expect(assigned(desk.handle(.asked(.proceed))) == [attempt("b")])
    }

    @Test func `a stopped sweep is drained when the running attempts have ended, and does not begin again`() {
        var desk = DispatcherDesk(entry("a"), entry("b", priority: 1))
        desk.greet(hello(slots: 1))
        desk.handle(.asked(.stop))
        #expect(!desk.dispatcher.isDrained)
        #expect(assigned(desk.handle(.asked(.proceed))) == [])
        #expect(assigned(desk.receive(.result(failed(attempt("a"), .crashed)))) == [])
        #expect(desk.dispatcher.isDrained)
    }

    @Test func `what is given back had not begun: it is ready again, and no crash is counted`() {
        var desk = DispatcherDesk(entry("a"), crashLimit: 1)
        desk.greet(hello(slots: 1))
        desk.handle(.asked(.pause))
        desk.receive(.result(failed(attempt("a"), .canceled)))
        #expect(desk.dispatcher.counts == [.waiting: 1])
        #expect(assigned(desk.handle(.asked(.proceed))) == [attempt("a", 2)])
    }

    @Test func `a canceled job is settled with those that need it, and its worker told to drop it`() {
        var desk = DispatcherDesk(entry("a"), entry("b", inputs: ["a"]), entry("c", priority: 9))
        desk.greet(hello(slots: 1))
        let commands = desk.handle(.asked(.cancelJobs([jobID("a"), jobID("unknown")])))
        #expect(commands.contains(.send(.cancel(attempt("a")), to: "w1")))
        #expect(
            commands.contains(.record(.jobFailed(jobID("a"), attempt: attempt("a"), JobFailure(.canceled, "canceled by a person")))))
        #expect(assigned(commands) == [attempt("c")])
        #expect(desk.dispatcher.counts == [.failed: 2, .running: 1])
        // A result that was on its way is there, and starts nothing.
        #expect(desk.receive(.result(result(attempt("a")))).last == .send(.acknowledged(attempt("a")), to: "w1"))
        #expect(desk.dispatcher.counts == [.finished: 1, .failed: 1, .running: 1])
        #expect(desk.handle(.asked(.cancelJobs([jobID("a")]))) == [])
    }

    @Test func `failed jobs are open again with the failed ones they need and that need them, their crashes forgiven`() {
        var desk = DispatcherDesk(entry("a"), entry("b", inputs: ["a"]), entry("c", inputs: ["b"]), crashLimit: 2)
        desk.greet(hello(slots: 1))
        desk.receive(.result(failed(attempt("a"), .crashed)))
        desk.receive(.result(failed(attempt("a", 2), .crashed)))
        #expect(desk.dispatcher.counts == [.failed: 3])
        let commands = desk.handle(.asked(.retry([jobID("b")])))
        for name in ["a", "b", "c"] { #expect(commands.contains(.record(.jobReopened(jobID(name))))) }
        #expect(assigned(commands) == [attempt("a", 3)])
        #expect(assigned(desk.receive(.result(failed(attempt("a", 3), .crashed)))) == [attempt("a", 4)])
        #expect(assigned(desk.receive(.result(result(attempt("a", 4))))) == [attempt("b")])
    }

    @Test func `without names every failed job is opened, and one whose input diverged fails again at once`() {
        var desk = DispatcherDesk(entry("a"), entry("b", inputs: ["a"]), entry("c"), crashLimit: 1)
        desk.greet(hello(slots: 2))
        desk.receive(.result(result(attempt("a"), .diverged(epoch: 1, step: 2), epochs: 0)))
        desk.receive(.result(failed(attempt("c"), .crashed)))
        #expect(desk.dispatcher.counts == [.diverged: 1, .failed: 2])
        desk.handle(.asked(.retry([])))
        #expect(desk.dispatcher.counts == [.diverged: 1, .failed: 1, .running: 1])
    }

    @Test func `requests and replies come back from their wire form, and other bytes are refused`() throws {
        let requests: [OperatorRequest] = [
            .pause, .proceed, .stop, .cancel, .cancelJobs([jobID("a")]), .retry([]), .retry([jobID("a"), jobID("b")]), .report,
            .explain(jobID("a")),
        ]
        for request in requests { #expect(try OperatorRequest(frame: request.frame) == request) }
        let reply = OperatorReply(
            mode: .paused, changed: 3, running: 2, quarantinedHosts: ["lab1"], silentWorkers: [SilentWorker(name: "lab2-1", seconds: 9)],
            notes: ["2 jobs wait"])
        #expect(try OperatorReply(frame: reply.frame) == reply)
        for count in 0..<reply.frame.count {
            #expect(throws: WireError.self) { try OperatorReply(frame: Array(reply.frame.prefix(count))) }
        }
        #expect(throws: WireError.self) { try OperatorRequest(frame: [99]) }
        #expect(throws: WireError.self) { try OperatorRequest(frame: []) }
    }
}

/// What a worker does about its time limit and about work that is wanted back.
@Suite struct WorkerLimitTests {
    private func session(timeLimit: Double?, slots: Int = 1) -> WorkerSession {
        var session = WorkerSession(hello: hello(slots: slots), now: Instant(seconds: 0))
        _ = session.handle(
            .received(.welcome(Welcome(datasetPath: "/data", drop: [], timeLimitSeconds: timeLimit))), at: Instant(seconds: 0))
        return session
    }

    private func assign(_ name: String, to session: inout WorkerSession, at seconds: Double) -> [WorkerSession.Command] {
        session.handle(.received(.assign(assignment(attempt(name), name))), at: Instant(seconds: seconds))
    }

    @Test func `an attempt that runs longer than allowed is killed and reported, and the next one starts`() {
        var session = session(timeLimit: 100)
        _ = assign("a", to: &session, at: 1)
        _ = assign("b", to: &session, at: 1)
        #expect(!session.handle(.tick, at: Instant(seconds: 101)).contains(.kill(slot: 0)))
        let commands = session.handle(.tick, at: Instant(seconds: 101.5))
        #expect(commands.first == .kill(slot: 0))
        guard case .send(.result(let result)) = commands[1], case .failed(let failure) = result.outcome else {
            Issue.record("the time-out is not reported")
            return
        }
        #expect(result.attempt == attempt("a") && failure.code == "TIMEOUT" && failure.message.contains("100 s"))
        #expect(commands.contains { if case .start(0, attempt("b"), _) = $0 { true } else { false } })
    }

    @Test func `without a limit an attempt runs for ever`() {
        var session = session(timeLimit: nil)
        _ = assign("a", to: &session, at: 1)
        for second in 2..<100 {
            _ = session.handle(.received(.heartbeat), at: Instant(seconds: Double(second) * 1000))
            #expect(!session.handle(.tick, at: Instant(seconds: Double(second) * 1000)).contains(.kill(slot: 0)))
        }
    }

    @Test func `what has not begun is given back, what runs goes on`() {
        var session = session(timeLimit: nil)
        _ = assign("a", to: &session, at: 1)
        _ = assign("b", to: &session, at: 1)
        let commands = session.handle(.received(.giveBack), at: Instant(seconds: 2))
        #expect(commands.count == 1)
        guard case .send(.result(let result)) = commands.first, case .failed(let failure) = result.outcome else {
            Issue.record("nothing is given back")
            return
        }
        #expect(result.attempt == attempt("b") && failure.reason == .canceled)
        #expect(session.runningCount == 1)
    }
}
