import Coordination
import Digests
import Studies

// The bytes are a script: what arrives at a dispatcher and at a worker session, of which some comes from the other. Nobody
// is honest: any worker may claim anything. Nothing traps, no invariant breaks, and whatever is sent fits its limits.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSessions(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    var play = Play(Script(data, size))
    // No input is longer than its time is worth.
    for _ in 0..<500 where !play.script.isAtEnd { play.step() }
    return 0
}

struct Play {
    static let jobNames =
        (0..<10).map { "train-\($0)" } + ["cluster", "sample", "evaluate-0", "evaluate-1", "chain-0", "chain-1", "alien"]
    static let workerNames = ["w0", "w1", "central"]

    static let entries: [JobEntry] = {
        let trained = jobNames.prefix(10)
        var entries = trained.map { entry($0) }
        entries.append(entry("cluster", inputs: Array(trained), isCentral: true, priority: 1))
        entries.append(entry("sample", inputs: ["cluster"], isCentral: true, isBroadcast: true, priority: 2))
        for name in ["evaluate-0", "evaluate-1"] { entries.append(entry(name, inputs: ["sample"], priority: 3)) }
        entries[entries.count - 1].demands.labels = Labels(["class": "zen4"])
        entries.append(entry("chain-0", priority: 4))
        entries.append(entry("chain-1", inputs: ["chain-0"], priority: 4))
        return entries
    }()

    var script: Script
    private var now = Instant(seconds: 0)
    private var dispatcher: Dispatcher
    private var ledger: LedgerModel
    private var session: SessionUnderFuzzing
    private var toSession: [CoordinatorMessage] = []

    init(_ script: Script) {
        self.script = script
        ledger = LedgerModel(Self.entries, crashLimit: 2)
        ledger.workersAreHonest = false
        dispatcher = Self.dispatcher(Self.entries)
        session = SessionUnderFuzzing(at: now)
    }

    private static func dispatcher(_ entries: [JobEntry]) -> Dispatcher {
        Dispatcher(entries: entries, datasetPath: "/data", policy: RetryPolicy(crashLimit: 2), checkpointSeconds: 1)
    }

    mutating func step() {
        let code = Code.allCases[script.below(Code.allCases.count)]
        switch code {
        case .time: now = now + [0, 0.5, 2, 3.5, 5.5, 15.5, 31, 61, 2401][script.below(9)]
        case .restart:
            dispatcher = Self.dispatcher(ledger.entriesAfterRestart())
            toSession = []
            carryOut(dispatcher.start(), answering: .tick)
        case .stop: decide(.asked(request()))
        case .tick: decide(.tick)
        case .workerEnded: decide(.workerEnded(worker: workerName(), reason: "exit 9"))
        case .workerFrame:
            let name = workerName()
            if let message = try? WorkerMessage(frame: script.frame()) { receive(message, from: name) }
        case .hello, .epoch, .result, .checkpoint, .heartbeat:
            let name = workerName()
            receive(workerMessage(code, from: name), from: name)
        case .toDispatcher:
            if let message = script.choice(session.said) { receive(message, from: Self.workerNames[0]) }
        case .toSession:
            if let message = script.choice(toSession) { session.handle(.received(message), at: now) }
        case .welcome, .assign, .acknowledged, .cancel, .missing:
            session.handle(.received(coordinatorMessage(code)), at: now)
        case .coordinatorFrame:
            if let message = try? CoordinatorMessage(frame: script.frame()) { session.handle(.received(message), at: now) }
        default:
            if let event = session.event(code, &script) { session.handle(event, at: now) }
        }
    }

    // MARK: The dispatcher

    private mutating func receive(_ message: WorkerMessage, from name: String) {
        // As the loop does, the connection's name is what the greeting says.
        if case .hello(let hello) = message {
            decide(.received(message, from: hello.worker))
        } else {
            decide(.received(message, from: name))
        }
    }

    private mutating func decide(_ event: Dispatcher.Event) {
        carryOut(dispatcher.handle(event, at: now), answering: event)
    }

    private mutating func carryOut(_ commands: [Dispatcher.Command], answering event: Dispatcher.Event) {
        for command in commands {
            switch command {
            case .record(let change): ledger.record(change)
            case .discard(let digest): ledger.checkDiscard(digest)
            case .send(let message, let name):
                checkFits(message)
                ledger.check(message, answering: event)
                if name == Self.workerNames[0] { toSession.append(message) }
            }
        }
        require(ledger.faults.isEmpty, "the ledger's rules are broken: \(ledger.faults)")
        require(dispatcher.violations.isEmpty, "the dispatcher's invariants are broken: \(dispatcher.violations)")
        require(dispatcher.isComplete == ledger.isSettled, "dispatcher and ledger disagree on the end")
    }

    // MARK: Messages

    private mutating func workerName() -> String { Self.workerNames[script.below(Self.workerNames.count)] }

    private mutating func attemptID() -> AttemptID {
        attempt(Self.jobNames[script.below(Self.jobNames.count)], script.below(8) + 1)
    }

    private mutating func workerMessage(_ code: Code, from name: String) -> WorkerMessage {
        switch code {
        case .hello:
            .hello(greeting(of: name))
        case .epoch: .epoch(attemptID(), metrics(script.below(3) + 1))
        case .checkpoint: .checkpoint(attemptID(), checkpoint(&script))
        case .result:
            .result(
                AttemptResult(
                    attempt: attemptID(), outcome: outcome(&script), epochs: [metrics(1)], artifacts: artifacts(&script),
                    numericClass: "v1", seconds: 1))
        default: .heartbeat
        }
    }

    private mutating func greeting(of name: String) -> Hello {
        var greeting = hello(
            name, slots: script.below(4) + 1, isCentral: script.below(4) == 3, holding: (0..<script.below(4)).map { _ in attemptID() })
        let more = script.byte()
        greeting.isDraining = more & 7 == 7
        if more & 24 == 24 { greeting.secondsLeft = Double(more) }
        if more & 32 == 32 { greeting.labels = Labels(["class": "zen4"]) }
        return greeting
    }

    /// What a person asks. A sweep that was told to stop gives out nothing more, so that is rare.
    private mutating func request() -> OperatorRequest {
        switch script.below(16) {
        case 0..<5: .pause
        case 5..<10: .proceed
        case 10..<12: .retry([])
        case 12..<14: .cancelJobs([attemptID().job])
        case 14: .report
        default: .stop
        }
    }

    private mutating func coordinatorMessage(_ code: Code) -> CoordinatorMessage {
        switch code {
        case .welcome: .welcome(Welcome(datasetPath: "/data", drop: (0..<script.below(4)).map { _ in attemptID() }))
        case .assign:
            .assign(
                Assignment(
                    attempt: attemptID(), spec: [1],
                    inputs: artifacts(&script).map { InputArtifact(job: jobID("train-0"), artifact: $0) },
                    checkpoint: script.below(2) == 1 ? checkpoint(&script).artifact : nil))
        case .acknowledged: .acknowledged(attemptID())
        case .cancel: .cancel(attemptID())
        default: .missing(attemptID(), artifacts(&script).map(\.digest))
        }
    }
}

/// Up to 16 artifacts out of a few, so that several jobs may name the same.
func artifacts(_ script: inout Script) -> [ArtifactNotice] {
    let first = script.below(4)
    return (0..<script.below(Limits.artifactsPerJob + 1)).map { artifact("artifact-\(first + $0)") }
}

func checkpoint(_ script: inout Script) -> Checkpoint {
    Checkpoint(epoch: script.below(4) + 1, artifact: artifact("artifact-\(script.below(4))"))
}

func outcome(_ script: inout Script) -> AttemptOutcome {
    switch script.below(4) {
    case 0, 1: .finished
    case 2: .diverged(epoch: 1, step: 1)
    default: .failed(JobFailure(JobFailure.Reason.allCases[script.below(8)], "it broke\u{1B}"))
    }
}

/// What is sent is what the other side reads, within the limits.
func checkFits<Message: WireCodable>(_ message: Message) {
    let frame = message.frame
    require(frame.count <= Limits.controlFrameBytes, "a message of \(frame.count) bytes: \(message)")
    do throws(WireError) {
        require(try Message(frame: frame).frame == frame, "a message comes back as another: \(message)")
    } catch {
        fatalError("a message that nobody can read (\(error)): \(message)")
    }
}
