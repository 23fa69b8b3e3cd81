import HeapModule
import Studies

// Which jobs a worker may run at all. Jobs are sorted into lanes by what they demand, workers into pools by the lanes they may take
// from, so that an event looks at a few lanes and pools, never at all jobs or all workers. A study has as many lanes as it has
// different demands; there are as many pools as sets of lanes that some worker takes.

extension Dispatcher {
    /// The ready jobs that the same workers may run and that take about as long.
    struct Lane {
        let isCentral: Bool
        let demands: JobDemands
        var queue = Heap<QueueEntry>()

        /// A worker takes from its lane that demands most first: fewest others can do that work.
        var specificity: Int { demands.labels.count + (demands.runsCommand ? 1 : 0) }
    }

    /// The workers that may take from the same lanes.
    struct Pool {
        let lanes: [Int]
        var slots = 0
        var offers = Offers()
    }

    /// The lanes that there are, found when the jobs become known, and the pools, found when workers greet.
    struct Lanes {
        var all: [Lane] = []
        var pools: [Pool] = []
        /// The longest that an attempt at a job of a workload is known to have run, whatever else the job demands.
        private var longestSeconds: [String: Double] = [:]
        private var lanesByDemands: [Key: Int] = [:]
        private var poolsByLanes: [[Int]: Int] = [:]

        private struct Key: Hashable {
            var isCentral: Bool
            var demands: JobDemands
        }

        /// The lane of jobs like `entry`.
        mutating func lane(of entry: JobEntry) -> Int {
            let key = Key(isCentral: entry.isCentral, demands: entry.demands)
            if let known = lanesByDemands[key] { return known }
            lanesByDemands[key] = all.count
            all.append(Lane(isCentral: entry.isCentral, demands: entry.demands))
            return all.count - 1
        }

        /// The pool of workers that take from these lanes, ascending.
        mutating func pool(of lanes: [Int]) -> Int {
            if let known = poolsByLanes[lanes] { return known }
            poolsByLanes[lanes] = pools.count
            pools.append(Pool(lanes: lanes))
            return pools.count - 1
        }

        /// The lanes that a worker may take from, as it greets.
        func lanes(for hello: Hello) -> [Int] {
            guard !hello.isDraining else { return [] }
            return all.indices.filter { all[$0].isCentral == hello.isCentral && all[$0].demands.areMet(by: hello) }
        }

        mutating func noteDuration(_ seconds: Double, lane: Int) {
            let workload = all[lane].demands.workload
            longestSeconds[workload] = max(longestSeconds[workload] ?? 0, seconds)
        }

        /// What is reckoned with for a job of the lane when a worker's time is short: the longest so far and a fifth more; `nil` before
        /// the first. The longest, since hosts differ and attempts that went on from a checkpoint took less than the whole; it only
        /// ever grows, so that a job for which a worker has no time left is never offered to it again.
        func expectedSeconds(lane: Int) -> Double? { longestSeconds[all[lane].demands.workload].map { $0 * Limits.expectedDurationFactor } }
    }

    /// Puts a worker into the pool of these lanes.
    mutating func place(_ name: String, among taken: [Int]) {
        guard let worker = workers[name] else { return }
        let pool = lanes.pool(of: taken)
        guard worker.pool != pool else { return }
        if let old = worker.pool { lanes.pools[old].slots -= worker.hello.slots }
        lanes.pools[pool].slots += worker.hello.slots
        workers[name]?.pool = pool
    }

    /// A worker leaves, or comes back with other slots.
    mutating func unplace(_ name: String) {
        guard let worker = workers[name], let pool = worker.pool else { return }
        lanes.pools[pool].slots -= worker.hello.slots
        workers[name]?.pool = nil
    }

    /// A worker whose time is short takes no more from lanes whose jobs it could not finish.
    mutating func narrow(_ name: String, at now: Instant) {
        guard let worker = workers[name], let end = worker.end, let pool = worker.pool else { return }
        let taken = lanes.pools[pool].lanes
        let fitting = taken.filter { fits($0, in: end - now) }
        if fitting.count < taken.count { place(name, among: fitting) }
    }

    func fits(_ lane: Int, in seconds: Double) -> Bool { lanes.expectedSeconds(lane: lane).map { $0 <= seconds } ?? true }

    /// The lanes that a worker takes from now.
    func lanes(of worker: Worker) -> [Int] { worker.pool.map { lanes.pools[$0].lanes } ?? [] }

    /// Whether a job of these lanes waits; entries of jobs that were taken back or settled since they were queued are thrown away.
    mutating func hasReady(_ taken: [Int]) -> Bool {
        for lane in taken {
            while let entry = lanes.all[lane].queue.min {
                if jobs[entry.id]?.phase == .ready { return true }
                lanes.all[lane].queue.removeMin()
            }
        }
        return false
    }

    /// Takes the job out that a worker on `host` should do first of these lanes; jobs that the host has failed wait for another.
    mutating func popReady(_ taken: [Int], on host: String) -> JobID? {
        var avoided: [(lane: Int, entry: QueueEntry)] = []
        var found: JobID?
        while found == nil, let lane = firstLane(of: taken), let entry = lanes.all[lane].queue.popMin() {
            guard let job = jobs[entry.id], job.phase == .ready else { continue }
            if avoids(host, job) { avoided.append((lane, entry)) } else { found = entry.id }
        }
        for (lane, entry) in avoided { lanes.all[lane].queue.insert(entry) }
        return found
    }

    private func firstLane(of taken: [Int]) -> Int? {
        var best: (lane: Int, specificity: Int, entry: QueueEntry)?
        for lane in taken {
            guard let entry = lanes.all[lane].queue.min else { continue }
            let specificity = lanes.all[lane].specificity
            if let best, (best.specificity, entry) >= (specificity, best.entry) { continue }
            best = (lane, specificity, entry)
        }
        return best?.lane
    }
}
