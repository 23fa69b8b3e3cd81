import Studies

/// What a person asks of a running sweep.
package enum OperatorRequest: Sendable, Equatable {
    /// Nothing new starts; what runs goes on.
    case pause
    /// The end of a pause.
    case proceed
    /// Nothing new starts, and the sweep ends when what runs has ended.
    case stop
    /// The sweep ends at once; what runs is given up.
    case cancel
    /// These jobs will not be done, nor those that need them.
    case cancelJobs([JobID])
    /// These failed jobs are tried again, with the failed jobs that they need; all failed jobs when there are none.
    case retry([JobID])
    /// Nothing: the answer says how the sweep stands.
    case report
    /// Nothing: the answer says why a job waits.
    case explain(JobID)
}

extension Dispatcher {
    /// Whether and how long work is given out.
    package enum Mode: String, Sendable {
        case working
        case paused
        /// Until the running attempts have ended.
        case stopping
        case canceled
    }

    /// Whether a sweep that is to stop has nothing running any more.
    package var isDrained: Bool { mode == .stopping && workers.values.allSatisfy { $0.leases.isEmpty } }

    mutating func obey(_ request: OperatorRequest, at now: Instant, _ commands: inout [Command]) {
        switch request {
        case .pause: change(to: .paused, &commands)
        case .proceed: change(to: .working, &commands)
        case .stop: change(to: .stopping, &commands)
        case .cancel: change(to: .canceled, &commands)
        case .cancelJobs(let ids): for id in ids { cancel(id, &commands) }
        case .retry(let ids): reopen(ids, &commands)
        case .report, .explain: break
        }
    }

    /// A sweep that is ending does not begin again.
    private mutating func change(to wanted: Mode, _ commands: inout [Command]) {
        guard mode == .working || mode == .paused || wanted == .canceled, mode != wanted else { return }
        mode = wanted
        commands.append(.record(.event(kind: "asked", text: "the sweep is \(wanted.rawValue)")))
        guard wanted != .working else { return }
        for name in workers.keys.sorted() { commands.append(.send(.giveBack, to: name)) }
    }

    private mutating func cancel(_ id: JobID, _ commands: inout [Command]) {
        guard let job = jobs[id], isOpen(id) else { return }
        var attempt: AttemptID?
        if case .leased(let number, let holder) = job.phase {
            let leased = AttemptID(job: id, number: number)
            attempt = leased
            release(id, by: holder)
            commands.append(.send(.cancel(leased), to: holder))
        }
        commands.append(.record(.jobFailed(id, attempt: attempt, JobFailure(.canceled, "canceled by a person"))))
        jobs[id]?.phase = .settled(.failed)
        canceled.insert(id)
        discardCheckpoint(of: id, &commands)
        failDependents(of: id, &commands)
    }

    private mutating func reopen(_ ids: [JobID], _ commands: inout [Command]) {
        var wanted = Set((ids.isEmpty ? jobs.values.map(\.entry.id) : ids).filter { jobs[$0]?.phase == .settled(.failed) })
        // What they need, and what had failed for the want of them.
        var frontier = Array(wanted)
        while let id = frontier.popLast(), let job = jobs[id] {
            for other in job.entry.inputs + job.dependents where jobs[other]?.phase == .settled(.failed) {
                if wanted.insert(other).inserted { frontier.append(other) }
            }
        }
        open(again: wanted.sorted(), &commands)
        // A dependent whose other input diverged can still not be done.
        for id in wanted.sorted() {
            for input in jobs[id]?.entry.inputs ?? [] {
                if case .settled(let state) = jobs[input]?.phase, state != .finished { failDependents(of: input, &commands) }
            }
        }
    }

    /// These failed jobs are as if they had never been tried; each waits for its inputs.
    mutating func open(again ids: [JobID], _ commands: inout [Command]) {
        broadcasts.countAgain()
        for id in ids {
            commands.append(.record(.jobReopened(id)))
            jobs[id]?.entry.crashes = 0
            jobs[id]?.failedHosts = []
            jobs[id]?.phase = .blocked(missing: 0)
            canceled.remove(id)
        }
        for id in ids {
            let missing = Set(jobs[id]?.entry.inputs ?? []).count { jobs[$0]?.phase != .settled(.finished) }
            if missing == 0 { makeReady(id) } else { jobs[id]?.phase = .blocked(missing: missing) }
        }
    }
}
