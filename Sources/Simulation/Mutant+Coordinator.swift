import Coordination
import Digests
import Studies

// Mistakes around the dispatcher: in what a new one is given, in what it is told, and in what is done with its decisions.

extension Mutant {
    static func extraCrashes(_ mutant: Mutant?) -> Int {
        switch mutant {
        case .givesUpTooEarly: -1
        case .givesUpTooLate: 1
        default: 0
        }
    }

    static func distorted(_ entries: [JobEntry], by mutant: Mutant?) -> [JobEntry] {
        switch mutant {
        case .reusesAttemptNumbers: changed(entries) { $0.lastAttempt = max(0, $0.lastAttempt - 1) }
        case .forgetsCrashes: changed(entries) { $0.crashes = 0 }
        case .forgetsEndedAttempts: changed(entries) { $0.lastEndedAttempt = 0 }
        case .forgetsSettledJobs: changed(entries) { if $0.state == .ended(.diverged) { $0.state = .open } }
        case .forgetsNeeds: changed(entries) { $0.demands.labels = .none }
        case .forgetsInputs: changed(entries) { $0.inputs = Array($0.inputs.dropFirst()) }
        default: entries
        }
    }

    private static func changed(_ entries: [JobEntry], _ change: (inout JobEntry) -> Void) -> [JobEntry] {
        entries.map { entry in
            var entry = entry
            change(&entry)
            return entry
        }
    }
}

extension SimulatedCluster {
    /// What the dispatcher is told of an event; `nil` for nothing.
    func distorted(_ event: Dispatcher.Event) -> Dispatcher.Event? {
        switch (mutant, event) {
        case (.ignoresHeartbeats, .received(.heartbeat, _)), (.ignoresHeartbeats, .received(.hello, _)):
            guard case .received(.hello(let hello), _) = event else { return nil }
            return coordinator?.dispatcher.workerNames.contains(hello.worker) == true ? nil : event
        case (.overfillsSlots, .received(.hello(var hello), let name)):
            hello.slots += 1
            return .received(.hello(hello), from: name)
        case (.ignoresLifetimes, .received(.hello(var hello), let name)):
            hello.secondsLeft = nil
            return .received(.hello(hello), from: name)
        case (.mixesNumericClasses, .received(.hello(var hello), let name)):
            hello.numericClass = "v1"
            return .received(.hello(hello), from: name)
        case (.dropsRunningAttempts, .received(.hello(var hello), let name)):
            hello.attempts = hello.attempts.filter { ledger.row(of: $0.job)?.state(of: $0.number) != .running }
            return .received(.hello(hello), from: name)
        case (.blamesAnotherWorker, .workerEnded(let name, let reason)):
            let other = coordinator?.dispatcher.workerNames.first { $0 != name } ?? name
            return .workerEnded(worker: other, reason: reason)
        case (.retriesHopelessJobs, .received(.result(var result), let name)):
            if case .failed(let failure) = result.outcome, failure.reason == .specification {
                result.outcome = .failed(JobFailure(.crashed, failure.message))
            }
            return .received(.result(result), from: name)
        case (.acceptsLateFailures, .received(.result(var result), let name)):
            guard result.outcome.isFailure, let row = ledger.row(of: result.attempt.job), row.lastNumber > result.attempt.number,
                let holder = coordinator?.leases.holder(of: result.attempt.job)
            else { return .received(.result(result), from: name) }
            result.attempt.number = row.lastNumber
            return .received(.result(result), from: holder)
        case (.swallowsFailures, .received(.result(let result), _)):
            // Told as a sign of life, and acknowledged below.
            return result.outcome.isFailure ? .tick : event
        case (.refusesLateResults, .received(.result(let result), let name)):
            return coordinator?.leases.holder(of: result.attempt.job) == name ? event : .tick
        default: return event
        }
    }

    /// What is done in place of what the dispatcher said.
    func distorted(_ commands: [Dispatcher.Command], answering event: Dispatcher.Event) -> [Dispatcher.Command] {
        switch (mutant, event) {
        case (.swallowsFailures, .received(.result(let result), let name)) where result.outcome.isFailure:
            return commands + [.send(.acknowledged(result.attempt), to: name)]
        case (.refusesLateResults, .received(.result(let result), let name)):
            let isAnswered = commands.contains(.send(.acknowledged(result.attempt), to: name))
            return isAnswered ? commands : commands + [.send(.acknowledged(result.attempt), to: name)]
        case (.settlesTwice, .received(.result(let result), _)):
            let isSettled = ledger.row(of: result.attempt.job).map { $0.state != .open } ?? false
            return isSettled && !result.outcome.isFailure ? [.record(.jobSettled(result))] + commands : commands
        case (.neverRepeatsAssignments, .received(.hello, _)):
            let started = Set(commands.compactMap { if case .record(.attemptStarted(let attempt, _)) = $0 { attempt } else { nil } })
            return commands.filter { if case .send(.assign(let again), _) = $0 { started.contains(again.attempt) } else { true } }
        case (.neverAcknowledgesDuplicates, .received(.result(let result), _)):
            let settles = commands.contains { if case .record(.jobSettled) = $0 { true } else { false } }
            guard !result.outcome.isFailure, !settles else { return commands }
            return commands.filter { if case .send(.acknowledged, _) = $0 { false } else { true } }
        default:
            return commands.flatMap { distorted($0) }
        }
    }

    private func distorted(_ command: Dispatcher.Command) -> [Dispatcher.Command] {
        switch (mutant, command) {
        case (.assignsToTwo, .send(.assign(let assignment), let name)):
            let other = coordinator?.dispatcher.workerNames.first { $0 != name }
            return [command] + (other.map { [.send(.assign(assignment), to: $0)] } ?? [])
        case (.acknowledgesAnotherAttempt, .send(.acknowledged(var attempt), let name)):
            attempt.number += 1
            return [.send(.acknowledged(attempt), to: name)]
        case (.neverCancels, .send(.cancel, _)): return []
        case (.discardsArtifacts, .record(.jobSettled(let result))):
            return [command] + result.artifacts.map { .discard($0.digest) }
        case (.discardsCheckpoints, .record(.checkpointed(_, let checkpoint))):
            return [command, .discard(checkpoint.checkpoint.artifact.digest)]
        case (.changesResults, .record(.jobSettled(var result))):
            result.seconds += 1
            return [.record(.jobSettled(result))]
        case (.countsLostHostsAsCrashes, .record(.attemptFailed(let attempt, let failure))) where failure.reason == .hostLost:
            return [.record(.attemptFailed(attempt, JobFailure(.crashed, failure.message)))]
        default: return [command]
        }
    }
}
