import Coordination
import Digests
import Studies
import Testing

@Suite struct WorkerSessionTests {
    private let start = Instant(seconds: 0)
    private let a = attempt("a")
    private let input = InputArtifact(job: jobID("s"), artifact: artifact("start"))

    private func session(slots: Int = 2) -> WorkerSession {
        var session = WorkerSession(hello: hello(slots: slots), now: start)
        #expect(session.start() == [.send(.hello(hello(slots: slots)))])
        #expect(session.handle(.received(.welcome(Welcome(datasetPath: "/data", drop: []))), at: start) == [])
        return session
    }

    private func run(_ slot: Int, _ attempt: AttemptID, _ name: String, inputs: [InputArtifact] = []) -> WorkerSession.Command {
        .start(
            slot: slot, attempt, WorkerSession.RunnerStart(spec: Array(name.utf8), datasetPath: "/data", inputs: inputs))
    }

    private func assign(_ attempt: AttemptID, _ name: String, inputs: [InputArtifact] = []) -> WorkerSession.Event {
        .received(.assign(assignment(attempt, name, inputs: inputs)))
    }

    private func ended(_ artifacts: [ArtifactNotice] = []) -> RunnerResult {
        RunnerResult(outcome: .finished, epochs: [metrics(1), metrics(2)], artifacts: artifacts, seconds: 4)
    }

    @Test func `an attempt is fetched for, run, pushed, reported and forgotten`() {
        var session = session()
        #expect(session.handle(assign(a, "a", inputs: [input]), at: start) == [.fetch(artifact("start"))])
        #expect(session.handle(.fetched(Digest(of: "start")), at: start) == [run(0, a, "a", inputs: [input])])
        #expect(session.handle(.runnerEpoch(slot: 0, metrics(1)), at: start) == [.send(.epoch(a, metrics(1)))])
        let outcome = result(a, artifacts: [artifact("x")])
        #expect(
            session.handle(.runnerEnded(slot: 0, ended([artifact("x")])), at: start) == [.spool(outcome), .push(artifact("x"))])
        #expect(session.handle(.pushed(Digest(of: "x")), at: start) == [.send(.result(outcome))])
        #expect(session.handle(.received(.acknowledged(a)), at: start) == [.unspool(a)])
        #expect(session.runningCount == 0)
        #expect(session.handle(.received(.greetAgain), at: start + 0.1) == [], "the first greeting is on its way")
        #expect(session.handle(.received(.greetAgain), at: start + 1) == [.send(.hello(hello()))])
    }

    @Test func `nothing starts before the welcome, which is asked for until it comes`() {
        var session = WorkerSession(hello: hello(), now: start)
        #expect(session.handle(assign(a, "a"), at: start) == [])
        #expect(session.handle(.tick, at: start + 2) == [.send(.hello(hello(holding: [a])))])
        #expect(session.handle(.received(.welcome(Welcome(datasetPath: "/data", drop: []))), at: start + 3) == [run(0, a, "a")])
    }

    @Test func `a worker that was never answered gives up after a minute, one that was after the grace period`() {
        var unanswered = WorkerSession(hello: hello(), now: start)
        #expect(!unanswered.handle(.tick, at: start + 59).contains { if case .end = $0 { true } else { false } })
        #expect(unanswered.handle(.tick, at: start + 61) == [.end(.unreachable(seconds: 61))])
        var abandoned = session()
        #expect(!abandoned.handle(.tick, at: start + 2399).contains { if case .end = $0 { true } else { false } })
        #expect(abandoned.handle(.tick, at: start + 2401) == [.end(.unreachable(seconds: 2401))])
    }

    @Test func `attempts run in the order they came, as many as there are slots`() {
        var session = session(slots: 1)
        #expect(session.handle(assign(attempt("b"), "b"), at: start) == [run(0, attempt("b"), "b")])
        #expect(session.handle(assign(a, "a"), at: start) == [])
        #expect(
            session.handle(.runnerEnded(slot: 0, ended()), at: start) == [
                .spool(result(attempt("b"))), .send(.result(result(attempt("b")))), run(0, a, "a"),
            ])
    }

    @Test func `attempts that wait for a slot can be dropped and assigned anew, and the others keep their order`() {
        var session = session(slots: 1)
        for name in ["a", "b", "c", "d"] { _ = session.handle(assign(attempt(name), name), at: start) }
        #expect(session.handle(.received(.cancel(attempt("b"))), at: start) == [])
        #expect(session.handle(assign(attempt("b", 2), "b"), at: start) == [])
        #expect(session.handle(assign(attempt("c", 2), "c"), at: start) == [], "a newer attempt waits at its own place")
        var started: [AttemptID] = []
        for _ in 0..<4 {
            for case .start(_, let attempt, _) in session.handle(.runnerEnded(slot: 0, ended()), at: start) { started.append(attempt) }
        }
        #expect(started == [attempt("d"), attempt("b", 2), attempt("c", 2)])
    }

    @Test func `a runner that dies fails the attempt it ran and none that waited behind it`() {
        var session = session(slots: 1)
        for name in ["a", "b"] { _ = session.handle(assign(attempt(name), name), at: start) }
        let crash = JobFailure(.crashed, "signal 9")
        #expect(
            session.handle(.runnerDied(slot: 0, crash), at: start) == [
                .send(.result(WorkerSessionTests.failure(a, crash))), run(0, attempt("b"), "b"),
            ])
    }

    private static func failure(_ attempt: AttemptID, _ failure: JobFailure) -> AttemptResult {
        AttemptResult(
            attempt: attempt, outcome: .failed(failure), epochs: [], artifacts: [], numericClass: "v1-haswell", seconds: 0)
    }

    @Test func `a repeated assignment and one that was overtaken change nothing`() {
        var session = session()
        #expect(session.handle(assign(attempt("a", 2), "a"), at: start) == [run(0, attempt("a", 2), "a")])
        #expect(session.handle(assign(attempt("a", 2), "a"), at: start) == [])
        #expect(session.handle(assign(attempt("a", 1), "a"), at: start) == [])
    }

    @Test func `a newer attempt at a job takes the place of the older that still runs`() {
        var session = session()
        #expect(session.handle(assign(a, "a"), at: start) == [run(0, a, "a")])
        #expect(session.handle(assign(attempt("a", 2), "a"), at: start) == [.kill(slot: 0), run(0, attempt("a", 2), "a")])
        #expect(session.runningCount == 1)
    }

    @Test func `a result is repeated until it is acknowledged, and told again at each welcome`() {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        let report = WorkerSession.Command.send(.result(result(a)))
        #expect(session.handle(.runnerEnded(slot: 0, ended()), at: start) == [.spool(result(a)), report])
        #expect(session.handle(.tick, at: start + 3.5) == [.send(.heartbeat), report])
        let welcome = WorkerSession.Event.received(.welcome(Welcome(datasetPath: "/data", drop: [])))
        #expect(session.handle(welcome, at: start + 3.5) == [report])
        #expect(session.handle(welcome, at: start + 3.5) == [report])
        #expect(session.handle(.received(.acknowledged(attempt("a", 2))), at: start + 3.5) == [])
        #expect(session.handle(.received(.acknowledged(attempt("stranger"))), at: start + 3.5) == [])
        #expect(session.handle(.received(.acknowledged(a)), at: start + 3.5) == [.unspool(a)])
        #expect(session.handle(.received(.acknowledged(a)), at: start + 3.5) == [])
        #expect(session.handle(.tick, at: start + 7) == [.send(.heartbeat)])
    }

    @Test func `artifacts that the coordinator misses are pushed, then the result is told again`() {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        _ = session.handle(.runnerEnded(slot: 0, ended([artifact("x"), artifact("y")])), at: start)
        #expect(session.handle(.received(.missing(a, [Digest(of: "y")])), at: start) == [], "it is pushing already")
        #expect(session.handle(.pushed(Digest(of: "x")), at: start) == [])
        let report = WorkerSession.Command.send(.result(result(a, artifacts: [artifact("x"), artifact("y")])))
        #expect(session.handle(.pushed(Digest(of: "y")), at: start) == [report])
        #expect(session.handle(.received(.missing(a, [Digest(of: "stranger")])), at: start) == [])
        #expect(session.handle(.received(.missing(a, [Digest(of: "y")])), at: start) == [.push(artifact("y"))])
        #expect(session.handle(.tick, at: start + 4) == [.send(.heartbeat)], "not told while it is being pushed")
        #expect(session.handle(.pushed(Digest(of: "y")), at: start + 4) == [report])
    }

    @Test func `an input that cannot be fetched fails every attempt that waits for it`() {
        var session = session()
        let b = attempt("b")
        _ = session.handle(assign(a, "a", inputs: [input]), at: start)
        _ = session.handle(assign(b, "b", inputs: [input]), at: start)
        let failure = JobFailure(.input, "artifact \(Digest(of: "start").short) could not be fetched: it is gone")
        let reports = [a, b].map { attempt in
            WorkerSession.Command.send(
                .result(
                    AttemptResult(
                        attempt: attempt, outcome: .failed(failure), epochs: [], artifacts: [], numericClass: "v1-haswell",
                        seconds: 0)))
        }
        #expect(session.handle(.fetchFailed(Digest(of: "start"), reason: "it is\u{1B} gone"), at: start) == reports)
        #expect(session.handle(.fetched(Digest(of: "start")), at: start) == [])
    }

    @Test func `an input that the host's disk cannot keep fails by the disk, not by the input`() {
        var session = session()
        _ = session.handle(assign(a, "a", inputs: [input]), at: start)
        let commands = session.handle(.fetchFailed(Digest(of: "start"), reason: "Input/output error", fault: .io), at: start)
        guard case .send(.result(let result)) = commands.first, case .failed(let failure) = result.outcome else {
            Issue.record("the attempt has not failed: \(commands)")
            return
        }
        #expect(failure.reason == .io)
    }

    @Test func `a failure quotes as much of a long message as fits the wire`() throws {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        let message = String(repeating: "é\u{0}", count: 3000)
        guard
            case .send(let sent) = session.handle(.runnerDied(slot: 0, JobFailure(.crashed, message)), at: start).first,
            case .result(let report) = sent, case .failed(let failure) = report.outcome
        else { Issue.record("no report"); return }
        #expect(failure == JobFailure(.crashed, String(repeating: "é", count: 1024)))
        #expect(try WorkerMessage(frame: sent.frame) == sent)
    }

    @Test func `a result that cannot be delivered is a failure of the attempt`() {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        _ = session.handle(.runnerEnded(slot: 0, ended([artifact("x")])), at: start)
        let commands = session.handle(.pushFailed(Digest(of: "x"), reason: "refused"), at: start)
        guard case .send(.result(let report)) = commands.last, case .failed(let failure) = report.outcome else {
            Issue.record("no report")
            return
        }
        #expect(failure.reason == .io)
        #expect(commands.dropLast() == [.unspool(a)])
    }

    @Test func `a canceled attempt is forgotten wherever it is, and late events about it change nothing`() {
        var session = session(slots: 1)
        let cancel = WorkerSession.Event.received(.cancel(a))
        #expect(session.handle(cancel, at: start) == [])
        _ = session.handle(assign(a, "a", inputs: [input]), at: start)
        #expect(session.handle(cancel, at: start) == [], "while fetching")
        #expect(session.handle(.fetched(Digest(of: "start")), at: start) == [])
        _ = session.handle(assign(a, "a"), at: start)
        #expect(session.handle(assign(attempt("b"), "b"), at: start) == [])
        #expect(session.handle(cancel, at: start) == [.kill(slot: 0), run(0, attempt("b"), "b")], "while running")
        _ = session.handle(.runnerEnded(slot: 0, ended([artifact("x")])), at: start)
        #expect(session.handle(.received(.cancel(attempt("b"))), at: start) == [.unspool(attempt("b"))], "while pushing")
        #expect(session.handle(.pushed(Digest(of: "x")), at: start) == [])
        #expect(session.handle(.received(.greetAgain), at: start + 1) == [.send(.hello(hello(slots: 1)))])
    }

    @Test func `a welcome drops what runs in vain, but a finished result is offered all the same`() {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        _ = session.handle(assign(attempt("b"), "b"), at: start)
        _ = session.handle(.runnerEnded(slot: 1, ended()), at: start)
        let welcome = Welcome(datasetPath: "/data", drop: [a, attempt("b"), attempt("stranger")])
        #expect(session.handle(.received(.welcome(welcome)), at: start) == [.kill(slot: 0), .send(.result(result(attempt("b"))))])
    }

    @Test func `a failure whose job has gone on is dropped by the welcome`() {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        _ = session.handle(.runnerDied(slot: 0, JobFailure(.crashed, "signal 9")), at: start)
        #expect(session.handle(.received(.welcome(Welcome(datasetPath: "/data", drop: [a]))), at: start) == [])
        #expect(session.handle(.tick, at: start + 5) == [.send(.heartbeat)])
    }

    @Test(arguments: [-1, 1, 2, 1_000_000])
    func `events of slots that are free or do not exist change nothing`(slot: Int) {
        var session = session(slots: 2)
        _ = session.handle(assign(a, "a"), at: start)
        #expect(session.handle(.runnerEpoch(slot: slot, metrics(1)), at: start) == [])
        #expect(session.handle(.runnerEnded(slot: slot, ended()), at: start) == [])
        #expect(session.handle(.runnerDied(slot: slot, JobFailure(.crashed, "")), at: start) == [])
        #expect(session.runningCount == 1)
    }

    @Test func `a silent coordinator makes the worker open a new socket and greet, and the work goes on`() {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        #expect(session.handle(.tick, at: start + 15.5) == [.reconnect, .send(.hello(hello(holding: [a])))])
        #expect(session.handle(.tick, at: start + 16) == [.send(.heartbeat)])
        #expect(session.handle(.tick, at: start + 31) == [.reconnect, .send(.hello(hello(holding: [a])))])
        #expect(session.runningCount == 1)
    }

    @Test func `every so often the heartbeat is a greeting`() {
        var session = session()
        var greetings: [Double] = []
        for second in 1...30 {
            let now = start + Double(second)
            _ = session.handle(.received(.heartbeat), at: now)
            let commands = session.handle(.tick, at: now)
            if commands == [.send(.hello(hello()))] {
                greetings.append(now.seconds)
            } else {
                #expect(commands == (second % 2 == 0 ? [.send(.heartbeat)] : []))
            }
        }
        #expect(greetings == [10, 20, 30])
    }

    @Test func `announcements are fetched, and the end is the end`() {
        var session = session()
        #expect(session.handle(.received(.announce(artifact("start"))), at: start) == [.fetch(artifact("start"))])
        #expect(session.handle(.received(.finish), at: start) == [.end(.finished)])
        #expect(session.handle(.received(.refused(reason: "too old")), at: start) == [.end(.refused("too old"))])
    }

    @Test func `a failure is not kept on the disk`() {
        var session = session()
        _ = session.handle(assign(a, "a"), at: start)
        let failure = RunnerResult(outcome: .failed(JobFailure(.specification, "no")), epochs: [], artifacts: [], seconds: 4)
        let commands = session.handle(.runnerEnded(slot: 0, failure), at: start)
        #expect(commands.count == 1)
        #expect(session.handle(.received(.acknowledged(a)), at: start) == [])
    }

    @Test func `results that an earlier process has left are greeted with, reported at the welcome and forgotten when taken`() {
        let left = [result(a, artifacts: [artifact("x")]), result(attempt("b", 3), .diverged(epoch: 1, step: 2))]
        var session = WorkerSession(hello: hello(), now: start, spooled: left)
        #expect(session.start() == [.send(.hello(hello(holding: [a, attempt("b", 3)])))])
        let welcome = WorkerSession.Event.received(.welcome(Welcome(datasetPath: "/data", drop: [attempt("b", 3)])))
        #expect(session.handle(welcome, at: start) == left.map { .send(.result($0)) })
        #expect(session.handle(.received(.missing(a, [Digest(of: "x")])), at: start) == [.push(artifact("x"))])
        #expect(session.handle(.pushed(Digest(of: "x")), at: start) == [.send(.result(left[0]))])
        #expect(session.handle(.received(.acknowledged(a)), at: start) == [.unspool(a)])
        #expect(session.handle(.received(.acknowledged(attempt("b", 3))), at: start) == [.unspool(attempt("b", 3))])
        #expect(session.handle(.tick, at: start + 4) == [.send(.heartbeat)])
    }

    @Test func `a left result takes no slot, and its job can be run again`() {
        var session = WorkerSession(hello: hello(slots: 1), now: start, spooled: [result(a)])
        _ = session.handle(.received(.welcome(Welcome(datasetPath: "/data", drop: []))), at: start)
        #expect(session.handle(assign(attempt("a", 2), "a"), at: start) == [run(0, attempt("a", 2), "a")])
        #expect(session.handle(.received(.acknowledged(a)), at: start) == [.unspool(a)])
        #expect(session.runningCount == 1)
    }
}
