import Coordination
import Studies

/// For some time after a coordinator's start only the worker that may still run a job has a claim to it, and its claim is granted.
struct AdoptionRules {
    private let start: Instant
    /// The newest attempts that may run on somewhere since before the start, and that nobody has claimed.
    private var unclaimed: [JobID: AttemptID]
    /// Running attempts that the coordinator took back.
    private var readoptions = 0
    private(set) var faults: [String] = []

    init(_ unclaimed: [JobID: AttemptID], start: Instant) {
        self.unclaimed = unclaimed
        self.start = start
    }

    /// Those since it was last asked.
    mutating func takeReadoptions() -> Int {
        defer { readoptions = 0 }
        return readoptions
    }

    mutating func noteWelcome(_ welcome: Welcome, to hello: Hello, at now: Instant) {
        guard !unclaimed.isEmpty else { return }
        for attempt in hello.attempts where unclaimed[attempt.job] == attempt {
            if !welcome.drop.contains(attempt) {
                readoptions += 1
            } else if isAdopting(now) {
                faults.append("a running attempt is dropped though its worker has greeted in time")
            }
            unclaimed[attempt.job] = nil
        }
    }

    mutating func note(_ change: LedgerChange, at now: Instant) {
        guard !unclaimed.isEmpty else { return }
        switch change {
        case .attemptStarted(let attempt, _):
            if unclaimed.removeValue(forKey: attempt.job) != nil, isAdopting(now) {
                faults.append("a job starts again though its worker may still greet")
            }
        case .attemptFailed(let attempt, _): unclaimed[attempt.job] = nil
        case .jobSettled(let result): unclaimed[result.attempt.job] = nil
        case .jobFailed(let job, _, _): unclaimed[job] = nil
        case .workerJoined, .workerLeft, .epoch, .checkpointed, .jobReopened, .event: break
        }
    }

    /// The attempt has ended, though that was not worth a record.
    mutating func noteEnd(of attempt: AttemptID) {
        if unclaimed[attempt.job] == attempt { unclaimed[attempt.job] = nil }
    }

    /// A job whose newest attempt is known to have ended waits for nobody: it is leased as soon as a worker has room.
    mutating func checkNobodyWaits(_ ledger: LedgerModel, _ leases: LeaseRules, at now: Instant) {
        guard isAdopting(now) else { return }
        for (entry, row) in zip(ledger.entries, ledger.rows) where row.state == .open && leases.holder(of: entry.id) == nil {
            guard case .failed(let reason) = row.attempts.last, reason != .hostLost else { continue }
            guard leases.hasRoom(for: entry.id, central: entry.isCentral, at: now) else { continue }
            faults.append("a job is kept for a worker though its newest attempt has ended")
        }
    }

    private func isAdopting(_ now: Instant) -> Bool { now - start < Limits.adoptionSeconds }
}
