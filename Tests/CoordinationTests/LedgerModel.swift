import Coordination
import Digests
import Studies

/// The ledger's rules in memory, for checking: it knows nothing of how the dispatcher decides.
///
/// At most one attempt of a job runs, numbers strictly increase, what is settled stays, a result stands only on blobs that
/// are here, a job starts only on finished inputs, and fails by crashes only after as many as the limit.
struct LedgerModel {
    enum AttemptState: Equatable { case running, settled, superseded, failed(JobFailure.Reason) }
    enum JobStateModel: Equatable { case open, finished, diverged, failed(JobFailure.Reason) }

    struct Row {
        var entry: JobEntry
        var state = JobStateModel.open
        var attempts: [AttemptState] = []
        var artifacts: [ArtifactNotice] = []
        /// Numbers up to this were given before the model began.
        var firstNumber = 1
        var isAncient: Bool { firstNumber > 1 }
        /// Attempts up to here are forgiven: the job was opened again after them.
        var forgiven = 0

        var crashes: Int {
            attempts.dropFirst(forgiven).count { state in
                guard case .failed(let reason) = state else { return false }
                return [.crashed, .outOfMemory, .io, .input, .data, .timeout].contains(reason)
            }
        }

        func state(of number: Int) -> AttemptState? {
            attempts.indices.contains(number - firstNumber) ? attempts[number - firstNumber] : nil
        }
    }

    private(set) var rows: [JobID: Row] = [:]
    private(set) var order: [JobID] = []
    private(set) var faults: [String] = []
    private(set) var events: [String] = []
    private(set) var startedAttempts = 0
    /// Whether a failure is only ever reported by the worker that the attempt was given to.
    var workersAreHonest = true
    private var workers: Set<String> = []
    private var inherited: Set<AttemptID> = []
    private let crashLimit: Int

    init(_ entries: [JobEntry], crashLimit: Int) {
        self.crashLimit = crashLimit
        for entry in entries {
            var row = Row(entry: entry, firstNumber: entry.lastAttempt == 0 ? 1 : entry.lastAttempt)
            if entry.lastAttempt > 0 {
                row.attempts = [.running]
                inherited.insert(AttemptID(job: entry.id, number: entry.lastAttempt))
            }
            switch entry.state {
            case .open: break
            case .finished(let artifacts):
                row.state = .finished
                row.artifacts = artifacts
            case .ended(let state): row.state = state == .diverged ? .diverged : .failed(.data)
            }
            rows[entry.id] = row
            order.append(entry.id)
        }
    }

    /// The newest attempts of open jobs that run, or whose worker was given up for its silence.
    var mayBeRunning: [JobID: AttemptID] {
        var attempts: [JobID: AttemptID] = [:]
        for (id, row) in rows where row.state == .open {
            guard let newest = row.attempts.last, newest == .running || newest == .failed(.hostLost) else { continue }
            attempts[id] = AttemptID(job: id, number: row.firstNumber + row.attempts.count - 1)
        }
        return attempts
    }

    var isSettled: Bool { rows.values.allSatisfy { $0.state != .open } }

    /// A new coordinator reads the ledger: what was running may run on, or makes room.
    mutating func entriesAfterRestart(knowsEnded: Bool) -> [JobEntry] {
        inherited = []
        return order.map { id in
            let row = rows[id]!
            var entry = row.entry
            for (offset, state) in row.attempts.enumerated() {
                let number = row.firstNumber + offset
                if state == .running { inherited.insert(AttemptID(job: id, number: number)) }
                if knowsEnded, case .failed(let reason) = state, reason != .hostLost { entry.lastEndedAttempt = number }
            }
            entry.lastAttempt = row.firstNumber + row.attempts.count - 1
            entry.crashes = row.crashes
            switch row.state {
            case .open: entry.state = .open
            case .finished: entry.state = .finished(artifacts: row.artifacts)
            case .diverged: entry.state = .ended(.diverged)
            case .failed: entry.state = .ended(.failed)
            }
            return entry
        }
    }

    /// - Parameter blobs: what the coordinator's store holds; `nil` when the test has none.
    mutating func record(_ change: LedgerChange, blobs: Set<Digest>? = nil) {
        switch change {
        case .jobReopened(let job): reopen(job)
        case .workerJoined(let hello): workers.insert(hello.worker)
        case .workerLeft(let worker, _): require(workers.contains(worker), "\(worker) leaves but never joined")
        case .event(let kind, _): events.append(kind)
        case .checkpointed(let job, let checkpoint):
            require(rows[job]?.state == .open, "a checkpoint of a settled job")
            let earlier = rows[job]?.entry.checkpoint?.checkpoint.epoch ?? 0
            require(checkpoint.checkpoint.epoch > earlier, "a checkpoint takes the place of a later one")
            rows[job]?.entry.checkpoint = checkpoint
        case .attemptStarted(let attempt, let worker): start(attempt, on: worker)
        case .epoch(let attempt, _):
            guard let state = rows[attempt.job]?.state(of: attempt.number) else { return fault("an epoch of no attempt") }
            require(rows[attempt.job]?.state == .open, "an epoch of a settled job")
            if case .failed = state { set(attempt, .running) }
            requireOneRunning(attempt.job)
        case .attemptFailed(let attempt, let failure):
            require(rows[attempt.job]?.state == .open, "an attempt of a settled job fails")
            end(attempt, failure)
        case .jobSettled(let result): settle(result, blobs: blobs)
        case .jobFailed(let job, let attempt, let failure): fail(job, attempt, failure)
        }
    }

    /// Checks one message against what is recorded by now.
    mutating func check(_ message: CoordinatorMessage, answering event: Dispatcher.Event) {
        switch message {
        case .assign(let assignment):
            let attempt = assignment.attempt
            guard let row = rows[attempt.job], let state = row.state(of: attempt.number) else {
                return fault("attempt \(attempt.number) is assigned, not recorded")
            }
            require(row.state == .open, "a settled job is assigned")
            require(state == .running || state == .failed(.hostLost), "attempt \(attempt.number) is assigned, it is \(state)")
            require(attempt.number == row.firstNumber + row.attempts.count - 1, "an old attempt is assigned")
            let inputs = row.entry.inputs.flatMap { id in rows[id]!.artifacts.map { InputArtifact(job: id, artifact: $0) } }
            require(assignment.inputs == inputs && assignment.spec == row.entry.spec, "an assignment is not its job")
            require(
                assignment.checkpoint == nil || assignment.checkpoint == row.entry.checkpoint?.checkpoint.artifact,
                "a checkpoint is handed out that is not recorded")
        case .acknowledged(let attempt):
            guard case .received(.result(let result), _) = event else { return fault("an acknowledgement answers no result") }
            require(result.attempt == attempt, "another attempt is acknowledged")
            guard let row = rows[attempt.job], let state = row.state(of: attempt.number) else { return }
            if result.outcome.isFailure {
                guard workersAreHonest else { return }
                require(
                    row.state != .open || state != .running || inherited.contains(attempt),
                    "a failure is acknowledged, not recorded")
            } else {
                require(row.state != .open, "a result is acknowledged, not recorded")
            }
        default: break
        }
    }

    /// Only a checkpoint that is not the job's any more may go.
    mutating func checkDiscard(_ digest: Digest) {
        require(!rows.values.contains { $0.artifacts.contains { $0.digest == digest } }, "an artifact is discarded")
        require(
            !rows.values.contains { $0.state == .open && $0.entry.checkpoint?.checkpoint.artifact.digest == digest },
            "the checkpoint of an open job is discarded")
    }

    private mutating func start(_ attempt: AttemptID, on worker: String) {
        guard let row = rows[attempt.job] else { return fault("an unknown job starts") }
        require(workers.contains(worker), "\(worker) never joined")
        require(row.state == .open, "a settled job starts")
        require(attempt.number == row.firstNumber + row.attempts.count, "attempt \(attempt.number) after \(row.attempts.count)")
        require(row.entry.inputs.allSatisfy { rows[$0]?.state == .finished }, "a job starts without its inputs")
        for (offset, state) in row.attempts.enumerated() where state == .running {
            let old = AttemptID(job: attempt.job, number: row.firstNumber + offset)
            if inherited.contains(old) { set(old, .superseded) }
        }
        rows[attempt.job]?.attempts.append(.running)
        startedAttempts += 1
        requireOneRunning(attempt.job)
    }

    private mutating func settle(_ result: AttemptResult, blobs: Set<Digest>?) {
        let attempt = result.attempt
        guard let row = rows[attempt.job], row.state(of: attempt.number) != nil else { return fault("a result of no attempt") }
        require(row.state == .open, "a job is settled twice")
        require(!result.outcome.isFailure, "a failure settles a job")
        require(Set(result.artifacts.map(\.name)).count == result.artifacts.count, "artifact names repeat")
        if let blobs {
            require(result.artifacts.allSatisfy { blobs.contains($0.digest) }, "a result is recorded before its blobs")
        }
        set(attempt, .settled)
        supersedeRunning(attempt.job)
        rows[attempt.job]?.state = result.outcome == .finished ? .finished : .diverged
        rows[attempt.job]?.artifacts = result.artifacts
    }

    private mutating func fail(_ job: JobID, _ attempt: AttemptID?, _ failure: JobFailure) {
        guard let row = rows[job] else { return fault("an unknown job fails") }
        require(row.state == .open, "a settled job fails")
        if let attempt {
            end(attempt, failure)
            if ![.data, .specification, .canceled].contains(failure.reason), !row.isAncient {
                let crashes = rows[job]?.crashes ?? 0
                require(crashes >= crashLimit, "a job fails after \(crashes) crashes, fewer than its limit")
            }
        } else {
            guard failure.reason != .canceled else {
                supersedeRunning(job)
                rows[job]?.state = .failed(.canceled)
                return
            }
            let isDoomed = row.entry.inputs.contains { [.open, .finished].contains(rows[$0]?.state) == false }
            require(isDoomed, "a job fails by its inputs, which are fine")
        }
        supersedeRunning(job)
        rows[job]?.state = .failed(failure.reason)
    }

    private mutating func reopen(_ job: JobID) {
        guard var row = rows[job], case .failed = row.state else { return fault("a job is opened again that has not failed") }
        row.state = .open
        row.forgiven = row.attempts.count
        rows[job] = row
    }

    private mutating func end(_ attempt: AttemptID, _ failure: JobFailure) {
        switch rows[attempt.job]?.state(of: attempt.number) {
        case .running, .failed: set(attempt, .failed(failure.reason))
        case let state: fault("attempt \(attempt.number) fails, it is \(String(describing: state))")
        }
    }

    private mutating func supersedeRunning(_ job: JobID) {
        for index in rows[job]!.attempts.indices where rows[job]!.attempts[index] == .running {
            rows[job]!.attempts[index] = .superseded
        }
    }

    private mutating func set(_ attempt: AttemptID, _ state: AttemptState) {
        guard let row = rows[attempt.job] else { return }
        rows[attempt.job]?.attempts[attempt.number - row.firstNumber] = state
    }

    private mutating func requireOneRunning(_ job: JobID) {
        require(rows[job]!.attempts.count { $0 == .running } <= 1, "two attempts of a job run")
    }

    private mutating func require(_ holds: Bool, _ fault: @autoclosure () -> String) {
        if !holds { self.fault(fault()) }
    }

    private mutating func fault(_ text: String) { faults.append(text) }
}
