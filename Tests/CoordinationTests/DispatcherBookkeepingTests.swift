import Coordination
import Digests
import Studies
import Testing

/// What the dispatcher keeps as it changes, so as not to look at every worker and job at every event.
@Suite struct DispatcherBookkeepingTests {
    private func assigned(_ commands: [Dispatcher.Command], to worker: String) -> [AttemptID] {
        commands.compactMap { if case .send(.assign(let assignment), worker) = $0 { assignment.attempt } else { nil } }
    }

    @Test func `a worker that comes back as the other kind gets jobs of its new kind alone`() {
        var desk = DispatcherDesk(entry("a", inputs: ["z"]), entry("z"), entry("c", inputs: ["z"], isCentral: true))
        desk.greet(hello("w0", slots: 1))
        // No job is left for w1, so it waits with the ordinary workers.
        desk.greet(hello("w1", slots: 1))
        desk.greet(hello("w1", slots: 1, isCentral: true))
        let commands = desk.receive(.result(result(attempt("z"))), from: "w0")
        #expect(assigned(commands, to: "w1") == [attempt("c")])
        #expect(assigned(commands, to: "w0") == [attempt("a")])
    }

    @Test func `a worker that waits gets the next job, though others have come and gone before it`() {
        var desk = DispatcherDesk(entry("z"), entry("a", inputs: ["z"]), entry("b", inputs: ["z"]))
        desk.greet(hello("w0", slots: 1))
        for worker in ["w1", "w2", "w3"] { desk.greet(hello(worker, slots: 1)) }
        _ = desk.handle(.workerEnded(worker: "w1", reason: "exit 9"))
        let commands = desk.receive(.result(result(attempt("z"))), from: "w0")
        #expect(assigned(commands, to: "w1") == [])
        #expect(assigned(commands, to: "w0") + assigned(commands, to: "w2") == [attempt("a"), attempt("b")].sorted { $0.job < $1.job })
    }

    @Test func `a worker that is heard keeps its leases through many lease times, and loses them at the end of one silence`() {
        var desk = DispatcherDesk(entry("a"))
        desk.greet(hello())
        desk.wait(Int(5 * Limits.leaseSeconds), hearing: ["w1"])
        #expect(desk.dispatcher.counts == [.running: 1])
        desk.wait(Int(Limits.leaseSeconds))
        #expect(desk.dispatcher.counts == [.running: 1])
        desk.wait(1)
        #expect(desk.dispatcher.counts == [.waiting: 1])
        #expect(desk.dispatcher.workerNames == [])
    }

    @Test func `a checkpoint that two jobs share is removed with the second of them`() {
        let shared = Checkpoint(epoch: 1, artifact: artifact("shared"))
        var desk = DispatcherDesk(entry("a"), entry("b"))
        desk.greet(hello())
        for job in ["a", "b"] { desk.receive(.checkpoint(attempt(job), shared)) }
        #expect(!desk.receive(.result(result(attempt("a")))).contains(.discard(shared.artifact.digest)))
        #expect(desk.receive(.result(result(attempt("b")))).contains(.discard(shared.artifact.digest)))
    }
}
