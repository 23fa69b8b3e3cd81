import Artifacts
import Clusters
import Coordination
import Coordinator
import Digests
import Foundation
import Jobs
import Launchers
import LedgerStore
import Reports
import Studies
import Tensors

/// One run of a study: ledger, coordinator loop and this host's workers, until every job is settled.
struct Sweep {
    var loaded: LoadedStudy
    /// Worker processes on this host.
    var workers: Int
    /// Further arguments of the workers: how many threads a training has, how much of the disk is theirs.
    var workerArguments: [String]
    /// Whether this host's workers run the programs that a study names.
    var allowsCommands: Bool
    /// Where workers of other hosts connect, if they may.
    var listen: HostAndPort?
    /// Which workers are taken.
    var admission: AdmissionOptions
    /// The hosts whose workers this sweep starts and ends.
    var cluster: Cluster?
    var checkpoints: CheckpointOptions
    var failures: FailureOptions
    var mode: OutputMode
    /// How a person continues after an interruption.
    var resumeCommand: String

    /// Runs what is missing, prints the table and ends with the exit code's error unless every cell has a result.
    func run() throws {
        Signals.catchThem()
        // Whoever does not get the ledger leaves no word of an end: the sweep that has it runs.
        let ledger = try Ledger.open(path: loaded.folder.ledger, now: Date())
        do {
            try run(with: ledger)
            SweepEnding(nil).record(in: loaded.folder)
        } catch {
            SweepEnding(error).record(in: loaded.folder)
            throw error
        }
    }

    private func run(with ledger: Ledger) throws {
        let folder = loaded.folder
        let registration = try ledger.register(loaded.study, loaded.plan, retryFailed: failures.retryFailed)
        try ledger.requireSealed(study: registration.study)
        let entries = loaded.plan.addDemands(to: try ledger.snapshot(study: registration.study))
        try checkCommands(of: entries)
        let store = try ArtifactStore(folder: folder.artifacts)
        try storeFiles(in: store)
        try checkArtifacts(of: entries, in: store)

        let open = entries.filter { $0.state == .open }
        say("\(loaded.study.name): \(entries.count) jobs, \(entries.count - open.count) of them done before, results in \(folder.path)")
        var ending = CoordinatorLoop.Ending.complete
        if !open.isEmpty { ending = try work(entries, ledger: ledger, store: store) }
        try ledger.checkpoint()
        try ledger.close()
        try finish(ending)
    }

    /// Puts the files that arms start from into the store, where their jobs look for them; one that is gone may be there.
    private func storeFiles(in store: ArtifactStore) throws {
        for start in loaded.study.stateDicts {
            guard let file = start.file else { continue }
            if store.contains(file.digest) {
                if (try? store.verify(file.digest)) != nil { continue }
                try store.remove(file.digest)
            }
            guard let data = FileManager.default.contents(atPath: start.path) else { continue }
            guard Digest(of: data) == file.digest else {
                throw Stop(
                    .configuration, "\(start.path) has just been changed",
                    remedy: "Run the study again when the file is whole.")
            }
            try store.put(bytes: Array(data))
        }
    }

    /// Nobody else will come who may.
    private func checkCommands(of entries: [JobEntry]) throws {
        guard listen == nil, !allowsCommands, entries.contains(where: { $0.state == .open && $0.demands.runsCommand }) else { return }
        let command = loaded.study.trainer.map { $0.command.map(shellWord).joined(separator: " ") } ?? "a command"
        throw Stop(
            .tooManyFailures, "the study's jobs run a program (\(command)), which this sweep's workers may not",
            remedy: "If it may run here as this user, say so: \(resumeCommand) --allow-command")
    }

    /// Artifacts that open jobs will read must be there, whole: found now, not in the middle of the night.
    private func checkArtifacts(of entries: [JobEntry], in store: ArtifactStore) throws {
        let needed = Set(entries.filter { $0.state == .open }.flatMap(\.inputs))
        for entry in entries where needed.contains(entry.id) {
            guard case .finished(let artifacts) = entry.state else { continue }
            for artifact in artifacts where store.size(of: artifact.digest) != Int(artifact.size) {
                let found = store.size(of: artifact.digest).map { "has \($0) bytes" } ?? "is missing"
                let isFile = loaded.plan.jobs.contains { $0.id == entry.id && $0.stage == .file }
                let files = loaded.study.stateDicts.map(\.path).joined(separator: ", ")
                throw Stop(
                    .configuration,
                    "the artifact \(artifact.name) of job \(entry.id.short), \(store.path(of: artifact.digest)), \(found), expected \(artifact.size) bytes",
                    remedy: isFile
                        ? "Put the file back that the study starts from: \(files). Then: \(resumeCommand)"
                        : "Make it again, to the same bits: sower job run \(entry.id.short) --study \(loaded.folder.name) --results \(shellWord(resultsPath)). Then: \(resumeCommand)"
                )
            }
        }
    }

    private var resultsPath: String { URL(fileURLWithPath: loaded.folder.path).deletingLastPathComponent().path }

    // MARK: Work

    private func work(_ entries: [JobEntry], ledger: Ledger, store: ArtifactStore) throws -> CoordinatorLoop.Ending {
        let sockets = try SocketFolder(of: loaded.folder)
        defer { sockets.remove() }
        var settings = CoordinatorLoop.Settings(
            controlEndpoints: [sockets.control], dataEndpoints: [sockets.data], operatorEndpoint: sockets.commands)
        let remote = try listen.map { try RemoteAccess(listen: $0, keys: admission.keys) }
        // As long as it lives, `sower keys` finds this coordinator.
        defer { withExtendedLifetime(remote) {} }
        settings.remote = remote?.door
        settings.admission = Admission(
            program: Version.program, dataset: loaded.dataset, numericClass: admission.numerics == .pinned ? NumericClass.current : nil)
        // Other hosts may want to be sent the data.
        if remote != nil { settings.shared = try SharedFiles(loaded.dataFiles) }
        var dispatcher = Dispatcher(
            entries: entries, datasetPath: loaded.dataPath, policy: failures.crashLimit.map(RetryPolicy.init(crashLimit:)) ?? RetryPolicy(),
            maximumFailures: failures.maxFails,
            checkpointSeconds: checkpoints.checkpointEvery.seconds, timeLimitSeconds: failures.timeLimit?.seconds,
            // Workers of this host ended with their sweep: nobody comes back.
            holdsForEarlierWorkers: listen != nil, trainerPaths: loaded.study.trainer?.paths ?? [])
        if remote != nil { dispatcher.dataset = DatasetNotice(digest: loaded.dataset, files: settings.shared.notices) }
        let loop = try CoordinatorLoop(settings, dispatcher: dispatcher, ledger: ledger, store: store)
        defer { loop.close() }
        if cluster == nil { remote?.instructions.forEach(say) }
        let launcher = LocalLauncher(executable: Executable.path, environment: ProcessInfo.processInfo.environment)
        defer { launcher.stop(within: 0) }
        let needsCentral = entries.contains { $0.state == .open && $0.isCentral }
        try startWorkers(launcher, sockets: sockets, needsCentral: needsCentral)

        LaunchProblems.clear(of: loaded.folder)
        let progress = ProgressLine(plan: loaded.plan, entries: entries, isShown: mode == .cli && isatty(2) != 0)
        let hosts = try cluster.map { cluster in
            try ClusterWorkers(
                cluster, keys: ClusterKeys(admission.keys.folder), folder: loaded.folder, fetching: try cluster.fetches(loaded)
            ) {
                progress.interrupt($0, say: mode == .cli)
            }
        }
        defer { hosts?.stop(within: 15) }
        var hopelessness: (any Error)?
        var shortage = Shortage()
        let ending = try loop.run(
            shouldStop: {
                // Somebody may have come by hand.
                if workers == 0, loop.progress.workers <= (needsCentral ? 1 : 0) { hopelessness = hosts?.hopeless }
                return Signals.pending != nil || hopelessness != nil || isStranded(launcher) || (listen == nil && shortage.isLasting)
            },
            endedWorkers: {
                hosts?.turn()
                return launcher.takeEnded() + (hosts?.takeEnded() ?? [])
            },
            onProgress: {
                progress.show($0)
                let wasLasting = shortage.isLasting
                shortage.note($0)
                // Whoever is missing may come yet.
                if listen != nil, !wasLasting, let reasons = shortage.reasons { say("nothing runs:\n  \(reasons)") }
            })
        progress.end(loop.progress, say: mode == .cli)
        if ending == .drained || ending == .canceled { loop.dismissWorkers() }
        if ending == .complete {
            loop.dismissWorkers()
            hosts?.stop(within: 15)
            launcher.stop(within: 3)
            // The host's cache holds nothing that the coordinator's store does not hold.
            try? FileManager.default.removeItem(atPath: loaded.folder.cache)
            // What no job has: the checkpoints that arrived after their job's result.
            _ = try? store.removeAll(except: ledger.knownArtifacts())
        } else {
            launcher.stop(within: 0)
        }
        if let hopelessness, ending == .stopped, Signals.pending == nil { throw hopelessness }
        if ending == .stopped, Signals.pending == nil, launcher.abandoned.isEmpty, let reasons = shortage.reasons {
            throw Stop(
                .tooManyFailures, "no worker of this sweep may run what is left:\n  \(reasons)",
                remedy: "Give its workers what is missing (--label, --allow-command), or let others come (--listen): \(resumeCommand)")
        }
        if ending == .stopped, Signals.pending == nil {
            let reasons = launcher.abandoned.map { "\($0.worker.name): \($0.reason)" }.joined(separator: "\n  ")
            throw Stop(.tooManyFailures, "no worker is left:\n  \(reasons)", remedy: "Read the log, then continue with: \(resumeCommand)")
        }
        return ending
    }

    /// Whether nobody is left for jobs that only this host's workers can do. Others may come from elsewhere.
    private func isStranded(_ launcher: LocalLauncher) -> Bool {
        let deserted = launcher.desertedKinds
        return deserted.contains(.central) || (deserted.contains(.ordinary) && listen == nil)
    }

    private func startWorkers(_ launcher: LocalLauncher, sockets: SocketFolder, needsCentral: Bool) throws {
        let folder = loaded.folder
        try FileManager.default.createDirectory(atPath: folder.logs, withIntermediateDirectories: true)
        let connection = ["worker", "--control", sockets.control, "--blobs", sockets.data, "--lifeline"]
        // The name is new in every run: an attempt of an earlier run is not this worker's.
        let run = "\(ProcessInfo.processInfo.processIdentifier)"
        for number in 0..<workers {
            let name = "local-\(run)-\(number + 1)"
            try launcher.start(
                LocalLauncher.Worker(
                    kind: .ordinary, name: name,
                    arguments: connection + ["--store", folder.cache, "--slots", "1", "--first-slot", "\(number)"] + workerArguments,
                    logPath: folder.logs + "/worker-\(number + 1).log"))
        }
        if needsCentral {
            try launcher.start(
                LocalLauncher.Worker(
                    kind: .central, name: "central-\(run)",
                    arguments: connection + ["--store", folder.artifacts, "--slots", "1", "--central"],
                    logPath: folder.logs + "/central.log"))
        }
    }

    // MARK: The end

    private func finish(_ ending: CoordinatorLoop.Ending) throws {
        let report = try StudyReport(RecordedStudy(loaded.folder))
        if ending == .stopped, let code = Signals.pending {
            throw Stop(
                code, "stopped; everything finished is saved (\(try report.settledText()))",
                remedy: "Continue with: \(resumeCommand)")
        }
        if ending == .drained || ending == .canceled {
            let word = ending == .drained ? "stopped by `sower stop`" : "canceled by `sower cancel`"
            throw Stop(
                .incomplete, "\(word); everything finished is saved (\(try report.settledText()))",
                remedy: "Continue with: \(resumeCommand)")
        }
        try report.writeTables(to: loaded.folder.tables)
        try report.show(mode)
        if ending == .tooManyFailures {
            throw Stop(
                .tooManyFailures, "more than \(failures.maxFails ?? 0) jobs have failed for good",
                remedy:
                    "Look at `sower status \(loaded.folder.name) --results \(shellWord(resultsPath))`, mend the cause, then: \(resumeCommand) --retry-failed"
            )
        }
        guard !report.isComplete else { return }
        guard try !report.failureLines().isEmpty, mode != .quiet else { throw Stop(.someCellsFailed) }
        throw Stop(
            .someCellsFailed, "some jobs have failed for good; their reasons stand above",
            remedy: "Mend the cause, then: \(resumeCommand) --retry-failed")
    }

    private func say(_ text: String) {
        if mode == .cli { printToError(text) }
    }
}

/// Whether nothing runs, for want of a worker that may run what is left.
private struct Shortage {
    /// A worker may be about to greet.
    static let seconds = 10.0

    private var since: Double?
    private var latest: [String] = []
    private(set) var isLasting = false

    mutating func note(_ progress: SweepProgress) {
        latest = progress.shortages
        guard !latest.isEmpty, progress.workers > 0 else { return since = nil }
        since = since ?? progress.elapsedSeconds
        isLasting = progress.elapsedSeconds - (since ?? 0) >= Self.seconds
    }

    var reasons: String? { isLasting ? latest.joined(separator: "\n  ") : nil }
}

/// This program.
enum Executable {
    static let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]

    /// As other hosts get it.
    static func package() throws -> ProgramPackage {
        // What is loaded is taken along.
        try BLAS.load()
        return try ProgramPackage.running(executable: path)
    }
}
