import Coordination
import Digests
import Studies
import Testing

@Suite struct DispatcherHoldTests {
    private let seconds = Int(Limits.adoptionSeconds)

    @Test func `a job that may still be running is held for its worker, whoever greets first`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3), entry("b"))
        #expect(desk.greet(hello("w2")).suffix(2) == lease(attempt("b"), "b", to: "w2")[...])
        #expect(desk.wait(seconds - 1, hearing: ["w2"]) == [])
        #expect(desk.dispatcher.counts == [.running: 1, .waiting: 1])
        let held = hello("w1", holding: [attempt("a", 3)])
        #expect(desk.greet(held) == [.record(.workerJoined(held)), welcome("w1")])
        #expect(desk.dispatcher.counts == [.running: 2])
        #expect(desk.wait(2 * seconds, hearing: ["w1", "w2"]) == [], "no job is left over")
    }

    @Test func `a held job that nobody claims is ready when the time is over, and not before`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3))
        desk.greet(hello())
        #expect(desk.wait(seconds - 1, hearing: ["w1"]) == [])
        #expect(desk.dispatcher.counts == [.waiting: 1])
        desk.now = desk.now + 1
        #expect(desk.receive(.heartbeat) == [.send(.heartbeat, to: "w1")] + lease(attempt("a", 4), "a"))
    }

    @Test func `an attempt that is known to have ended is not waited for, nor one that never was`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3, crashes: 3, lastEndedAttempt: 3), entry("b"))
        desk.greet(hello())
        #expect(desk.dispatcher.counts == [.running: 2])
    }

    @Test func `a coordinator whose earlier workers have all ended holds nothing`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3), holdsForEarlierWorkers: false)
        #expect(desk.greet(hello()).suffix(2) == lease(attempt("a", 4), "a")[...])
    }

    @Test func `another attempt than the newest does not end the hold`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3))
        #expect(desk.greet(hello(holding: [attempt("a", 2)])).last == welcome(drop: [attempt("a", 2)]))
        #expect(desk.dispatcher.counts == [.waiting: 1])
    }

    @Test func `a late result settles a held job, and what waits for it starts`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3), entry("b", inputs: ["a"]))
        desk.greet(hello())
        let late = result(attempt("a", 3))
        #expect(
            desk.receive(.result(late)) == [.record(.jobSettled(late)), .send(.acknowledged(attempt("a", 3)), to: "w1")]
                + lease(attempt("b"), "b"))
    }

    @Test func `a failure of the attempt that is held for ends the hold`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3))
        desk.greet(hello())
        desk.ledger.workersAreHonest = false
        let commands = desk.receive(.result(failed(attempt("a", 3), .crashed)))
        #expect(commands == [.send(.acknowledged(attempt("a", 3)), to: "w1")] + lease(attempt("a", 4), "a"))
    }

    @Test func `the coordinator's own stall is not taken off the time`() {
        var desk = DispatcherDesk(entry("a", lastAttempt: 3))
        desk.greet(hello())
        desk.now = desk.now + 3600
        #expect(desk.handle(.tick) == [])
        #expect(desk.wait(seconds - 1, hearing: ["w1"]) == [] && desk.dispatcher.counts == [.waiting: 1])
        desk.wait(1, hearing: ["w1"])
        #expect(desk.dispatcher.counts == [.running: 1])
    }

    @Test func `the time is enough for every worker to greet`() {
        #expect(Limits.adoptionSeconds >= 2 * Limits.greetingSeconds)
        #expect(Limits.adoptionSeconds > Limits.coordinatorSilenceSeconds + Limits.heartbeatSeconds)
    }
}
