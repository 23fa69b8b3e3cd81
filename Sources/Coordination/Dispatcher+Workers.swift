import Studies

// How a worker comes, comes back and goes.

extension Dispatcher {
    /// Takes a worker in, or back: what it holds and still has the lease for goes on, the rest it drops.
    mutating func greet(_ hello: Hello, at now: Instant, _ commands: inout [Command]) {
        let name = hello.worker
        let isNew = workers[name] == nil
        if isNew { commands.append(.record(.workerJoined(hello))) }
        var leases = workers[name]?.leases ?? []
        var drop: [AttemptID] = []
        for attempt in hello.attempts {
            if isLeased(attempt, to: name) { continue }
            if canReadopt(attempt), jobs[attempt.job]?.entry.isCentral == hello.isCentral {
                jobs[attempt.job]?.phase = .leased(attempt: attempt.number, worker: name)
                leases.insert(attempt.job)
            } else {
                drop.append(attempt)
            }
        }
        // A greeting that was long under way says more than is left, and nothing yet of leaving.
        var hello = hello
        let end = hello.secondsLeft.map { min(now + $0, workers[name]?.end ?? now + $0) }
        hello.isDraining = (hello.isDraining || workers[name]?.hello.isDraining == true) && planted != .overlooksDraining
        unplace(name)
        workers[name] = Worker(
            hello: hello, lastHeard: now, leases: leases,
            leaseLimit: max(hello.slots + Limits.leasesAhead(slots: hello.slots), leases.count), end: end,
            completions: workers[name]?.completions ?? CompletionRate())
        place(name, among: lanes.lanes(for: hello))
        narrow(name, at: now)
        silences.watch(name, from: now)
        offer(name)
        let welcome = Welcome(
            datasetPath: datasetPath, drop: drop, checkpointSeconds: checkpointSeconds, timeLimitSeconds: timeLimitSeconds,
            trainerPaths: trainerPaths,
            dataset: hello.facts.wantsDataset ? dataset : nil)
        commands.append(.send(.welcome(welcome), to: name))
        // Assignments that the worker knows nothing of were lost, or are on their way: a second one changes nothing.
        let held = Set(hello.attempts)
        for job in leases.sorted() {
            guard case .leased(let number, name) = jobs[job]?.phase else { continue }
            let attempt = AttemptID(job: job, number: number)
            if !held.contains(attempt) { commands.append(.send(.assign(assignment(attempt, to: name)), to: name)) }
        }
        if isNew, !hello.isCentral { announceAll(to: name, &commands) }
    }

    /// Whether an attempt may have its lease back: it is the job's newest, and was given up at most because its worker
    /// was silent, here or in a coordinator before this one. One that failed by itself has ended: a worker that still
    /// holds it missed the acknowledgement, and the failure would count twice.
    func canReadopt(_ attempt: AttemptID) -> Bool {
        guard let job = jobs[attempt.job], job.phase == .ready || job.phase == .held else { return false }
        return attempt.number == job.entry.lastAttempt && (job.entry.mayBeRunning || planted == .readoptsEndedAttempts)
    }

    mutating func lose(_ name: String, reason: String, at now: Instant, _ commands: inout [Command]) {
        unplace(name)
        guard let worker = workers.removeValue(forKey: name) else { return }
        for job in worker.leases.sorted() {
            guard case .leased(let number, name) = jobs[job]?.phase else { continue }
            fail(
                AttemptID(job: job, number: number),
                JobFailure(.hostLost, "worker \(name) on \(worker.hello.host): \(reason)"), at: now, &commands)
        }
        commands.append(.record(.workerLeft(worker: name, reason: reason)))
    }
}
