import Coordination
import Digests
import Studies

/// A worker session with what surrounds it: transfers under way, and which slot runs what.
struct SessionUnderFuzzing {
    private static let greeting = hello("w0", slots: 2)

    private var session: WorkerSession
    private var running: [Int: AttemptID] = [:]
    private var transfers: [WorkerSession.Command] = []
    private var fetched: Set<Digest> = []
    /// Everything it has sent: any of it may arrive late, or twice.
    private(set) var said: [WorkerMessage] = []

    init(at now: Instant) {
        session = WorkerSession(hello: Self.greeting, now: now)
        carryOut(session.start(), at: now)
    }

    mutating func handle(_ event: WorkerSession.Event, at now: Instant) { carryOut(session.handle(event, at: now), at: now) }

    /// What the transfers and runners do; `nil` when there is none that could.
    mutating func event(_ code: Code, _ script: inout Script) -> WorkerSession.Event? {
        switch code {
        case .transfer, .failedTransfer:
            guard let transfer = script.choice(transfers) else { return nil }
            let fails = code == .failedTransfer
            switch transfer {
            case .fetch(let artifact):
                if !fails { fetched.insert(artifact.digest) }
                return fails ? .fetchFailed(artifact.digest, reason: "gone\u{1B}") : .fetched(artifact.digest)
            case .push(let artifact):
                return fails ? .pushFailed(artifact.digest, reason: "gone\u{1B}") : .pushed(artifact.digest)
            default: return nil
            }
        case .runnerEpoch: return .runnerEpoch(slot: script.below(3), metrics(script.below(3) + 1))
        case .runnerCheckpoint: return .runnerCheckpoint(slot: script.below(3), checkpoint(&script))
        case .runnerEnded:
            let result = RunnerResult(outcome: outcome(&script), epochs: [metrics(1)], artifacts: artifacts(&script), seconds: 1)
            return ended(script.below(3), .runnerEnded(slot: 0, result))
        case .runnerDied: return ended(script.below(3), .runnerDied(slot: 0, JobFailure(.crashed, "signal\u{1B} 9")))
        case .runnerFrame:
            let slot = script.below(3)
            switch try? RunnerMessage(frame: script.frame()) {
            case .epoch(let metrics): return .runnerEpoch(slot: slot, metrics)
            case .checkpoint(let checkpoint): return .runnerCheckpoint(slot: slot, checkpoint)
            case .ended(let result): return ended(slot, .runnerEnded(slot: slot, result))
            case .ready, nil: return nil
            }
        case .drain: return .drain
        case .leave: return .leave
        default: return .tick
        }
    }

    private mutating func ended(_ slot: Int, _ event: WorkerSession.Event) -> WorkerSession.Event {
        running[slot] = nil
        switch event {
        case .runnerEnded(_, let result): return .runnerEnded(slot: slot, result)
        case .runnerDied(_, let failure): return .runnerDied(slot: slot, failure)
        default: return event
        }
    }

    private mutating func carryOut(_ commands: [WorkerSession.Command], at now: Instant) {
        for command in commands {
            switch command {
            case .send(let message):
                checkFits(message)
                said.append(message)
            case .fetch, .push: transfers.append(command)
            case .start(let slot, let attempt, let start): check(start, of: attempt, in: slot)
            case .kill(let slot): require(running.removeValue(forKey: slot) != nil, "slot \(slot) is killed, and is free")
            case .discard, .reconnect, .spool, .unspool, .look, .place: break
            case .end:
                self = SessionUnderFuzzing(at: now)
                return
            }
        }
        require(session.runningCount == running.count, "\(session.runningCount) attempts run, \(running.count) were started")
    }

    private mutating func check(_ start: WorkerSession.RunnerStart, of attempt: AttemptID, in slot: Int) {
        require((0..<Self.greeting.slots).contains(slot) && running[slot] == nil, "slot \(slot) is not there, or not free")
        require(!running.values.contains { $0.job == attempt.job }, "job \(attempt.job) runs twice")
        require(start.inputs.allSatisfy { fetched.contains($0.artifact.digest) }, "a job starts without its inputs")
        running[slot] = attempt
        checkFits(
            RunnerRequest(
                spec: start.spec, datasetPath: start.datasetPath, storePath: "/store", inputs: start.inputs,
                checkpoint: start.checkpoint, checkpointSeconds: start.checkpointSeconds))
    }
}
