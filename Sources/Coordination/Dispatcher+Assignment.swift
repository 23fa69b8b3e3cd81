import HeapModule
import Studies

// Which ready job goes to which worker, of those that may run it (Dispatcher+Lanes). Nothing here looks at all jobs or all workers: an
// event costs what it changes.

extension Dispatcher {
    /// Workers of one pool that may have room, by name; each is in it at most once.
    struct Offers {
        private var names = Heap<String>()
        private var members: Set<String> = []

        mutating func insert(_ name: String) {
            if members.insert(name).inserted { names.insert(name) }
        }

        mutating func popMin() -> String? {
            guard let name = names.popMin() else { return nil }
            members.remove(name)
            return name
        }
    }

    /// To be called when a worker may have got room; it is looked at again before it gets anything.
    mutating func offer(_ name: String) {
        guard let worker = workers[name], let pool = worker.pool, worker.leases.count < worker.leaseLimit else { return }
        lanes.pools[pool].offers.insert(name)
    }

    mutating func assignReadyJobs(at now: Instant, _ commands: inout [Command]) {
        guard mode == .working || planted == .ignoresPauses, !hasTooManyFailures else { return }
        assign(central: false, at: now, &commands)
        assign(central: true, at: now, &commands)
    }

    /// Free slots come first, everywhere; then a worker is leased jobs ahead, so that a slot that frees has its next job on the
    /// host already.
    private mutating func assign(central: Bool, at now: Instant, _ commands: inout [Command]) {
        var asked: [String] = []
        for pool in lanes.pools.indices where lanes.pools[pool].lanes.first.map({ lanes.all[$0].isCentral }) == central {
            while hasReady(lanes.pools[pool].lanes), let name = lanes.pools[pool].offers.popMin() {
                // It may have left since, or taken to other lanes, which has put it into another pool's offers.
                guard let worker = workers[name], worker.pool == pool else { continue }
                narrow(name, at: now)
                asked.append(name)
                lease(to: name, upTo: worker.hello.slots, at: now, &commands)
            }
        }
        for name in asked {
            guard let worker = workers[name], hasReady(lanes(of: worker)) else { continue }
            lease(to: name, upTo: worker.hello.slots + leasesAhead(of: worker, at: now), at: now, &commands)
        }
        // Who still has a free slot is asked again at the next event; who is leased ahead, when a job of its ends.
        for name in asked where workers[name]?.freeSlots ?? 0 > 0 { offer(name) }
    }

    /// How many jobs a worker may hold beyond its slots: one whose jobs are tiny needs many, since it ends them faster than a
    /// message, a sync and a commit take; one whose jobs are long needs one a slot.
    ///
    /// At most half of its share of the jobs that are ready, by slots: what one worker holds cannot be given to a slot that
    /// idles elsewhere, and at the end of a stage, with few jobs ready, nothing is held.
    private func leasesAhead(of worker: Worker, at now: Instant) -> Int {
        // A canary is alone.
        guard hostRecords[worker.hello.host]?.quarantine == nil else { return 0 }
        let taken = lanes(of: worker)
        // A worker with an end looks again before it begins a job, if it knows how long that may take.
        if worker.end != nil, taken.contains(where: { lanes.expectedSeconds(lane: $0) == nil }) { return 0 }
        let ready = taken.reduce(0) { $0 + lanes.all[$1].queue.count }
        let rivals = lanes.pools.filter { $0.slots > 0 && !Set($0.lanes).isDisjoint(with: taken) }
        let slots = rivals.reduce(0) { $0 + $1.slots }
        let share = worker.hello.slots * (ready / (2 * max(1, slots)))
        let wanted = max(worker.hello.slots, Int(worker.completions.perSecond(at: now) * Limits.leaseAheadSeconds))
        return min(share, wanted, Limits.leasesAhead(slots: worker.hello.slots))
    }

    private mutating func lease(to name: String, upTo limit: Int, at now: Instant, _ commands: inout [Command]) {
        guard let worker = workers[name] else { return }
        for _ in 0..<max(0, limit - worker.leases.count) {
            guard mayTakeWork(worker, at: now), let id = popReady(lanes(of: worker), on: worker.hello.host) else { return }
            lease(id, to: name, &commands)
        }
    }

    private mutating func lease(_ id: JobID, to name: String, _ commands: inout [Command]) {
        guard let number = jobs[id].map({ $0.entry.lastAttempt + 1 }) else { return }
        let attempt = AttemptID(job: id, number: number)
        jobs[id]?.entry.lastAttempt = number
        jobs[id]?.phase = .leased(attempt: number, worker: name)
        workers[name]?.leases.insert(id)
        if let host = workers[name]?.hello.host { noteLease(of: id, on: host) }
        commands.append(.record(.attemptStarted(attempt, worker: name)))
        commands.append(.send(.assign(assignment(attempt, to: name)), to: name))
    }

    /// The lease of a job is not this worker's any more.
    mutating func release(_ id: JobID, by name: String) {
        workers[name]?.leases.remove(id)
        offer(name)
    }

    func assignment(_ attempt: AttemptID, to name: String) -> Assignment {
        let entry = jobs[attempt.job]?.entry
        let checkpoint = entry?.checkpoint.flatMap { $0.numericClass == workers[name]?.hello.numericClass ? $0 : nil }
        let inputs = (entry?.inputs ?? []).flatMap { input in
            (jobs[input]?.artifacts ?? []).map { InputArtifact(job: input, artifact: $0) }
        }
        // Who works without an end has no use for it.
        let lane = workers[name]?.end == nil ? nil : jobs[attempt.job].map { Int($0.lane) }
        return Assignment(
            attempt: attempt, spec: entry?.spec ?? [], inputs: inputs, checkpoint: checkpoint?.checkpoint.artifact,
            expectedSeconds: lane.flatMap { lanes.expectedSeconds(lane: $0) })
    }
}
