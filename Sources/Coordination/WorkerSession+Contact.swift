import Digests
import Studies

// What is said to the coordinator and heard from it.

extension WorkerSession {
    func greeting(at now: Instant) -> WorkerMessage {
        var hello = hello
        hello.isDraining = departure != .staying
        hello.secondsLeft = endOfLife.map { max(0, $0 - now) }
        hello.attempts = Array(order.prefix(Limits.attemptsPerWorker))
        return .hello(hello)
    }

    mutating func keepInTouch(at now: Instant, _ commands: inout [Command]) {
        let patience = !isWelcomed ? Limits.firstContactSeconds : graceSeconds
        if now - lastHeard > patience {
            commands.append(.end(.unreachable(seconds: Int(now - lastHeard))))
            return
        }
        if now - max(lastHeard, lastReconnection) > Limits.coordinatorSilenceSeconds {
            lastReconnection = now
            lastGreeting = now
            commands.append(.reconnect)
            commands.append(.send(greeting(at: now)))
        } else if now - lastHeartbeat >= Limits.heartbeatSeconds {
            lastHeartbeat = now
            // Without a welcome nothing can start, so that is asked for each time.
            let isDue = !isWelcomed || now - lastGreeting >= Limits.greetingSeconds
            if isDue { lastGreeting = now }
            commands.append(.send(isDue ? greeting(at: now) : .heartbeat))
        }
        guard now - lastRepetition >= Limits.resultRepeatSeconds / 6 else { return }
        lastRepetition = now
        for attempt in order {
            if case .reporting(let result, let sent) = held[attempt]?.phase, now - sent > Limits.resultRepeatSeconds {
                report(result, at: now, &commands)
            }
        }
    }

    mutating func receive(_ message: CoordinatorMessage, at now: Instant, _ commands: inout [Command]) {
        switch message {
        case .welcome(let welcome):
            isWelcomed = true
            trainerPaths = welcome.trainerPaths
            locateData(welcome, &commands)
            checkpointSeconds = welcome.checkpointSeconds
            timeLimitSeconds = welcome.timeLimitSeconds
            for attempt in welcome.drop where !hasResult(attempt) { drop(attempt, &commands) }
            for attempt in order {
                if case .reporting(let result, _) = held[attempt]?.phase { report(result, at: now, &commands) }
            }
        case .refused(let reason):
            commands.append(.end(.refused(reason)))
        case .greetAgain:
            // Each frame that was on its way is answered so; one greeting is enough for all of them.
            guard now - lastGreeting >= Limits.greetAgainSeconds else { break }
            lastGreeting = now
            commands.append(.send(greeting(at: now)))
        case .heartbeat:
            break
        case .assign(let assignment):
            // A repeated assignment changes nothing, nor does one that a newer has overtaken.
            let others = (numbers[assignment.attempt.job] ?? []).map { AttemptID(job: assignment.attempt.job, number: $0) }
            guard others.allSatisfy({ $0.number < assignment.attempt.number || planted == .takesOlderAttempts }) else { break }
            // An older attempt at the job was given up; its result, if it has one, still counts.
            for older in others where !hasResult(older) { drop(older, &commands) }
            if departure != .staying {
                // It was on its way when the worker said so.
                hold(assignment, .fetching([]))
                giveBack(assignment.attempt, at: now, &commands)
                break
            }
            let needed = assignment.inputs.map(\.artifact) + (assignment.checkpoint.map { [$0] } ?? [])
            let missing = Set(needed.map(\.digest))
            hold(assignment, missing.isEmpty ? .queued : .fetching(missing))
            var asked: Set<Digest> = []
            for artifact in needed where asked.insert(artifact.digest).inserted { commands.append(.fetch(artifact)) }
        case .acknowledged(let attempt):
            if case .reporting = held[attempt]?.phase { forget(attempt, &commands) }
        case .missing(let attempt, let digests):
            guard case .reporting(let result, _) = held[attempt]?.phase else { break }
            let wanted = result.artifacts.filter { digests.contains($0.digest) }
            guard !wanted.isEmpty else { break }
            held[attempt]?.phase = .pushing(result, Set(wanted.map(\.digest)))
            for artifact in wanted { commands.append(.push(artifact)) }
        case .cancel(let attempt):
            drop(attempt, &commands)
        case .announce(let artifact):
            commands.append(.fetch(artifact))
        case .giveBack:
            giveBackWhatHasNotBegun(at: now, &commands)
        case .finish:
            commands.append(.end(.finished))
        }
    }
}
