import Coordination
import Digests
import Simulation
import Studies
import Testing

/// A dispatcher under test: every event's commands go through the ledger's rules, and its invariants are looked at.
struct DispatcherDesk {
    var dispatcher: Dispatcher
    var ledger: LedgerModel
    var now = Instant(seconds: 0)

    init(_ entries: JobEntry..., crashLimit: Int = 5, maximumFailures: Int? = nil, holdsForEarlierWorkers: Bool = true) {
        self.init(
            entries: entries, crashLimit: crashLimit, maximumFailures: maximumFailures,
            holdsForEarlierWorkers: holdsForEarlierWorkers)
    }

    init(entries: [JobEntry], crashLimit: Int = 5, maximumFailures: Int? = nil, holdsForEarlierWorkers: Bool = true) {
        ledger = LedgerModel(entries, crashLimit: crashLimit)
        dispatcher = Dispatcher(
            entries: entries, datasetPath: "/data", policy: RetryPolicy(crashLimit: crashLimit), maximumFailures: maximumFailures,
            holdsForEarlierWorkers: holdsForEarlierWorkers)
    }

    @discardableResult
    mutating func handle(_ event: Dispatcher.Event, at location: SourceLocation = #_sourceLocation) -> [Dispatcher.Command] {
        let commands = dispatcher.handle(event, at: now)
        for command in commands {
            switch command {
            case .record(let change): ledger.record(change)
            case .send(let message, _): ledger.check(message, answering: event)
            case .discard(let digest): ledger.checkDiscard(digest)
            }
        }
        #expect(ledger.faults == [], sourceLocation: location)
        #expect(dispatcher.violations == [], sourceLocation: location)
        return commands
    }

    @discardableResult
    mutating func receive(
        _ message: WorkerMessage, from worker: String = "w1", at location: SourceLocation = #_sourceLocation
    ) -> [Dispatcher.Command] {
        handle(.received(message, from: worker), at: location)
    }

    @discardableResult
    mutating func greet(_ hello: Hello, at location: SourceLocation = #_sourceLocation) -> [Dispatcher.Command] {
        receive(.hello(hello), from: hello.worker, at: location)
    }

    /// Ticks once a second, as the loop would, only with everybody silent.
    @discardableResult
    mutating func wait(_ seconds: Int, hearing workers: [String] = [], at location: SourceLocation = #_sourceLocation)
        -> [Dispatcher.Command]
    {
        var commands: [Dispatcher.Command] = []
        for _ in 0..<seconds {
            now = now + 1
            for worker in workers { receive(.heartbeat, from: worker, at: location) }
            commands += handle(.tick, at: location)
        }
        return commands
    }
}

func welcome(_ worker: String = "w1", drop: [AttemptID] = []) -> Dispatcher.Command {
    .send(.welcome(Welcome(datasetPath: "/data", drop: drop)), to: worker)
}

/// What giving a lease looks like.
func lease(_ attempt: AttemptID, _ name: String, to worker: String = "w1", inputs: [InputArtifact] = []) -> [Dispatcher.Command] {
    [.record(.attemptStarted(attempt, worker: worker)), .send(.assign(assignment(attempt, name, inputs: inputs)), to: worker)]
}
