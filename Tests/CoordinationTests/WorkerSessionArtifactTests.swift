import Coordination
import Digests
import Studies
import Testing

/// Which artifacts a worker keeps in its host's store, and when it has to look.
@Suite struct WorkerSessionArtifactTests {
    private let start = Instant(seconds: 0)
    private let a = attempt("a")
    private let input = InputArtifact(job: jobID("s"), artifact: artifact("start"))

    private func session() -> WorkerSession {
        var session = WorkerSession(hello: hello(), now: start)
        _ = session.handle(.received(.welcome(Welcome(datasetPath: "/data", drop: []))), at: start)
        return session
    }

    /// Hands the session an event; answers what it needs afterwards, and whether it said that this may have changed.
    private func handle(_ event: WorkerSession.Event, _ session: inout WorkerSession) -> (needed: Set<Digest>, isTold: Bool) {
        let before = (needed: session.neededArtifacts, changes: session.artifactChanges)
        _ = session.handle(event, at: start)
        let isTold = session.artifactChanges != before.changes
        #expect(isTold || session.neededArtifacts == before.needed, "a change that nobody is told of")
        return (session.neededArtifacts, isTold)
    }

    @Test func `inputs are needed until the job has run, what it made until it is acknowledged`() {
        var session = session()
        let (start, made, half) = (Digest(of: "start"), Digest(of: "made"), Digest(of: "half"))
        #expect(handle(.received(.assign(assignment(a, "a", inputs: [input]))), &session) == ([start], true))
        #expect(handle(.fetched(start), &session).needed == [start])
        #expect(handle(.runnerEpoch(slot: 0, metrics(1)), &session) == ([start], false))
        let checkpoint = Checkpoint(epoch: 1, artifact: artifact("half"))
        #expect(handle(.runnerCheckpoint(slot: 0, checkpoint), &session) == ([start, half], true))
        #expect(handle(.pushed(half), &session).needed == [start, half])
        let ended = RunnerResult(outcome: .finished, epochs: [metrics(1)], artifacts: [artifact("made")], seconds: 4)
        #expect(handle(.runnerEnded(slot: 0, ended), &session) == ([made], true))
        #expect(handle(.pushed(made), &session).needed == [made])
        #expect(handle(.received(.acknowledged(a)), &session) == ([], true))
    }

    @Test func `what an attempt needed is needed no more when it fails or is dropped`() {
        for event in [
            WorkerSession.Event.runnerDied(slot: 0, JobFailure(.crashed, "it died")), .received(.cancel(a)),
            .received(.assign(assignment(attempt("a", 2), "a"))),
        ] {
            var session = session()
            _ = handle(.received(.assign(assignment(a, "a", inputs: [input]))), &session)
            _ = handle(.fetched(Digest(of: "start")), &session)
            #expect(handle(event, &session) == ([], true))
        }
        var session = session()
        _ = handle(.received(.assign(assignment(a, "a", inputs: [input]))), &session)
        #expect(handle(.fetchFailed(Digest(of: "start"), reason: "gone"), &session) == ([], true))
    }

    @Test func `jobs without artifacts give no reason to look`() {
        var session = session()
        for number in 1...3 {
            let attempt = attempt("a", number)
            #expect(handle(.received(.assign(assignment(attempt, "a"))), &session) == ([], false))
            let ended = RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 4)
            #expect(handle(.runnerEnded(slot: 0, ended), &session) == ([], false))
            #expect(handle(.tick, &session) == ([], false))
            #expect(handle(.received(.acknowledged(attempt)), &session) == ([], false))
        }
    }
}
