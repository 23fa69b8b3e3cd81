import Coordination
import Digests
import Studies

/// The ledger in memory, and its rules: it knows nothing of how the dispatcher decides.
///
/// At most one attempt of a job runs, numbers strictly increase, what is settled stays, a result stands only on blobs that
/// are here, a job starts only on finished inputs, and fails by crashes only after as many as the limit, and then at once.
package struct LedgerModel: Sendable {
    package enum AttemptState: Equatable, Sendable { case running, settled, superseded, failed(JobFailure.Reason) }
    package enum State: Equatable, Sendable { case open, finished, diverged, failed(JobFailure.Reason) }

    struct Row: Sendable {
        var state = State.open
        /// From `firstNumber` on; numbers before it were given before the model began.
        var attempts: [AttemptState] = []
        var firstNumber: Int32 = 1
        var artifacts: [ArtifactNotice] = []
        /// So many attempts are forgiven: the job was opened again after them.
        var forgiven = 0

        var isAncient: Bool { firstNumber > 1 }
        var lastNumber: Int { Int(firstNumber) + attempts.count - 1 }

        var crashes: Int {
            attempts.dropFirst(forgiven).count { state in
                guard case .failed(let reason) = state else { return false }
                return LedgerModel.countedReasons.contains(reason)
            }
        }

        func state(of number: Int) -> AttemptState? {
            let offset = number - Int(firstNumber)
            return attempts.indices.contains(offset) ? attempts[offset] : nil
        }
    }

    /// Failures that count towards the crash limit.
    static let countedReasons: [JobFailure.Reason] = [.crashed, .outOfMemory, .io, .input, .data, .timeout]

    package private(set) var faults: [String] = []
    package private(set) var events: [String] = []
    package private(set) var startedAttempts = 0
    /// Whether a failure is only ever reported by the worker that the attempt was given to.
    package var workersAreHonest = true
    package private(set) var openJobs = 0
    let entries: [JobEntry]
    private let positions: [JobID: Int32]
    private(set) var rows: [Row] = []
    private(set) var checkpoints: [JobID: JobCheckpoint] = [:]
    private var checkpointUses: [Digest: Int] = [:]
    private var keptArtifacts: Set<Digest> = []
    private var workers: Set<String> = []
    private var inherited: Set<AttemptID> = []
    private let crashLimit: Int

    package init(_ entries: [JobEntry], crashLimit: Int) {
        self.crashLimit = crashLimit
        self.entries = entries
        positions = Dictionary(zip(entries.map(\.id), 0...), uniquingKeysWith: { first, _ in first })
        rows.reserveCapacity(entries.count)
        for entry in entries {
            var row = Row(firstNumber: Int32(max(1, entry.lastAttempt)))
            if entry.lastAttempt > 0 {
                row.attempts = [.running]
                inherited.insert(AttemptID(job: entry.id, number: entry.lastAttempt))
            }
            switch entry.state {
            case .open: openJobs += 1
            case .finished(let artifacts):
                row.state = .finished
                row.artifacts = artifacts
                keptArtifacts.formUnion(artifacts.map(\.digest))
            case .ended(let state): row.state = state == .diverged ? .diverged : .failed(.data)
            case .canceled: row.state = .failed(.canceled)
            }
            if let checkpoint = entry.checkpoint { keep(checkpoint, of: entry.id) }
            rows.append(row)
        }
    }

    package var isSettled: Bool { openJobs == 0 }

    func row(of id: JobID) -> Row? { positions[id].map { rows[Int($0)] } }

    func entry(of id: JobID) -> JobEntry? { positions[id].map { entries[Int($0)] } }

    /// The newest attempts of open jobs that run, or whose worker was given up for its silence.
    var mayBeRunning: [JobID: AttemptID] {
        var attempts: [JobID: AttemptID] = [:]
        for (entry, row) in zip(entries, rows) where row.state == .open {
            guard let newest = row.attempts.last, newest == .running || newest == .failed(.hostLost) else { continue }
            attempts[entry.id] = AttemptID(job: entry.id, number: row.lastNumber)
        }
        return attempts
    }

    /// A new coordinator reads the ledger: what was running may run on, or makes room.
    package mutating func entriesAfterRestart() -> [JobEntry] {
        inherited = []
        return zip(entries, rows).map { original, row in
            var entry = original
            for (number, state) in zip(Int(row.firstNumber)..., row.attempts) {
                if state == .running { inherited.insert(AttemptID(job: entry.id, number: number)) }
                if case .failed(let reason) = state, reason != .hostLost { entry.lastEndedAttempt = number }
            }
            entry.lastAttempt = row.attempts.isEmpty ? original.lastAttempt : row.lastNumber
            entry.crashes = row.crashes
            entry.checkpoint = checkpoints[entry.id]
            switch row.state {
            case .open: entry.state = .open
            case .finished: entry.state = .finished(artifacts: row.artifacts)
            case .diverged: entry.state = .ended(.diverged)
            case .failed(.canceled): entry.state = .canceled
            case .failed: entry.state = .ended(.failed)
            }
            return entry
        }
    }

    // MARK: Recording

    /// - Parameter blobs: what the coordinator's store holds; `nil` when the test has none.
    package mutating func record(_ change: LedgerChange, blobs: Set<Digest>? = nil) {
        switch change {
        case .workerJoined(let hello): workers.insert(hello.worker)
        case .workerLeft(let worker, _): require(workers.contains(worker), "\(worker) leaves but never joined")
        case .event(let kind, _): events.append(kind)
        case .checkpointed(let job, let checkpoint):
            require(row(of: job)?.state == .open, "a checkpoint of a settled job")
            let earlier = checkpoints[job]?.checkpoint.epoch ?? 0
            require(checkpoint.checkpoint.epoch > earlier, "a checkpoint takes the place of a later one")
            keep(checkpoint, of: job)
        case .attemptStarted(let attempt, let worker): start(attempt, on: worker)
        case .epoch(let attempt, _):
            guard let row = row(of: attempt.job), let state = row.state(of: attempt.number) else { return fault("an epoch of no attempt") }
            require(row.state == .open, "an epoch of a settled job")
            if case .failed = state { set(attempt, .running) }
            requireOneRunning(attempt.job)
        case .attemptFailed(let attempt, let failure):
            require(row(of: attempt.job)?.state == .open, "an attempt of a settled job fails")
            end(attempt, failure)
            let crashes = row(of: attempt.job)?.crashes ?? 0
            require(!hasOnlyOwnAttempts(attempt.job) || crashes < crashLimit, "a job goes on after \(crashes) crashes, its limit")
        case .jobSettled(let result): settle(result, blobs: blobs)
        case .jobFailed(let job, let attempt, let failure): fail(job, attempt, failure)
        case .jobReopened(let job): reopen(job)
        }
    }

    /// Only a checkpoint that is not the job's any more may go.
    package mutating func checkDiscard(_ digest: Digest) {
        require(!keptArtifacts.contains(digest), "an artifact is discarded")
        require(checkpointUses[digest] == nil, "the checkpoint of an open job is discarded")
    }

    private mutating func keep(_ checkpoint: JobCheckpoint, of job: JobID) {
        forgetCheckpoint(of: job)
        checkpoints[job] = checkpoint
        checkpointUses[checkpoint.checkpoint.artifact.digest, default: 0] += 1
    }

    private mutating func forgetCheckpoint(of job: JobID) {
        let digest = checkpoints.removeValue(forKey: job)?.checkpoint.artifact.digest
        guard let digest, let uses = checkpointUses[digest] else { return }
        checkpointUses[digest] = uses > 1 ? uses - 1 : nil
    }

    private mutating func start(_ attempt: AttemptID, on worker: String) {
        guard let row = row(of: attempt.job), let entry = entry(of: attempt.job) else { return fault("an unknown job starts") }
        require(workers.contains(worker), "\(worker) never joined")
        require(row.state == .open, "a settled job starts")
        require(attempt.number == row.lastNumber + 1, "attempt \(attempt.number) after \(row.lastNumber)")
        require(entry.inputs.allSatisfy { self.row(of: $0)?.state == .finished }, "a job starts without its inputs")
        for (number, state) in zip(Int(row.firstNumber)..., row.attempts) where state == .running {
            let old = AttemptID(job: attempt.job, number: number)
            if inherited.contains(old) { set(old, .superseded) }
        }
        change(attempt.job) { $0.attempts.append(.running) }
        startedAttempts += 1
        requireOneRunning(attempt.job)
    }

    private mutating func settle(_ result: AttemptResult, blobs: Set<Digest>?) {
        let attempt = result.attempt
        guard let row = row(of: attempt.job), row.state(of: attempt.number) != nil else { return fault("a result of no attempt") }
        require(row.state == .open, "a job is settled twice")
        require(!result.outcome.isFailure, "a failure settles a job")
        require(Set(result.artifacts.map(\.name)).count == result.artifacts.count, "artifact names repeat")
        if let blobs {
            require(result.artifacts.allSatisfy { blobs.contains($0.digest) }, "a result is recorded before its blobs")
        }
        set(attempt, .settled)
        close(attempt.job, result.outcome == .finished ? .finished : .diverged)
        change(attempt.job) { $0.artifacts = result.artifacts }
        keptArtifacts.formUnion(result.artifacts.map(\.digest))
    }

    private mutating func fail(_ job: JobID, _ attempt: AttemptID?, _ failure: JobFailure) {
        guard let row = row(of: job), let entry = entry(of: job) else { return fault("an unknown job fails") }
        require(row.state == .open, "a settled job fails")
        if let attempt {
            end(attempt, failure)
            if ![.data, .specification, .canceled].contains(failure.reason), hasOnlyOwnAttempts(job) {
                let (crashes, limit) = (self.row(of: job)?.crashes ?? 0, crashLimit)
                require(crashes == limit, "a job fails after \(crashes) crashes, its limit is \(limit)")
            }
        } else if failure.reason != .canceled {
            let isDoomed = entry.inputs.contains { [.open, .finished].contains(self.row(of: $0)?.state) == false }
            require(isDoomed, "a job fails by its inputs, which are fine")
        }
        close(job, .failed(failure.reason))
    }

    private mutating func reopen(_ job: JobID) {
        guard case .failed = row(of: job)?.state else { return fault("a job is opened again that has not failed") }
        openJobs += 1
        change(job) { row in
            row.state = .open
            row.forgiven = row.attempts.count
        }
    }

    private mutating func end(_ attempt: AttemptID, _ failure: JobFailure) {
        switch row(of: attempt.job)?.state(of: attempt.number) {
        case .running, .failed(.hostLost): set(attempt, .failed(failure.reason))
        case .failed where !workersAreHonest: set(attempt, .failed(failure.reason))
        case let state: fault("attempt \(attempt.number) fails, it is \(String(describing: state))")
        }
    }

    /// Whether every attempt at a job was recorded here, by workers that tell the truth.
    private func hasOnlyOwnAttempts(_ job: JobID) -> Bool { workersAreHonest && row(of: job)?.isAncient == false }

    private mutating func close(_ job: JobID, _ state: State) {
        if row(of: job)?.state == .open { openJobs -= 1 }
        change(job) { row in
            row.state = state
            for index in row.attempts.indices where row.attempts[index] == .running { row.attempts[index] = .superseded }
        }
        forgetCheckpoint(of: job)
    }

    private mutating func set(_ attempt: AttemptID, _ state: AttemptState) {
        change(attempt.job) { row in row.attempts[attempt.number - Int(row.firstNumber)] = state }
    }

    private mutating func change(_ job: JobID, _ body: (inout Row) -> Void) {
        if let position = positions[job] { body(&rows[Int(position)]) }
    }

    private mutating func requireOneRunning(_ job: JobID) {
        let running = row(of: job)?.attempts.count { $0 == .running } ?? 0
        require(running <= 1, "two attempts of a job run")
    }

    mutating func require(_ holds: Bool, _ fault: @autoclosure () -> String) {
        if !holds { self.fault(fault()) }
    }

    mutating func fault(_ text: String) { faults.append(text) }
}
