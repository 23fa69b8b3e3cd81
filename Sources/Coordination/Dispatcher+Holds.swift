import Studies

// Workers go on computing while there is no coordinator. One that starts on an old ledger gives them the time to greet
// before it hands their jobs to others, which would throw their work away.

extension Dispatcher {
    enum Holds: Equatable {
        /// The time counts from the first event: the ledger says nothing of this process's clock.
        case notBegun
        case until(Instant)
        case over
    }

    mutating func hold(_ id: JobID) {
        jobs[id]?.phase = .held
        holds = .notBegun
    }

    /// The attempt that the job was held for has ended.
    mutating func releaseHold(of id: JobID) {
        guard let job = jobs[id], job.phase == .held, !job.entry.mayBeRunning else { return }
        makeReady(id)
    }

    /// Begins the time at the first event; at its end, every job that nobody has claimed is ready.
    mutating func releaseHolds(at now: Instant) {
        switch holds {
        case .notBegun:
            holds = .until(now + Limits.adoptionSeconds)
        case .until(let end) where now >= end && planted != .holdsForEver:
            holds = .over
            for (id, job) in jobs where job.phase == .held { makeReady(id) }
        case .until, .over:
            break
        }
    }

    /// A coordinator that was held up could hear nobody's greeting.
    mutating func extendHolds(by seconds: Double) {
        if case .until(let end) = holds { holds = .until(end + seconds) }
    }
}
