import Coordination
import Digests
import Studies
import Testing

@Suite struct DispatcherFailureTests {
    @Test func `a crashed attempt is tried again under the next number, until the limit`() {
        var desk = DispatcherDesk(entry("a"), crashLimit: 3)
        desk.greet(hello())
        let failure = JobFailure(.crashed, "it broke")
        for number in 1...2 {
            let tried = attempt("a", number)
            #expect(
                desk.receive(.result(failed(tried, .crashed)))
                    == [.record(.attemptFailed(tried, failure)), .send(.acknowledged(tried), to: "w1")]
                    + lease(attempt("a", number + 1), "a"))
        }
        #expect(
            desk.receive(.result(failed(attempt("a", 3), .crashed))) == [
                .record(.jobFailed(jobID("a"), attempt: attempt("a", 3), failure)), .send(.acknowledged(attempt("a", 3)), to: "w1"),
            ])
        #expect(desk.dispatcher.failedJobs == 1)
        #expect(desk.dispatcher.isComplete)
    }

    @Test(arguments: [JobFailure.Reason.data, .specification])
    func `what would fail everywhere fails at once, with all that depends on it`(reason: JobFailure.Reason) {
        var desk = DispatcherDesk(entry("a"), entry("b", inputs: ["a"]), entry("c", inputs: ["b"]))
        desk.greet(hello())
        let commands = desk.receive(.result(failed(attempt("a"), reason)))
        #expect(commands.count == 4)
        #expect(desk.dispatcher.counts == [.failed: 3])
        #expect(commands.last == .send(.acknowledged(attempt("a")), to: "w1"))
    }

    @Test func `a diverged training is settled, and what needs its artifacts fails`() {
        var desk = DispatcherDesk(entry("a"), entry("b", inputs: ["a"]))
        desk.greet(hello())
        desk.receive(.result(result(attempt("a"), .diverged(epoch: 2, step: 3))))
        #expect(desk.dispatcher.counts == [.diverged: 1, .failed: 1])
        #expect(desk.dispatcher.isComplete)
    }

    @Test func `a resumed study settles what can never run`() {
        let entries = [
            entry("a", state: .ended(.diverged)), entry("b", inputs: ["a"]), entry("c", inputs: ["b"]), entry("d"),
        ]
        var dispatcher = Dispatcher(entries: entries, datasetPath: "/data")
        let failed = dispatcher.start().compactMap { if case .record(.jobFailed(let job, nil, _)) = $0 { job } else { nil } }
        #expect(failed == [jobID("b"), jobID("c")])
        #expect(dispatcher.violations == [])
        #expect(dispatcher.start() == [])
    }

    @Test func `more failed jobs than allowed stop the giving of work`() {
        var desk = DispatcherDesk(entry("a", priority: 1), entry("b", priority: 2), entry("c", priority: 3), maximumFailures: 1)
        desk.greet(hello(slots: 1))
        desk.receive(.result(failed(attempt("a"), .data)))
        #expect(desk.dispatcher.counts == [.failed: 1, .running: 1, .waiting: 1], "b had been leased ahead")
        #expect(!desk.dispatcher.hasTooManyFailures)
        #expect(desk.receive(.result(failed(attempt("b"), .data))).last == .send(.acknowledged(attempt("b")), to: "w1"))
        #expect(desk.dispatcher.hasTooManyFailures)
        #expect(desk.handle(.tick) == [])
    }

    @Test func `a late result is taken while the job is open, and the newer attempt is canceled`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello("w1"))
        desk.wait(31)
        desk.greet(hello("w2"))
        #expect(desk.greet(hello("w1", holding: [attempt("a", 1)])).last == welcome(drop: [attempt("a", 1)]))
        let late = result(attempt("a", 1))
        #expect(
            desk.receive(.result(late), from: "w1") == [
                .send(.cancel(attempt("a", 2)), to: "w2"), .record(.jobSettled(late)),
                .send(.acknowledged(attempt("a", 1)), to: "w1"),
            ])
    }

    @Test func `a late result cancels the same worker's newer attempt too`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.wait(31)
        desk.greet(hello())
        let late = result(attempt("a", 1))
        #expect(
            desk.receive(.result(late)) == [
                .send(.cancel(attempt("a", 2)), to: "w1"), .record(.jobSettled(late)),
                .send(.acknowledged(attempt("a", 1)), to: "w1"),
            ])
    }

    @Test func `a result that comes after its job had failed is taken, and what had failed for the want of it alone is done`() {
        var desk = DispatcherDesk(
            entry("a"), entry("b", inputs: ["a"]), entry("c", inputs: ["a", "b"]), entry("d", inputs: ["c", "e"]), entry("e", priority: -1),
            crashLimit: 1)
        desk.greet(hello("w1"))
        desk.wait(31)
        desk.greet(hello("w2"))
        desk.receive(.result(failed(attempt("a", 2), .crashed)), from: "w2")
        desk.receive(.result(failed(attempt("e", 2), .crashed)), from: "w2")
        #expect(desk.dispatcher.counts == [.failed: 5])
        desk.greet(hello("w1"))
        #expect(desk.receive(.result(failed(attempt("a", 1), .crashed)), from: "w1") == [.send(.acknowledged(attempt("a", 1)), to: "w1")])
        let late = result(attempt("a", 1))
        let commands = desk.receive(.result(late), from: "w1")
        #expect(commands.first == .record(.jobReopened(jobID("a"))))
        for name in ["b", "c"] { #expect(commands.contains(.record(.jobReopened(jobID(name))))) }
        #expect(commands.contains(.record(.jobSettled(late))) && commands.contains(.send(.acknowledged(attempt("a", 1)), to: "w1")))
        #expect(desk.dispatcher.counts == [.finished: 1, .running: 1, .waiting: 1, .failed: 2], "e has failed of its own, so d stays")
        #expect(desk.dispatcher.failedJobs == 2)
        #expect(desk.receive(.result(late), from: "w1") == [.send(.acknowledged(attempt("a", 1)), to: "w1")])
        desk.receive(.result(result(attempt("b"))), from: "w1")
        #expect(desk.dispatcher.counts == [.finished: 2, .running: 1, .failed: 2])
    }

    @Test func `of a canceled job the result is taken, and nothing that was canceled is done`() {
        var desk = DispatcherDesk(
            entry("a", state: .canceled, lastAttempt: 1), entry("b", inputs: ["a"], state: .ended(.failed)),
            entry("c", inputs: ["b"], state: .canceled))
        desk.greet(hello())
        desk.receive(.result(result(attempt("a"))))
        #expect(desk.dispatcher.counts == [.finished: 1, .failed: 2])
        let commands = desk.handle(.asked(.retry([jobID("b")])))
        #expect(commands.contains(.record(.jobReopened(jobID("b")))))
    }

    @Test func `a late failure does not touch the newer attempt's lease`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.wait(31)
        desk.greet(hello())
        #expect(desk.receive(.result(failed(attempt("a", 1), .crashed))) == [.send(.acknowledged(attempt("a", 1)), to: "w1")])
        #expect(desk.receive(.goodbye(reason: "enough")).count == 2, "the lease of attempt 2 ends with its worker")
        #expect(desk.dispatcher.counts == [.waiting: 1])
    }

    @Test func `a repeated result is acknowledged and changes nothing; a different one raises an alarm and changes nothing`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.receive(.result(result(attempt("a"))))
        var again = result(attempt("a"))
        again.seconds = 99
        #expect(desk.receive(.result(again)) == [.send(.acknowledged(attempt("a")), to: "w1")])
        let commands = desk.receive(.result(result(attempt("a"), epochs: 3)))
        #expect(commands.count == 2)
        #expect(commands.last == .send(.acknowledged(attempt("a")), to: "w1"))
        #expect(desk.ledger.events == ["conflicting-result"])
        #expect(desk.receive(.result(failed(attempt("a"), .io))) == [.send(.acknowledged(attempt("a")), to: "w1")])
    }

    @Test func `a result that was never asked for is acknowledged, noted and not kept`() {
        var desk = DispatcherDesk(entry("a"), entry("b", inputs: ["a"]))
        desk.greet(hello())
        for attempt in [attempt("stranger"), attempt("a", 2), attempt("b", 1)] {
            let commands = desk.receive(.result(result(attempt)))
            #expect(commands.count == 2)
            #expect(commands.last == .send(.acknowledged(attempt), to: "w1"))
        }
        #expect(desk.ledger.events == ["unknown-result", "unknown-result", "unknown-result"])
    }

    @Test func `a restarted coordinator takes running attempts back and starts none of them again`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3), entry("b", lastAttempt: 1))
        let held = hello(slots: 2, holding: [attempt("a", 3), attempt("b", 1)])
        #expect(desk.greet(held) == [.record(.workerJoined(held)), welcome()])
        #expect(desk.receive(.result(result(attempt("a", 3)))).last == .send(.acknowledged(attempt("a", 3)), to: "w1"))
    }

    @Test func `a worker that comes back with more attempts than slots keeps them and gets no more`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 1), entry("b", lastAttempt: 1), entry("c", lastAttempt: 1), entry("d"))
        let held = hello(slots: 1, holding: ["a", "b", "c"].map { attempt($0) })
        #expect(desk.greet(held) == [.record(.workerJoined(held)), welcome()])
        desk.receive(.result(result(attempt("a"))))
        desk.receive(.result(result(attempt("b"))))
        #expect(desk.receive(.result(result(attempt("c")))).suffix(2) == lease(attempt("d"), "d")[...])
    }

    @Test func `what is settled, overtaken or unknown is dropped by the worker that comes back with it`() {
        var desk = DispatcherDesk(
            entry("a", state: .finished(artifacts: []), lastAttempt: 1), entry("b", lastAttempt: 2),
            entry("c", isCentral: true, lastAttempt: 1))
        let old = [attempt("a"), attempt("b", 1), attempt("c"), attempt("stranger")]
        #expect(desk.greet(hello(holding: old))[1] == welcome(drop: old))
    }

    @Test func `a worker given up for its silence gets back what it still runs`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.wait(31)
        let held = hello(holding: [attempt("a")])
        #expect(desk.greet(held) == [.record(.workerJoined(held)), welcome()])
        #expect(desk.receive(.epoch(attempt("a"), metrics(4))) == [.record(.epoch(attempt("a"), metrics(4)))])
    }

    @Test func `a failure whose acknowledgement was lost is not counted twice`() {
        var desk = DispatcherDesk(entry("a"), crashLimit: 2)
        desk.greet(hello())
        desk.handle(.asked(.stop))
        desk.receive(.result(failed(attempt("a"), .crashed)))
        #expect(desk.greet(hello(holding: [attempt("a")])) == [welcome(drop: [attempt("a")])])
        #expect(desk.receive(.result(failed(attempt("a"), .crashed))) == [.send(.acknowledged(attempt("a")), to: "w1")])
        #expect(desk.dispatcher.counts == [.waiting: 1])
    }

    @Test func `a failure counted by the coordinator before is not counted again by the next`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 4, crashes: 4, lastEndedAttempt: 4))
        let commands = desk.greet(hello(holding: [attempt("a", 4)]))
        #expect(commands.dropFirst() == ([welcome(drop: [attempt("a", 4)])] + lease(attempt("a", 5), "a"))[...])
    }

    @Test func `an epoch of an attempt whose lease another holds is answered by a cancellation`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello("w1"))
        desk.wait(31)
        desk.greet(hello("w2"))
        desk.greet(hello("w1"))
        #expect(desk.receive(.epoch(attempt("a", 1), metrics(1))) == [.send(.cancel(attempt("a", 1)), to: "w1")])
    }

    @Test func `an epoch of a free attempt asks its worker to greet, so that it gets its lease back`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.wait(31)
        desk.handle(.asked(.stop))
        desk.greet(hello())
        #expect(desk.receive(.epoch(attempt("a", 1), metrics(1))) == [.send(.greetAgain, to: "w1")])
        #expect(desk.greet(hello(holding: [attempt("a")])) == [welcome()])
        #expect(desk.receive(.epoch(attempt("a", 1), metrics(2))) == [.record(.epoch(attempt("a", 1), metrics(2)))])
    }
}
