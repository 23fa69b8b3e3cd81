import Studies

extension Dispatcher {
    /// What is wrong with the state, as sentences; empty when every invariant holds. For tests and simulation.
    package var violations: [String] {
        var found: [String] = []
        var counts: [JobState: Int] = [:]
        for (id, job) in jobs {
            counts[job.phase.state, default: 0] += 1
            switch job.phase {
            case .blocked(let missing):
                let unsettled = Set(job.entry.inputs).count { jobs[$0].map { $0.phase != .settled(.finished) } ?? true }
                if missing != unsettled { found.append("\(id.short) waits for \(missing) inputs, \(unsettled) are unsettled") }
                if missing == 0 { found.append("\(id.short) is blocked by nothing") }
            case .held:
                if holds == .over { found.append("\(id.short) is held for ever") }
                if !job.entry.mayBeRunning { found.append("\(id.short) is held, its newest attempt has ended") }
            case .ready:
                let queue = lanes.all[Int(job.lane)].queue
                if !queue.unordered.contains(where: { $0.id == id }) { found.append("\(id.short) is ready but not queued") }
            case .leased(let attempt, let worker):
                if attempt != job.entry.lastAttempt { found.append("\(id.short) is leased under an old attempt") }
                if workers[worker]?.leases.contains(id) != true { found.append("\(worker) does not know its lease \(id.short)") }
            case .settled:
                break
            }
        }
        if counts != self.counts { found.append("jobs by state are \(counts), \(self.counts) counted") }
        for (number, pool) in lanes.pools.enumerated() {
            let slots = workers.values.reduce(0) { $0 + ($1.pool == number ? $1.hello.slots : 0) }
            if slots != pool.slots { found.append("pool \(number) counts \(pool.slots) slots, has \(slots)") }
        }
        for (name, worker) in workers {
            let taken = lanes(of: worker)
            if worker.hello.isDraining, !taken.isEmpty { found.append("\(name) is leaving and may take work") }
            // A worker that was re-adopted with more attempts than slots keeps them until they end.
            if worker.leases.count > worker.leaseLimit {
                found.append("\(name) holds \(worker.leases.count) leases of at most \(worker.leaseLimit)")
            }
            for id in worker.leases {
                guard case .leased(_, name) = jobs[id]?.phase else {
                    found.append("\(name) holds \(id.short), which is not leased to it")
                    continue
                }
            }
        }
        return found
    }
}
