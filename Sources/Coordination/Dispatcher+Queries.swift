import Studies

extension Dispatcher {
    /// The names of the workers that are connected.
    package var workerNames: [String] { workers.keys.sorted() }

    /// The slots of the connected workers that take ordinary jobs, and go on doing so.
    package var slots: Int {
        workers.values.reduce(0) { $0 + ($1.hello.isCentral || $1.hello.isDraining ? 0 : $1.hello.slots) }
    }

    /// Jobs by state, for the progress line.
    package var counts: [JobState: Int] {
        var counts: [JobState: Int] = [:]
        for job in jobs.values {
            switch job.phase {
            case .blocked, .held, .ready: counts[.waiting, default: 0] += 1
            case .leased: counts[.running, default: 0] += 1
            case .settled(let state): counts[state, default: 0] += 1
            }
        }
        return counts
    }
}
