import Coordination
import Digests
import Studies

/// What a worker process may do: it sends only results that are on its disk and takes them off only when they are the
/// coordinator's or nobody's; a slot has one job, a job one slot, with everything it reads; what it was told to stop it stops.
struct WorkerRules {
    private var running: [Int: AttemptID] = [:]
    /// Attempts that it was told to stop and not to start again since.
    private var stopped: Set<AttemptID> = []
    private(set) var faults: [String] = []

    /// It greets with what is on its disk.
    mutating func checkFirstWords(_ commands: [WorkerSession.Command], spooled: [AttemptResult]) {
        guard case .send(.hello(let hello)) = commands.first, Set(hello.attempts) == Set(spooled.map(\.attempt)) else {
            return faults.append("a worker does not greet with what is on its disk")
        }
    }

    mutating func noteReceived(_ message: CoordinatorMessage) {
        switch message {
        case .welcome(let welcome): stopped.formUnion(welcome.drop)
        case .cancel(let attempt): stopped.insert(attempt)
        case .assign(let assignment): stopped.remove(assignment.attempt)
        default: break
        }
    }

    mutating func checkSent(_ message: WorkerMessage, isOnDisk: (AttemptResult) -> Bool) {
        switch message {
        case .result(let result):
            if !result.outcome.isFailure, !isOnDisk(result) { faults.append("a result is sent that is not on the disk") }
        case .epoch(let attempt, _):
            if stopped.contains(attempt) { faults.append("an attempt goes on that was to be stopped") }
        case .hello(let hello):
            if hello.attempts.count > Limits.attemptsPerWorker { faults.append("a greeting lists more attempts than fit") }
            let listed = Set(hello.attempts)
            if !running.values.allSatisfy(listed.contains) { faults.append("a greeting does not list what runs") }
        default: break
        }
    }

    /// A result leaves the disk only when the coordinator has answered for it, or its artifacts cannot be delivered.
    mutating func checkUnspooled(_ attempt: AttemptID, answering event: WorkerSession.Event) {
        switch event {
        case .received(.acknowledged(attempt)), .received(.cancel(attempt)), .pushFailed: break
        default: faults.append("a result leaves the disk that nobody has taken")
        }
    }

    mutating func noteStarted(_ attempt: AttemptID, slot: Int, _ start: WorkerSession.RunnerStart, store: Set<Digest>, hostClass: String) {
        if !(0..<SimulationSettings.slots).contains(slot) { faults.append("a job is given to slot \(slot), which there is not") }
        if running[slot] != nil { faults.append("a busy slot is given a job") }
        if running.values.contains(where: { $0.job == attempt.job }) { faults.append("a job runs twice on one worker") }
        if !start.inputs.allSatisfy({ store.contains($0.artifact.digest) }) { faults.append("a job runs without its inputs") }
        running[slot] = attempt
        guard let checkpoint = start.checkpoint else { return }
        if !store.contains(checkpoint.digest) { faults.append("a job goes on without its checkpoint") }
        let own = (1..<SimulatedStudy.epochs).map { SimulatedStudy.checkpoint(of: start.spec, epoch: $0, numericClass: hostClass).artifact }
        if !own.contains(checkpoint) { faults.append("a job goes on from what is no checkpoint of its own") }
    }

    /// It leaves in good order.
    mutating func checkLeaving() {
        if !running.isEmpty { faults.append("a worker leaves while \(running.count) of its jobs run") }
    }

    mutating func noteEnded(slot: Int) { running[slot] = nil }
}
