import Coordination
import Digests
import Studies
import Testing

/// Who may run which jobs: labels, programs, workers that leave, and workers whose time is short.
@Suite struct LaneTests {
    private let zen4 = Labels(["class": "zen4"])

    private func job(
        _ name: String, needs: Labels = .none, runsCommand: Bool = false, workload: String = "training", priority: Int = 0,
        isCentral: Bool = false, state: JobEntry.State = .open, seconds: Double? = nil
    ) -> JobEntry {
        var entry = entry(name, isCentral: isCentral, priority: priority, state: state)
        entry.demands = JobDemands(labels: needs, runsCommand: runsCommand, workload: workload)
        entry.seconds = seconds
        return entry
    }

    private func worker(
        _ name: String, slots: Int = 1, labels: Labels = .none, allows: Bool = false, left: Double? = nil, isDraining: Bool = false,
        isCentral: Bool = false
    ) -> Hello {
        var worker = hello(name, slots: slots, isCentral: isCentral)
        (worker.labels, worker.allowsCommands, worker.secondsLeft, worker.isDraining) = (labels, allows, left, isDraining)
        return worker
    }

    private func assigned(_ commands: [Dispatcher.Command]) -> [AttemptID] {
        commands.compactMap { if case .send(.assign(let assignment), _) = $0 { assignment.attempt } else { nil } }
    }

    @Test func `a job that needs a label goes to a worker that has it, and to no other`() {
        var desk = DispatcherDesk(job("picky", needs: zen4), job("easy", priority: 1))
        #expect(assigned(desk.greet(worker("plain", slots: 4))) == [attempt("easy")])
        #expect(assigned(desk.greet(worker("other", labels: Labels(["class": "zen3", "gpu": "yes"])))) == [])
        #expect(assigned(desk.greet(worker("right", labels: Labels(["class": "zen4", "gpu": "yes"])))) == [attempt("picky")])
    }

    @Test func `a worker does first what only few can do, then what comes first`() {
        var desk = DispatcherDesk(job("easy"), job("easier", priority: 1), job("picky", needs: zen4, priority: 2))
        #expect(assigned(desk.greet(worker("w", slots: 2, labels: zen4))) == [attempt("picky"), attempt("easy")])
    }

    @Test func `central jobs go to the central worker, whatever it is called`() {
        var desk = DispatcherDesk(job("cluster", isCentral: true), job("train", needs: zen4))
        #expect(assigned(desk.greet(worker("central", isCentral: true))) == [attempt("cluster")])
    }

    @Test func `a program goes to a worker that runs programs`() {
        var desk = DispatcherDesk(job("program", runsCommand: true))
        #expect(assigned(desk.greet(worker("careful"))) == [])
        #expect(
            desk.dispatcher.shortages(at: desk.now) == [
                "1 job (training) waits for a worker that runs the study's program (--allow-command); none of the 1 connected does"
            ])
        #expect(assigned(desk.greet(worker("trusting", allows: true))) == [attempt("program")])
        #expect(desk.dispatcher.shortages(at: desk.now) == [])
    }

    @Test func `what is missing is said with what is there, for all jobs and for one`() {
        var desk = DispatcherDesk(job("a", needs: zen4), job("b", needs: zen4), job("c"))
        #expect(desk.dispatcher.shortages(at: desk.now).first == "2 jobs (training) wait for a worker: none is connected")
        desk.greet(worker("w1", labels: Labels(["class": "zen3"])))
        desk.greet(worker("w2"))
        desk.greet(worker("w3"))
        #expect(
            desk.dispatcher.shortages(at: desk.now) == [
                "2 jobs (training) wait for a worker with class=zen4; connected are 2 without labels, 1 with class=zen3"
            ])
        #expect(
            desk.dispatcher.explanation(of: jobID("b"), at: desk.now)
                == "It waits for a worker with class=zen4; connected are 2 without labels, 1 with class=zen3.")
        #expect(desk.dispatcher.explanation(of: jobID("c"), at: desk.now) == nil, "it runs")
        desk.handle(.asked(.pause))
        #expect(desk.dispatcher.explanation(of: jobID("b"), at: desk.now) == "Nothing new starts: the sweep is paused.")
    }

    // MARK: Leaving

    @Test func `a worker that is leaving gets nothing, and keeps what it runs`() {
        var desk = DispatcherDesk(job("a"), job("b", priority: 1))
        #expect(assigned(desk.greet(worker("w1"))) == [attempt("a")])
        var leaving = worker("w1", isDraining: true)
        leaving.attempts = [attempt("a")]
        #expect(assigned(desk.greet(leaving)) == [])
        #expect(desk.dispatcher.slots == 0)
        // A greeting from before may arrive late.
        leaving.isDraining = false
        #expect(assigned(desk.greet(leaving)) == [])
        desk.receive(.result(result(attempt("a"))))
        #expect(desk.dispatcher.counts == [.finished: 1, .waiting: 1])
        desk.receive(.goodbye(reason: "done"))
        #expect(assigned(desk.greet(worker("w2"))) == [attempt("b")])
    }

    @Test func `what a leaving worker gives back counts as nothing, however often`() {
        var desk = DispatcherDesk(job("a"), crashLimit: 2)
        for number in 1...9 {
            desk.greet(worker("w\(number)"))
            desk.receive(.result(failed(attempt("a", number), .preempted)), from: "w\(number)")
            desk.receive(.goodbye(reason: "its time is up"), from: "w\(number)")
        }
        #expect(desk.dispatcher.failedJobs == 0)
        #expect(desk.dispatcher.quarantinedHosts == [])
    }

    // MARK: Time

    private func settle(_ name: String, after seconds: Double, _ desk: inout DispatcherDesk, on worker: String = "w1") -> [AttemptID] {
        var result = result(attempt(name))
        result.seconds = seconds
        return assigned(desk.receive(.result(result), from: worker))
    }

    @Test func `a worker whose time is short takes what is not known to be too long`() {
        var desk = DispatcherDesk(
            job("a"), job("b", priority: 1), job("c", priority: 2), job("quick", workload: "sampling", priority: 3),
            holdsForEarlierWorkers: false)
        #expect(assigned(desk.greet(worker("w1", left: 100))).first == attempt("a"), "nothing is known of such jobs")
        desk.now = desk.now + 10
        // It took 80 s: 96 s are reckoned with, and 90 are left.
        #expect(settle("a", after: 80, &desk) == [attempt("quick")])
        #expect(
            desk.dispatcher.shortages(at: desk.now) == [
                "2 jobs (training) wait for a worker with 96 s left, so long such a job may take; the longest that a connected one has is 90 s"
            ])
        #expect(assigned(desk.greet(worker("w2"))) == [attempt("b")], "a worker without an end takes them")
        #expect(assigned(desk.greet(worker("w3", left: 97))) == [attempt("c")])
    }

    @Test func `durations of earlier runs are remembered, and the longest counts`() {
        var desk = DispatcherDesk(
            job("done", state: .finished(artifacts: []), seconds: 300), job("done too", state: .finished(artifacts: []), seconds: 20),
            job("a"))
        #expect(assigned(desk.greet(worker("w1", left: 359))) == [])
        #expect(assigned(desk.greet(worker("w2", left: 361))) == [attempt("a")])
    }

    @Test func `what a worker gave up at its end takes longer than it ran, unless it goes on from a checkpoint`() {
        for hasCheckpoint in [false, true] {
            var desk = DispatcherDesk(job("a"))
            desk.greet(worker("w1", left: 100))
            if hasCheckpoint { desk.receive(.checkpoint(attempt("a"), Checkpoint(epoch: 3, artifact: artifact("x")))) }
            var leaving = worker("w1", left: 1, isDraining: true)
            leaving.attempts = [attempt("a")]
            desk.greet(leaving)
            var given = failed(attempt("a"), .preempted)
            given.seconds = 99
            desk.receive(.result(given))
            #expect(assigned(desk.greet(worker("w2", left: 100))).isEmpty != hasCheckpoint)
        }
    }

    @Test func `a job that is assigned ahead says how long it may take`() throws {
        var desk = DispatcherDesk(job("done", state: .finished(artifacts: []), seconds: 10), job("a"))
        let commands = desk.greet(worker("w1", left: 100))
        let assignment = try #require(commands.compactMap { if case .send(.assign(let it), _) = $0 { it } else { nil } }.first)
        #expect(assignment.expectedSeconds == 12)
    }
}
