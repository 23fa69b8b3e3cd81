import ArgumentParser
import Clusters
import Foundation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a study to its table; running it again finishes what is missing.")

    @OptionGroup var study: StudyOptions
    @OptionGroup var options: RunOptions

    @Flag(name: [.customShort("n"), .long], help: "Only show what would run (the same as `sower plan`).")
    var dryRun = false

    func run() throws {
        let loaded = try study.load(options.results)
        if dryRun {
            try PlanReport(loaded, runCommand: study.runCommand(options.results)).show(options.output.outputMode)
        } else {
            try options.run(loaded)
        }
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Finish an interrupted study: the same as run, with the study taken from its ledger.")

    @Argument(help: "A study's name in the results folder, or a study file; the default is the study used last.")
    var study: String?

    @OptionGroup var options: RunOptions

    func run() throws {
        try options.run(load())
    }

    private func load() throws -> LoadedStudy {
        let isKnown = StudyFolder.all(in: options.results.results).contains { $0.name == study }
        if let study, !isKnown, LoadedStudy.isStudyFile(study) {
            return try LoadedStudy.fromFile(study, results: options.results.results)
        }
        return try LoadedStudy.fromLedger(StudyFolder.find(study, in: options.results.results), results: options.results.results)
    }
}

/// What `run` and `resume` do with a loaded study: they differ only in where it comes from.
struct RunOptions: ParsableArguments {
    @OptionGroup var workers: WorkerOptions
    @OptionGroup var admission: AdmissionOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var checkpoints: CheckpointOptions
    @OptionGroup var failures: FailureOptions
    @OptionGroup var results: ResultsOption
    @OptionGroup var detached: DetachOption
    @OptionGroup var output: OutputOptions

    fileprivate func run(_ loaded: LoadedStudy) throws { try sweep(of: loaded).run(detached, results) }

    private func sweep(of loaded: LoadedStudy) throws -> Sweep {
        let cluster = try workers.cluster.map { try Cluster.load($0) }
        if let problem = cluster?.localProblem, output.outputMode == .cli { printToError("\(problem.message)\n  → \(problem.remedy)") }
        return Sweep(
            loaded: loaded, workers: workers.count(threads: threads.threads, in: cluster),
            workerArguments: (try cluster?.localArguments(besides: host, fetching: cluster?.fetches(loaded) ?? []) ?? [])
                + threads.arguments + cache.arguments + host.arguments,
            allowsCommands: host.allowCommand, listen: try workers.listen.map { try HostAndPort($0) } ?? cluster?.listen,
            admission: admission.completed(by: cluster?.policy), cluster: cluster, checkpoints: checkpoints,
            failures: failures.completed(by: cluster?.policy), mode: output.outputMode,
            resumeCommand: loaded.folder.resumeCommand(results: results.results) + workers.words + admission.words + threads.words
                + cache.words + host.words + checkpoints.words + failures.words)
    }
}

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a study would run, and what is done already.")

    @OptionGroup var study: StudyOptions
    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try study.load(results)
        try PlanReport(loaded, runCommand: study.runCommand(results)).show(output.outputMode)
    }
}
