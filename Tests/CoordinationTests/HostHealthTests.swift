import Coordination
import Studies
import Testing

/// Failures are blamed on the job when it fails on two hosts, on the host when job after job fails only there.
@Suite struct HostHealthTests {
    private func hello(_ worker: String, on host: String, slots: Int = 1, isCentral: Bool = false) -> Hello {
        Hello(
            worker: worker, host: host, processID: 1, slots: slots, isCentral: isCentral, numericClass: "v1-haswell", attempts: [])
    }

    private func assigned(_ commands: [Dispatcher.Command]) -> [AttemptID] {
        commands.compactMap { if case .send(.assign(let assignment), _) = $0 { assignment.attempt } else { nil } }
    }

    /// What is assigned while everybody is heard once a second.
    private func assigned(in seconds: Int, hearing workers: [String], _ desk: inout DispatcherDesk) -> [AttemptID] {
        var attempts: [AttemptID] = []
        for _ in 0..<seconds {
            desk.now = desk.now + 1
            for worker in workers { attempts += assigned(desk.receive(.heartbeat, from: worker)) }
            attempts += assigned(desk.handle(.tick))
        }
        return attempts
    }

    private func events(_ commands: [Dispatcher.Command]) -> [String] {
        commands.compactMap { if case .record(.event(let kind, _)) = $0 { kind } else { nil } }
    }

    /// Two hosts of one slot and thirty jobs; bad has just failed each of `jobs` jobs it was given.
    private func desk(failing jobs: Int) -> (DispatcherDesk, [Dispatcher.Command]) {
        var desk = DispatcherDesk(entries: (0..<30).map { entry("\($0)", priority: $0) })
        desk.greet(hello("good", on: "good"))
        var given = assigned(desk.greet(hello("bad", on: "bad")))
        var last: [Dispatcher.Command] = []
        for _ in 0..<jobs {
            last = desk.receive(.result(failed(given.removeFirst(), .crashed)), from: "bad")
            given += assigned(last)
            if last.contains(.send(.giveBack, to: "bad")) {
                for attempt in given { desk.receive(.result(failed(attempt, .canceled)), from: "bad") }
                given = []
            }
        }
        return (desk, last)
    }

    @Test func `a job that has failed on a host goes to another`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello("one", on: "one"))
        desk.greet(hello("two", on: "two"))
        #expect(desk.dispatcher.counts == [.running: 1])
        let again = desk.receive(.result(failed(attempt("a"), .crashed)), from: "one")
        #expect(again.suffix(2) == lease(attempt("a", 2), "a", to: "two")[...])
    }

    @Test func `on the only host a job is tried again`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello("one", on: "one"))
        let again = desk.receive(.result(failed(attempt("a"), .crashed)), from: "one")
        #expect(again.suffix(2) == lease(attempt("a", 2), "a", to: "one")[...])
    }

    @Test func `missing data on one host does not fail the job while another may have them`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello("one", on: "one"))
        desk.greet(hello("two", on: "two"))
        #expect(assigned(desk.receive(.result(failed(attempt("a"), .data)), from: "one")) == [attempt("a", 2)])
        let last = desk.receive(.result(failed(attempt("a", 2), .data)), from: "two")
        #expect(last.first == .record(.jobFailed(jobID("a"), attempt: attempt("a", 2), JobFailure(.data, "it broke"))))
    }

    @Test func `a host where three different jobs fail gets no work, gives back what waits there, and is noted`() {
        let (two, _) = desk(failing: 2)
        #expect(two.dispatcher.quarantinedHosts == [])
        var (three, last) = desk(failing: 3)
        #expect(assigned(last) == [] && events(last) == ["host-quarantined"])
        #expect(last.contains(.send(.giveBack, to: "bad")))
        #expect(three.dispatcher.quarantinedHosts == ["bad"])
        #expect(assigned(in: 59, hearing: ["good", "bad"], &three) == [])
    }

    @Test func `after its time the host gets one canary, and with that one's success all its work again`() throws {
        var (desk, _) = desk(failing: 3)
        desk.greet(hello("bad2", on: "bad"))
        let canaries = assigned(in: 61, hearing: ["good", "bad", "bad2"], &desk)
        #expect(canaries.count == 1)
        let restored = desk.receive(.result(result(try #require(canaries.first))), from: "bad")
        #expect(events(restored) == ["host-restored"] && assigned(restored).count >= 2)
        #expect(desk.dispatcher.quarantinedHosts == [])
    }

    @Test func `a canary that fails doubles the time`() throws {
        var (desk, _) = desk(failing: 3)
        let canary = assigned(in: 61, hearing: ["good", "bad"], &desk)
        desk.receive(.result(failed(try #require(canary.first), .crashed)), from: "bad")
        #expect(assigned(in: 119, hearing: ["good", "bad"], &desk) == [])
        #expect(assigned(in: 2, hearing: ["good", "bad"], &desk).count == 1)
    }

    @Test func `a canary that is lost with its worker is followed by another`() {
        var (desk, _) = desk(failing: 3)
        #expect(assigned(in: 61, hearing: ["good", "bad"], &desk).count == 1)
        desk.handle(.workerEnded(worker: "bad", reason: "exit 9"))
        #expect(assigned(desk.greet(hello("bad2", on: "bad"))).count == 1)
    }

    @Test func `the last host is never barred: its jobs fail by their own limit`() {
        var desk = DispatcherDesk(entry("a"), entry("b"), entry("c"), entry("d"), crashLimit: 2)
        var last = desk.greet(hello("one", on: "one"))
        var given = assigned(last)
        while !given.isEmpty {
            last = desk.receive(.result(failed(given.removeFirst(), .crashed)), from: "one")
            #expect(events(last) == [] && !last.contains(.send(.giveBack, to: "one")), "nothing is said of a quarantine that is none")
            given += assigned(last)
        }
        #expect(desk.dispatcher.counts == [.failed: 4])
    }

    @Test func `a host that was the only one is barred at its next failure after another has joined`() {
        var desk = DispatcherDesk(entries: (0..<30).map { entry("\($0)", priority: $0) }, crashLimit: 1)
        var given = assigned(desk.greet(hello("bad", on: "bad")))
        for _ in 0..<4 { given += assigned(desk.receive(.result(failed(given.removeFirst(), .crashed)), from: "bad")) }
        desk.greet(hello("good", on: "good"))
        #expect(events(desk.receive(.result(failed(given.removeFirst(), .crashed)), from: "bad")) == ["host-quarantined"])
    }

    @Test func `the success of a host's central worker says nothing of its others`() {
        var entries = (0..<30).map { entry("\($0)", priority: $0) }
        entries.append(entry("gather", isCentral: true))
        var desk = DispatcherDesk(entries: entries)
        desk.greet(hello("good", on: "good"))
        let gather = assigned(desk.greet(hello("central", on: "bad", isCentral: true)))
        var given = assigned(desk.greet(hello("bad", on: "bad")))
        for _ in 0..<2 { given += assigned(desk.receive(.result(failed(given.removeFirst(), .crashed)), from: "bad")) }
        desk.receive(.result(result(gather[0])), from: "central")
        #expect(events(desk.receive(.result(failed(given.removeFirst(), .crashed)), from: "bad")) == ["host-quarantined"])
    }

    @Test func `a barred host works again when the others have left`() {
        var (desk, _) = desk(failing: 3)
        #expect(assigned(desk.handle(.workerEnded(worker: "good", reason: "exit 0"))).count >= 1)
    }

    @Test func `a host that loses workers, or a specification that nobody can run, is not blamed on the host`() {
        var desk = DispatcherDesk(entries: (0..<30).map { entry("\($0)", priority: $0) })
        desk.greet(hello("good", on: "good"))
        var last = desk.greet(hello("bad", on: "bad"))
        for _ in 0..<3 { last = desk.receive(.result(failed(assigned(last)[0], .specification)), from: "bad") }
        #expect(desk.dispatcher.quarantinedHosts == [])
        #expect(assigned(last).count == 1)
    }

    @Test func `a silent worker is suspect and gets nothing new until it is heard`() {
        var desk = DispatcherDesk(entry("a"), entry("b"))
        desk.greet(hello("one", on: "one"))
        let first = assigned(desk.greet(hello("two", on: "two")))
        #expect(first.count == 1)
        desk.wait(8, hearing: ["one"])
        // The job of the first is given back; only the silent one has a free slot for it.
        var quiet = DispatcherDesk(entry("a", inputs: ["b"]), entry("b"))
        quiet.greet(hello("one", on: "one"))
        quiet.greet(hello("two", on: "two"))
        quiet.wait(8, hearing: ["one"])
        let settled = quiet.receive(.result(result(attempt("b"))), from: "one")
        #expect(settled.contains { if case .send(.assign, "one") = $0 { true } else { false } })
        #expect(assigned(quiet.receive(.heartbeat, from: "two")) == [])
    }

    @Test func `a worker is silent from its third missed heartbeat until it is heard, or until its leases run out`() {
        var desk = DispatcherDesk(entry("a"), entry("b"))
        desk.greet(hello("one", on: "one"))
        desk.greet(hello("two", on: "two"))
        desk.wait(7, hearing: ["one"])
        #expect(desk.dispatcher.silentWorkers(at: desk.now) == [])
        desk.wait(2, hearing: ["one"])
        #expect(desk.dispatcher.silentWorkers(at: desk.now) == [SilentWorker(name: "two", seconds: 9)])
        desk.receive(.heartbeat, from: "two")
        #expect(desk.dispatcher.silentWorkers(at: desk.now) == [])
        desk.wait(31, hearing: ["one"])
        #expect(desk.dispatcher.silentWorkers(at: desk.now) == [])
    }
}
