import Coordination
import Coordinator
import Foundation
import LedgerStore

/// What a ledger says of a study's progress.
struct StudyStatus: Codable {
    struct StageLine: Codable {
        var stage: String
        var waiting: Int
        var running: Int
        var finished: Int
        var diverged: Int
        var failed: Int
    }

    struct WorkerLine: Codable {
        var name: String
        var host: String
        var slots: Int
        var running: Int
        var numericClass: String
        /// How long it has not been heard, once it has missed three heartbeats.
        var silentSeconds: Int?

        enum CodingKeys: String, CodingKey {
            case name, host, slots, running
            case numericClass = "numeric_class"
            case silentSeconds = "silent_seconds"
        }
    }

    /// A worker that was given up, and has not come back; nor has another on its host.
    struct LostWorkerLine: Codable {
        var name: String
        var host: String
        var since: Date
        var reason: String

        /// How long it is news.
        static let seconds = 3600.0

        static func lines(_ workers: [WorkerRow], now: Date) -> [LostWorkerLine] {
            let here = Set(workers.filter { $0.leftAt == nil }.map(\.host))
            return workers.compactMap { worker in
                guard let since = worker.leftAt, now.timeIntervalSince(since) < seconds, !here.contains(worker.host),
                    let reason = worker.leaveReason, reason.hasPrefix(Dispatcher.silenceWords)
                else { return nil }
                return LostWorkerLine(name: worker.name, host: worker.host, since: since, reason: reason)
            }
        }
    }

    struct FailureLine: Codable {
        var job: String
        var reason: String
        var message: String
    }

    /// Something of a running sweep that a person should look at: a worker that was refused, a clock that is off, a full disk.
    struct NoteLine: Codable {
        var at: Date
        var kind: String
        var text: String

        static let kinds: Set = [
            "worker-refused", "key-refused", "clock-skew", "disk-low", "keys-reloaded", "conflicting-result", "late-result",
        ]
        /// How many are shown, of so many events at the ledger's end.
        static let limit = 5, searched = 200
    }

    var version = 1
    var kind = "status"
    var study: String
    var coordinatorProcess: Int32?
    /// What the coordinator does with work that waits: working, paused, stopping; absent when none runs or answers.
    var mode: String?
    var quarantinedHosts: [String]?
    /// Why jobs wait of which nothing is missing.
    var shortages: [String]?
    /// Hosts of the cluster file that do not work, with the reasons.
    var launchProblems: [String]?
    var stages: [StageLine]
    var workers: [WorkerLine]
    var lostWorkers: [LostWorkerLine]
    var failures: [FailureLine]
    var notes: [NoteLine]
    var imagesPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case version, kind, study, mode, shortages, stages, workers, failures, notes
        case lostWorkers = "lost_workers"
        case quarantinedHosts = "quarantined_hosts"
        case launchProblems = "launch_problems"
        case coordinatorProcess = "coordinator_process"
        case imagesPerSecond = "images_per_second"
    }

    init(_ recorded: RecordedStudy) throws {
        let reader = recorded.reader
        study = recorded.study.name
        coordinatorProcess = reader.coordinatorProcess
        let isRunning = coordinatorProcess != nil
        var silences: [String: Int] = [:]
        if isRunning, let reply = try? OperatorClient.ask(.report, at: SocketFolder(find: recorded.folder).commands, within: 0.5) {
            mode = reply.mode.rawValue
            quarantinedHosts = reply.quarantinedHosts
            silences = Dictionary(reply.silentWorkers.map { ($0.name, $0.seconds) }, uniquingKeysWith: max)
            shortages = reply.notes
            launchProblems = LaunchProblems.read(of: recorded.folder)
        }
        stages = try reader.sealedStages(study: recorded.id).map {
            // A lease without a coordinator is no running job.
            StageLine(
                stage: $0.stage, waiting: $0.waiting + (isRunning ? 0 : $0.running), running: isRunning ? $0.running : 0,
                finished: $0.finished, diverged: $0.diverged, failed: $0.failed)
        }
        let known = isRunning ? try reader.workers() : []
        workers = known.filter { $0.leftAt == nil && ($0.runningAttempts > 0 || silences[$0.name] != nil) }.map {
            WorkerLine(
                name: $0.name, host: $0.host, slots: $0.slots, running: $0.runningAttempts, numericClass: $0.numericClass,
                silentSeconds: silences[$0.name])
        }
        lostWorkers = LostWorkerLine.lines(known, now: Date())
        failures = try reader.failures(study: recorded.id, limit: 10).map {
            FailureLine(job: $0.job.short, reason: $0.failure.code, message: $0.failure.message)
        }
        var said: Set<String> = []
        notes =
            isRunning
            ? try reader.recentEvents(limit: NoteLine.searched).filter { NoteLine.kinds.contains($0.kind) && said.insert($0.text).inserted }
                .prefix(NoteLine.limit).map { NoteLine(at: $0.at, kind: $0.kind, text: $0.text) } : []
        let rate = try reader.trainingRate(since: Date(timeIntervalSinceNow: -60))
        imagesPerSecond = isRunning ? (Double(rate.images) / 60 * 10).rounded() / 10 : 0
    }

    var isRunning: Bool { coordinatorProcess != nil }

    func lines(resumeCommand: String) -> [String] {
        let state = mode.flatMap { $0 == Dispatcher.Mode.working.rawValue ? nil : $0 } ?? "running"
        var lines = [isRunning ? "\(study): \(state) (process \(coordinatorProcess ?? 0))" : "\(study): not running"]
        for problem in launchProblems ?? [] { lines.append("  not launched: \(problem)") }
        for host in quarantinedHosts ?? [] {
            lines.append("  \(host) is in quarantine: job after job failed there; it gets one at a time until one succeeds")
        }
        for shortage in shortages ?? [] { lines.append("  \(shortage)") }
        for stage in stages {
            let total = stage.waiting + stage.running + stage.finished + stage.diverged + stage.failed
            let others = [
                (stage.running, "running"), (stage.waiting, "waiting"), (stage.diverged, "diverged"), (stage.failed, "failed"),
            ].filter { $0.0 > 0 }.map { ", \($0.0) \($0.1)" }.joined()
            lines.append(
                "  \(stage.stage.padding(toLength: 9, withPad: " ", startingAt: 0)) \(stage.finished) of \(total) finished\(others)")
        }
        if isRunning { lines.append("  \(Int(imagesPerSecond)) images/s over the last minute") }
        for worker in workers {
            let silence = worker.silentSeconds.map { ", silent for \($0) s: it gets nothing new until it is heard" } ?? ""
            lines.append(
                "  \(worker.name) on \(worker.host): \(worker.running) of \(worker.slots) slots busy, \(worker.numericClass)\(silence)")
        }
        for worker in lostWorkers {
            let since = worker.since.formatted(.dateTime.hour().minute())
            lines.append(
                "  gone: \(worker.name) on \(worker.host) since \(since), \(worker.reason): its jobs are tried elsewhere, and it is welcome back"
            )
        }
        for note in notes { lines.append("  \(note.kind), \(note.at.formatted(.dateTime.hour().minute())): \(note.text)") }
        for failure in failures {
            lines.append(
                "  failed: \(failure.job) \(failure.reason): \(JobFailure.firstLine(of: failure.message)) (more: sower why \(failure.job))")
        }
        let isOpen = stages.contains { $0.waiting + $0.running > 0 }
        if !isRunning && isOpen { lines.append("Continue with: \(resumeCommand)") }
        if !failures.isEmpty { lines.append("Try failed jobs again with: \(resumeCommand) --retry-failed") }
        return lines
    }
}
