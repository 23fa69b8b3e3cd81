import Coordination
import Studies

/// A host where job after job fails gets no work for a while, then one job at a time until one succeeds, if others can do its work;
/// nobody is barred for less.
struct HostRules {
    private struct Worker {
        var host: String
        var isCentral: Bool
        var labels: Labels
        /// Whether it takes every job that its labels allow, for ever.
        var isSteady: Bool
    }

    private struct Record {
        var failed: Set<JobID> = []
        /// Set while the host is in quarantine.
        var barredUntil: Instant?
        /// What was last started there, and has not ended.
        var running: JobID?
    }

    private static let blamedOnHosts: [JobFailure.Reason] = [.crashed, .outOfMemory, .data, .input, .io, .timeout]

    private var workers: [String: Worker] = [:]
    private var records: [String: Record] = [:]
    private(set) var faults: [String] = []

    /// Looks at a failure before its changes are recorded: three different jobs in a row are enough, and two are not.
    mutating func check(_ commands: [Dispatcher.Command], answering event: Dispatcher.Event, at now: Instant) {
        let isBarring = commands.contains { if case .record(.event("host-quarantined", _)) = $0 { true } else { false } }
        var mustBar = false
        if case .received(.result(let result), let name) = event, case .failed(let failure) = result.outcome, let worker = workers[name],
            !worker.isCentral, Self.blamedOnHosts.contains(failure.reason), commands.contains(where: { $0.isEnd(of: result.attempt) })
        {
            var record = records[worker.host] ?? Record()
            record.failed.insert(result.attempt.job)
            if record.barredUntil != nil {
                if record.running == result.attempt.job { record.barredUntil = now + Limits.quarantineSeconds }
            } else if record.failed.count >= Limits.hostFailures, isBarring || hasSteadyOther(than: worker.host) {
                mustBar = true
                if !hasOther(than: worker.host) { faults.append("the last host is put into quarantine") }
                record.barredUntil = now + Limits.quarantineSeconds
            }
            records[worker.host] = record
        }
        if isBarring, !mustBar { faults.append("a host is put into quarantine without three failures in a row") }
        if mustBar, !isBarring { faults.append("a host where three different jobs failed in a row is not put into quarantine") }
    }

    mutating func note(_ change: LedgerChange, answering event: Dispatcher.Event, at now: Instant) {
        switch change {
        case .workerJoined(let hello):
            workers[hello.worker] = Worker(
                host: hello.host, isCentral: hello.isCentral, labels: hello.labels, isSteady: !hello.isDraining && hello.secondsLeft == nil)
        case .workerLeft(let name, _):
            if let worker = workers.removeValue(forKey: name), !worker.isCentral { records[worker.host]?.running = nil }
        case .attemptStarted(let attempt, let name):
            guard let worker = workers[name], !worker.isCentral, let record = records[worker.host], let until = record.barredUntil else {
                return
            }
            if hasSteadyOther(than: worker.host) {
                if now < until { faults.append("a host in quarantine gets work") }
                if record.running != nil { faults.append("a host in quarantine gets a second job before the first has ended") }
            }
            records[worker.host]?.running = attempt.job
        case .jobSettled(let result):
            clear(result.attempt.job)
            if case .received(_, let name) = event, let worker = workers[name], !worker.isCentral { records[worker.host] = nil }
        case .attemptFailed(let attempt, _): clear(attempt.job)
        case .jobFailed(let job, _, _): clear(job)
        case .epoch, .checkpointed, .jobReopened, .event: break
        }
    }

    /// A greeting may be the second of a worker, which means to leave by now.
    mutating func noteGreeting(_ hello: Hello) {
        if hello.isDraining { workers[hello.worker]?.isSteady = false }
    }

    private mutating func clear(_ job: JobID) {
        for (host, record) in records where record.running == job { records[host]?.running = nil }
    }

    private func hasOther(than host: String) -> Bool { !others(than: host).isEmpty }

    /// Whether one worker elsewhere can certainly do all that this host's workers can.
    private func hasSteadyOther(than host: String) -> Bool {
        let here = workers.values.filter { !$0.isCentral && $0.host == host }
        return others(than: host).contains { other in other.isSteady && here.allSatisfy { other.labels.contains($0.labels) } }
    }

    private func others(than host: String) -> [Worker] {
        workers.values.filter { !$0.isCentral && $0.host != host && records[$0.host]?.barredUntil == nil }
    }
}

extension Dispatcher.Command {
    fileprivate func isEnd(of attempt: AttemptID) -> Bool {
        switch self {
        case .record(.attemptFailed(attempt, _)), .record(.jobFailed(_, attempt, _)): true
        default: false
        }
    }
}
