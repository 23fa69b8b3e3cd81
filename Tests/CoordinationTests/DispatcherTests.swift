import Coordination
import Digests
import Simulation
import Studies
import Testing

@Suite struct DispatcherTests {
    @Test func `a job is leased, its lease recorded before it is assigned, and nothing else is sent`() {
        var desk = DispatcherDesk(entry("a"))
        #expect(
            desk.greet(hello()) == [.record(.workerJoined(hello())), welcome()] + lease(attempt("a"), "a"))
        #expect(desk.receive(.heartbeat) == [.send(.heartbeat, to: "w1")])
        #expect(desk.receive(.epoch(attempt("a"), metrics(1))) == [.record(.epoch(attempt("a"), metrics(1)))])
        let outcome = result(attempt("a"), artifacts: [artifact("weights")])
        #expect(desk.receive(.result(outcome)) == [.record(.jobSettled(outcome)), .send(.acknowledged(attempt("a")), to: "w1")])
        #expect(desk.dispatcher.isComplete)
        #expect(desk.handle(.tick) == [])
    }

    @Test func `jobs start in the order of their priority, as many as there are slots`() {
        var desk = DispatcherDesk(entry("c", priority: 3), entry("a", priority: 1), entry("b", priority: 2))
        #expect(desk.greet(hello()).suffix(4) == (lease(attempt("a"), "a") + lease(attempt("b"), "b"))[...])
        let commands = desk.receive(.result(result(attempt("b"))))
        #expect(commands.suffix(2) == lease(attempt("c"), "c")[...])
    }

    @Test func `a job waits for all its inputs and is given their artifacts`() {
        var desk = DispatcherDesk(entry("a"), entry("b"), entry("c", inputs: ["a", "b"]))
        desk.greet(hello())
        desk.receive(.result(result(attempt("a"), artifacts: [artifact("a0"), artifact("a1")])))
        let commands = desk.receive(.result(result(attempt("b"), artifacts: [artifact("b0")])))
        let inputs = [("a", "a0"), ("a", "a1"), ("b", "b0")].map { InputArtifact(job: jobID($0.0), artifact: artifact($0.1)) }
        #expect(commands.suffix(2) == lease(attempt("c"), "c", inputs: inputs)[...])
    }

    @Test func `central jobs go to central workers, ordinary ones to the others`() {
        var desk = DispatcherDesk(entry("a"), entry("s", isCentral: true))
        #expect(desk.greet(hello("c1", slots: 4, isCentral: true)).suffix(2) == lease(attempt("s"), "s", to: "c1")[...])
        #expect(desk.greet(hello("w1", slots: 4)).suffix(2) == lease(attempt("a"), "a")[...])
        #expect(desk.dispatcher.slots == 4)
        #expect(desk.dispatcher.workerNames == ["c1", "w1"])
        #expect(desk.dispatcher.counts == [.running: 2])
    }

    @Test func `a sampled initialization is announced to ordinary workers, and to those who come later`() {
        var desk = DispatcherDesk(entry("s", isCentral: true, isBroadcast: true), entry("e", inputs: ["s"]))
        desk.greet(hello("c1", isCentral: true))
        desk.greet(hello("w1"))
        let start = artifact("start")
        let commands = desk.receive(.result(result(attempt("s"), artifacts: [start])), from: "c1")
        #expect(commands.contains(.send(.announce(start), to: "w1")))
        #expect(!commands.contains(.send(.announce(start), to: "c1")))
        #expect(desk.greet(hello("w2")).contains(.send(.announce(start), to: "w2")))
        #expect(!desk.greet(hello("c2", isCentral: true)).contains(.send(.announce(start), to: "c2")))
        #expect(desk.greet(hello("w2")) == [welcome("w2")], "a repeated greeting is not answered by all announcements")
        desk.receive(.result(result(attempt("e"))))
        #expect(!desk.greet(hello("w3")).contains(.send(.announce(start), to: "w3")), "nobody reads it any more")
    }

    @Test func `a message from a stranger is answered by a question for its greeting`() {
        var desk = DispatcherDesk(entry("a"))
        let messages: [WorkerMessage] = [
            .heartbeat, .epoch(attempt("a"), metrics(1)), .result(result(attempt("a"))), .goodbye(reason: "enough"),
        ]
        for message in messages { #expect(desk.receive(message, from: "w9") == [.send(.greetAgain, to: "w9")]) }
    }

    @Test func `a worker that says goodbye frees its jobs for others, who are not blamed`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        #expect(desk.greet(hello("w2")) == [.record(.workerJoined(hello("w2"))), welcome("w2")])
        let commands = desk.receive(.goodbye(reason: "stopped by a signal"))
        let failure = JobFailure(.hostLost, "worker w1 on lab1: stopped by a signal")
        #expect(
            commands == [
                .record(.attemptFailed(attempt("a"), failure)), .record(.workerLeft(worker: "w1", reason: "stopped by a signal")),
            ] + lease(attempt("a", 2), "a", to: "w2"))
        #expect(desk.handle(.workerEnded(worker: "w1", reason: "exit 1")) == [])
    }

    @Test func `a worker keeps its leases for as long as the limit says, and a heartbeat renews them`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        #expect(desk.wait(Int(Limits.leaseSeconds)) == [])
        desk.receive(.heartbeat)
        #expect(desk.wait(Int(Limits.leaseSeconds)) == [])
        let commands = desk.wait(1)
        #expect(commands.last == .record(.workerLeft(worker: "w1", reason: "silent for 31 s")))
        #expect(desk.dispatcher.workerNames == [])
        #expect(desk.dispatcher.counts == [.waiting: 1])
    }

    @Test func `the coordinator's own stall is nobody's silence`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.now = desk.now + 3600
        #expect(desk.handle(.tick) == [])
        #expect(desk.wait(Int(Limits.leaseSeconds)) == [])
        #expect(desk.wait(1).count == 2)
    }

    @Test func `no job is given out after stop, and results are still taken`() {
        var desk = DispatcherDesk(entry("a"), entry("b"))
        desk.greet(hello(slots: 1))
        desk.handle(.asked(.stop))
        let id = desk.dispatcher.counts
        #expect(id == [.running: 1, .waiting: 1])
        let first = jobID("a") < jobID("b") ? "a" : "b"
        let outcome = result(attempt(first))
        #expect(desk.receive(.result(outcome)) == [.record(.jobSettled(outcome)), .send(.acknowledged(attempt(first)), to: "w1")])
    }

    @Test func `a greeting on a new connection changes nothing for what runs`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        #expect(desk.greet(hello(holding: [attempt("a")])) == [welcome()])
    }

    @Test func `an assignment that the worker does not know of is sent again under its number`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        #expect(desk.greet(hello()) == [welcome(), .send(.assign(assignment(attempt("a"), "a")), to: "w1")])
    }

    @Test func `a lease is told from an older attempt at the same job when a worker greets`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.wait(31)
        desk.greet(hello())
        #expect(
            desk.greet(hello(holding: [attempt("a", 1)]))
                == [welcome(drop: [attempt("a", 1)]), .send(.assign(assignment(attempt("a", 2), "a")), to: "w1")])
    }

    @Test func `a worker with fewer slots than before keeps what it holds and gets nothing more`() {
        var desk = DispatcherDesk(entry("a"), entry("b"), entry("c"), entry("d"))
        desk.greet(hello(slots: 3))
        desk.greet(hello(slots: 1))
        #expect(desk.dispatcher.counts == [.running: 3, .waiting: 1])
    }

    @Test func `whatever a hostile worker claims, nothing traps and the rules hold`() {
        for seed in 0..<300 as Range<UInt64> {
            var choices = SeededChoices(seed: seed)
            var desk = DispatcherDesk(
                entry("a"), entry("b", inputs: ["a"]), entry("c", isCentral: true), entry("d", lastAttempt: 3), crashLimit: 100)
            desk.ledger.workersAreHonest = false
            let names = ["a", "b", "c", "d", "nothing"]
            for _ in 0..<60 {
                func anyAttempt(_ choices: inout SeededChoices) -> AttemptID {
                    attempt(names[choices.below(5)], choices.chance(0.1) ? Int(Int32.max) : 1 + choices.below(5))
                }
                let worker = ["w1", "w2", "w3"][choices.below(3)]
                let claimed = (0..<choices.below(4)).map { _ in anyAttempt(&choices) }
                desk.now = desk.now + choices.seconds(0, 4)
                switch choices.below(7) {
                case 0, 1:
                    let slots = choices.chance(0.2) ? Limits.slotsPerWorker : 1 + choices.below(2)
                    desk.greet(hello(worker, slots: slots, isCentral: choices.chance(0.3), holding: claimed))
                case 2: desk.receive(.epoch(anyAttempt(&choices), metrics(1)), from: worker)
                case 3:
                    let outcome: AttemptOutcome = choices.chance(0.5) ? .finished : .diverged(epoch: 1, step: 1)
                    desk.receive(.result(result(anyAttempt(&choices), outcome, epochs: choices.below(2))), from: worker)
                case 4:
                    let reason = JobFailure.Reason.allCases[choices.below(8)]
                    desk.receive(.result(failed(anyAttempt(&choices), reason)), from: worker)
                case 5: desk.receive(choices.chance(0.5) ? .goodbye(reason: "") : .heartbeat, from: worker)
                default: _ = desk.handle(.tick)
                }
            }
        }
    }
}
