import ArgumentParser
import Coordination
import Coordinator
import Foundation
import LedgerStore
import Studies

/// Which sweep a person's command is for.
struct SweepOptions: ParsableArguments {
    @Option(help: "The study; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func folder() throws -> StudyFolder { try StudyFolder.find(study, in: results.results) }

    func resumeCommand(_ folder: StudyFolder) -> String { folder.resumeCommand(results: results.results) }

    /// The reply of the running sweep's coordinator; `nil` when no sweep of the study runs.
    func ask(_ request: OperatorRequest, of folder: StudyFolder) throws -> OperatorReply? {
        guard let process = LedgerLock.holder(ledger: folder.ledger) else { return nil }
        guard let reply = try OperatorClient.ask(request, at: SocketFolder(find: folder).commands, within: 10) else {
            throw Stop(
                .unreachable, "the coordinator of \(folder.name), process \(process), does not answer",
                remedy: "Is it on this host and yours? If it hangs, end it with `kill \(process)`, then: \(resumeCommand(folder))")
        }
        return reply
    }

    /// The same, for a command that means nothing unless the sweep runs.
    func askRunning(_ request: OperatorRequest) throws -> (folder: StudyFolder, reply: OperatorReply) {
        let folder = try folder()
        guard let reply = try ask(request, of: folder) else {
            throw Stop(.unreachable, "no sweep of \(folder.name) is running", remedy: "Start it with: \(resumeCommand(folder))")
        }
        return (folder, reply)
    }

    func show(_ text: String, _ folder: StudyFolder, mode: Dispatcher.Mode?, changed: Int, running: Int) throws {
        switch output.outputMode {
        case .cli: print("\(folder.name): \(text)")
        case .json:
            print(
                try JSONOutput.text(
                    OperatorReport(study: folder.name, mode: mode?.rawValue ?? "not running", changed: changed, running: running)))
        case .quiet: break
        }
    }
}

private struct OperatorReport: Codable {
    var version = 1
    var kind = "sweep"
    var study: String
    var mode: String
    var changed: Int
    var running: Int
}

/// "1 job", "2 jobs".
private func jobs(_ count: Int) -> String { count == 1 ? "1 job" : "\(count) jobs" }

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let a running sweep start nothing new; what runs goes on.",
        discussion: "`sower pause --off` lets it go on. A pause ends with the coordinator's process.")

    @Flag(help: "End the pause.")
    var off = false

    @OptionGroup var sweep: SweepOptions

    func run() throws {
        let (folder, reply) = try sweep.askRunning(off ? .proceed : .pause)
        let text =
            switch reply.mode {
            case .paused:
                "paused; \(jobs(reply.running)) still running. Go on with: sower pause --off --study \(folder.name)\(ResultsOption.flag(sweep.results.results))"
            case .working: "working"
            case .stopping, .canceled: "already ending; \(jobs(reply.running)) still running"
            }
        try sweep.show(text, folder, mode: reply.mode, changed: reply.changed, running: reply.running)
    }
}

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End a running sweep when the jobs that run now have ended; nothing is lost.")

    @OptionGroup var sweep: SweepOptions

    func run() throws {
        let (folder, reply) = try sweep.askRunning(.stop)
        try sweep.show(
            "ends after \(jobs(reply.running)); nothing new starts. Continue later with: \(sweep.resumeCommand(folder))", folder,
            mode: reply.mode, changed: reply.changed, running: reply.running)
    }
}

struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a running sweep now, or settle single jobs as canceled.",
        discussion: """
            Without JOB the sweep ends at once: what runs is given up (a training that has left a checkpoint goes on from it later).
            With JOB these jobs, and those that need them, are not done; `sower retry JOB` opens them again.
            """)

    @Argument(help: "Ids of jobs, or their beginnings (`sower status --cells` lists them).")
    var job: [String] = []

    @OptionGroup var sweep: SweepOptions

    func run() throws {
        guard !job.isEmpty else {
            let (folder, reply) = try sweep.askRunning(.cancel)
            try sweep.show(
                "ends now. Continue later with: \(sweep.resumeCommand(folder))", folder, mode: reply.mode, changed: reply.changed,
                running: reply.running)
            return
        }
        let folder = try sweep.folder()
        let recorded = try RecordedStudy(folder)
        let wanted = try recorded.jobs(job)
        let done = wanted.filter { $0.state != .waiting && $0.state != .running }
        if let settled = done.first {
            throw Stop(.configuration, "job \(settled.id.short) is \(settled.state.rawValue) already", remedy: "Leave it out.")
        }
        let reply = try sweep.ask(.cancelJobs(wanted.map(\.id)), of: folder)
        let changed = try reply?.changed ?? recorded.settle(offline: .cancelJobs(wanted.map(\.id)))
        try sweep.show(
            "\(jobs(changed)) canceled, with those that need them", folder, mode: reply?.mode, changed: changed,
            running: reply?.running ?? 0)
    }
}

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Open failed or canceled jobs again, with the failed jobs that they need and that need them.")

    @Argument(help: "Ids of failed jobs, or their beginnings.")
    var job: [String] = []

    @Flag(help: "Every failed job of the study.")
    var failed = false

    @OptionGroup var sweep: SweepOptions

    func validate() throws {
        guard failed != !job.isEmpty else { throw ValidationError("name the jobs, or say --failed for all of them") }
    }

    func run() throws {
        let folder = try sweep.folder()
        let recorded = try RecordedStudy(folder)
        let wanted = try recorded.jobs(job)
        if let other = wanted.first(where: { $0.state != .failed }) {
            throw Stop(
                .configuration, "job \(other.id.short) is \(other.state.rawValue), not failed",
                remedy: "`sower why \(other.id.short)` says more.")
        }
        let request = OperatorRequest.retry(wanted.map(\.id))
        let reply = try sweep.ask(request, of: folder)
        let changed = try reply?.changed ?? recorded.settle(offline: request)
        let next = reply == nil && changed > 0 ? ". Run them with: \(sweep.resumeCommand(folder))" : ""
        try sweep.show(
            "\(jobs(changed)) to be tried again\(next)", folder, mode: reply?.mode, changed: changed, running: reply?.running ?? 0)
    }
}

extension RecordedStudy {
    /// The jobs with these ids, given in full or by their beginnings.
    fileprivate func jobs(_ prefixes: [String]) throws -> [JobRow] {
        guard prefixes.count <= Limits.jobsPerRequest else {
            throw Stop(
                .configuration, "\(prefixes.count) jobs are named, at most \(Limits.jobsPerRequest) at a time",
                remedy: "Name them in parts.")
        }
        return try prefixes.map { try reader.job(prefix: $0) }
    }

    /// Does what a coordinator would, on the ledger of a study that does not run. Returns how many jobs it changed.
    fileprivate func settle(offline request: OperatorRequest) throws -> Int {
        let ledger = try Ledger.open(path: folder.ledger, now: Date())
        var dispatcher = Dispatcher(entries: try ledger.snapshot(study: id), datasetPath: "", holdsForEarlierWorkers: false)
        let changes = dispatcher.handle(.asked(request), at: Instant(seconds: 0)).compactMap { command -> LedgerChange? in
            if case .record(let change) = command { change } else { nil }
        }
        try ledger.record(changes, now: Date())
        try ledger.close()
        return changes.count {
            switch $0 {
            case .jobFailed, .jobReopened: true
            default: false
            }
        }
    }
}
