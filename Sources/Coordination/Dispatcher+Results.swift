import Studies

// What becomes of a job when an attempt at it ends, and of the jobs behind it.

extension Dispatcher {
    mutating func settle(_ result: AttemptResult, from name: String, at now: Instant, _ commands: inout [Command]) {
        let attempt = result.attempt
        guard let job = jobs[attempt.job], attempt.number <= job.entry.lastAttempt else {
            // Not a job of this study, or an attempt that was never given out.
            commands.append(
                .record(.event(kind: "unknown-result", text: "\(name) reports attempt \(attempt.number) of \(attempt.job.short)")))
            commands.append(.send(.acknowledged(attempt), to: name))
            return
        }
        let hadFailed = job.phase == .settled(.failed), wasCanceled = canceled.contains(attempt.job)
        if hadFailed, !result.outcome.isFailure, planted != .dropsResultsOfFailedJobs {
            takeBackFailure(of: attempt, from: name, &commands)
        } else if case .settled = job.phase {
            if let standing = job.resultDigest, standing != result.digest, !result.outcome.isFailure {
                commands.append(
                    .record(
                        .event(
                            kind: "conflicting-result",
                            text: "job \(attempt.job.short): attempt \(attempt.number) on \(name) differs from the recorded result, "
                                + "which stands")))
            }
            commands.append(.send(.acknowledged(attempt), to: name))
            return
        }
        switch result.outcome {
        case .finished, .diverged:
            // A late result is as good as any while the job is open: the lease saves work, the job's id keeps the truth.
            revokeLease(except: attempt, on: name, &commands)
            if let host = workers[name]?.hello.host { noteSuccess(of: attempt.job, on: host, &commands) }
            let state: JobState = result.outcome == .finished ? .finished : .diverged
            commands.append(.record(.jobSettled(result)))
            lanes.noteDuration(result.seconds, lane: Int(job.lane))
            jobs[attempt.job]?.phase = .settled(state)
            jobs[attempt.job]?.artifacts = result.artifacts
            kept.formUnion(result.artifacts.map(\.digest))
            jobs[attempt.job]?.resultDigest = result.digest
            discardCheckpoint(of: attempt.job, &commands)
            commands.append(.send(.acknowledged(attempt), to: name))
            if state == .finished {
                if !hadFailed {
                    unblockDependents(of: attempt.job)
                } else if !wasCanceled {
                    reopenDependents(of: attempt.job, &commands)
                }
                if job.entry.isBroadcast { announce(result.artifacts, &commands) }
            } else {
                failDependents(of: attempt.job, &commands)
            }
        case .failed(let failure):
            if isLeased(attempt, to: name) {
                // What a worker gave up at its end takes longer than it ran. One with a checkpoint is further on next time.
                if failure.reason == .preempted, result.seconds > 0, job.entry.checkpoint == nil {
                    lanes.noteDuration(result.seconds, lane: Int(job.lane))
                }
                fail(attempt, failure, at: now, &commands)
            } else if failure.reason != .hostLost, attempt.number > job.entry.lastEndedAttempt {
                // Given up before: not counted again, but known to have ended.
                jobs[attempt.job]?.entry.lastEndedAttempt = attempt.number
                releaseHold(of: attempt.job)
            }
            commands.append(.send(.acknowledged(attempt), to: name))
        }
    }

    /// A job had failed for good, or was canceled, and now its result is here: a worker that had been given up comes back with it.
    private mutating func takeBackFailure(of attempt: AttemptID, from name: String, _ commands: inout [Command]) {
        commands.append(.record(.jobReopened(attempt.job)))
        commands.append(
            .record(
                .event(
                    kind: "late-result",
                    text: "job \(attempt.job.short) had failed, and \(name) came with the result of its attempt \(attempt.number)")))
        canceled.remove(attempt.job)
    }

    /// What had failed for the want of this job alone can be done after all, and what had failed for the want of that.
    private mutating func reopenDependents(of id: JobID, _ commands: inout [Command]) {
        var reopened: Set<JobID> = []
        func isDoomed(_ input: JobID) -> Bool {
            if case .settled(let state) = jobs[input]?.phase { state != .finished && !reopened.contains(input) } else { false }
        }
        var frontier = [id]
        while let done = frontier.popLast() {
            for dependent in jobs[done]?.dependents ?? [] {
                guard let job = jobs[dependent], job.phase == .settled(.failed), !canceled.contains(dependent),
                    !reopened.contains(dependent), !job.entry.inputs.contains(where: isDoomed)
                else { continue }
                reopened.insert(dependent)
                frontier.append(dependent)
            }
        }
        open(again: reopened.sorted(), &commands)
    }

    mutating func fail(_ attempt: AttemptID, _ failure: JobFailure, at now: Instant, _ commands: inout [Command]) {
        guard case .leased(attempt.number, let worker) = jobs[attempt.job]?.phase else { return }
        release(attempt.job, by: worker)
        if failure.reason != .hostLost { jobs[attempt.job]?.entry.lastEndedAttempt = attempt.number }
        if let host = workers[worker]?.hello.host { noteFailure(of: attempt.job, failure, on: host, at: now, &commands) }
        guard let job = jobs[attempt.job] else { return }
        switch policy.decision(for: failure, crashes: job.entry.crashes, isTriedEverywhere: isTriedEverywhere(job)) {
        case .tryAgain(let countsAsCrash):
            if countsAsCrash { jobs[attempt.job]?.entry.crashes += 1 }
            commands.append(.record(.attemptFailed(attempt, failure)))
            makeReady(attempt.job)
        case .giveUp:
            commands.append(.record(.jobFailed(attempt.job, attempt: attempt, failure)))
            jobs[attempt.job]?.phase = .settled(.failed)
            discardCheckpoint(of: attempt.job, &commands)
            failDependents(of: attempt.job, &commands)
        }
    }

    /// The lease of a job that is being settled ends; unless it is the reported attempt's own, what runs under it is of
    /// no use any more.
    mutating func revokeLease(except reported: AttemptID, on name: String, _ commands: inout [Command]) {
        guard case .leased(let number, let holder) = jobs[reported.job]?.phase else { return }
        release(reported.job, by: holder)
        let leased = AttemptID(job: reported.job, number: number)
        if leased != reported || holder != name { commands.append(.send(.cancel(leased), to: holder)) }
    }

    mutating func unblockDependents(of id: JobID) {
        guard planted != .losesDependents else { return }
        for dependent in jobs[id]?.dependents ?? [] {
            guard case .blocked(let missing) = jobs[dependent]?.phase else { continue }
            jobs[dependent]?.phase = .blocked(missing: missing - 1)
            if missing == 1 { makeReady(dependent) }
        }
    }

    mutating func failDependents(of id: JobID, _ commands: inout [Command]) {
        guard planted != .forgetsDoomedDependents else { return }
        for dependent in (jobs[id]?.dependents ?? []).sorted() {
            guard case .blocked = jobs[dependent]?.phase else { continue }
            commands.append(
                .record(
                    .jobFailed(
                        dependent, attempt: nil,
                        JobFailure(.input, "its input, job \(id.short), has no artifacts: see `sower status` for why"))))
            jobs[dependent]?.phase = .settled(.failed)
            failDependents(of: dependent, &commands)
        }
    }
}

extension AttemptOutcome {
    package var isFailure: Bool {
        if case .failed = self { true } else { false }
    }
}
