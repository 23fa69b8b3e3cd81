import Studies

extension Dispatcher {
    /// The names of the workers that are connected.
    package var workerNames: [String] { workers.keys.sorted() }

    /// The slots of the connected workers that take ordinary jobs, and go on doing so.
    package var slots: Int {
        workers.values.reduce(0) { $0 + ($1.hello.isCentral || $1.hello.isDraining ? 0 : $1.hello.slots) }
    }

    /// How many jobs are in each state, without those that none is in.
    package var counts: [JobState: Int] { jobs.counts.filter { $0.value > 0 } }
}
