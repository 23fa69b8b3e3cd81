import Coordination
import Digests
import Simulation
import Studies
import Testing

/// What is leased to a worker beyond its slots.
@Suite struct LeaseAheadTests {
    private func desk(_ count: Int, crashLimit: Int = 5) -> DispatcherDesk {
        let entries = (0..<count).map { entry("\($0)", priority: $0) }
        var desk = DispatcherDesk(crashLimit: crashLimit)
        desk.ledger = LedgerModel(entries, crashLimit: crashLimit)
        desk.dispatcher = Dispatcher(
            entries: entries, datasetPath: "/data", policy: RetryPolicy(crashLimit: crashLimit), holdsForEarlierWorkers: false)
        return desk
    }

    private func assigned(_ commands: [Dispatcher.Command]) -> [AttemptID] {
        commands.compactMap { if case .send(.assign(let assignment), _) = $0 { assignment.attempt } else { nil } }
    }

    @Test func `a worker holds one job a slot ahead when many are ready, in the order of their priority`() {
        var desk = desk(100)
        #expect(assigned(desk.greet(hello(slots: 2))) == (0..<4).map { attempt("\($0)") })
        #expect(assigned(desk.receive(.result(result(attempt("1"))))) == [attempt("4")])
    }

    @Test func `no job is held while as few are ready as idle slots elsewhere could take`() {
        // Two free slots and the same number of jobs a slot behind them: nothing may wait behind a running one.
        for count in 2...5 {
            var desk = desk(count)
            #expect(assigned(desk.greet(hello(slots: 2))).count == 2, "\(count) jobs")
        }
        // A second worker finds the jobs that the first has not begun.
        var desk = desk(6)
        #expect(assigned(desk.greet(hello("w1", slots: 2))).count == 4)
        #expect(assigned(desk.greet(hello("w2", slots: 2))) == [attempt("4"), attempt("5")])
    }

    @Test func `free slots come before jobs ahead, on every worker`() {
        var desk = desk(100)
        desk.greet(hello("w1", slots: 1))
        desk.greet(hello("w2", slots: 8))
        let held = desk.dispatcher.counts[.running] ?? 0
        #expect(held == 18, "each worker holds its slots and as many again")
    }

    @Test func `a worker whose jobs are tiny holds many, and few again when they are long`() {
        var desk = desk(3000)
        var waiting = assigned(desk.greet(hello(slots: 2)))
        for _ in 0..<1000 where !waiting.isEmpty {
            desk.now = desk.now + 0.0005
            waiting += assigned(desk.receive(.result(result(waiting.removeFirst()))))
        }
        #expect(waiting.count > 40, "2000 a second for half a second: \(waiting.count) held")
        #expect(waiting.count <= 2 + Limits.leasesAhead(slots: 2))
        // From now on a job takes four seconds: what is held runs down to one a slot ahead.
        while waiting.count > 4 {
            desk.now = desk.now + 4
            let more = assigned(desk.receive(.result(result(waiting.removeFirst()))))
            #expect(more.count <= 1)
            waiting += waiting.count < 4 ? more : []
            if waiting.count >= 4 { #expect(more == []) }
        }
    }

    @Test func `attempts that a lost worker never started do not count against the crash limit`() {
        var desk = desk(20, crashLimit: 1)
        for life in 0..<8 {
            desk.greet(hello("w\(life)", slots: 2))
            desk.receive(.goodbye(reason: "stopped"), from: "w\(life)")
        }
        #expect(desk.dispatcher.failedJobs == 0)
        #expect(desk.dispatcher.counts == [.waiting: 20])
        #expect(assigned(desk.greet(hello("last", slots: 2))).first == attempt("0", 9))
    }

    @Test func `a worker's own results never let it hold more than a greeting can list`() {
        #expect(Limits.leasesAhead(slots: Limits.slotsPerWorker) + Limits.slotsPerWorker <= Limits.attemptsPerWorker)
        #expect(Limits.leasesAhead(slots: 1) > 0)
    }
}
