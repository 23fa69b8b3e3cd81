import ArgumentParser
import Foundation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a study to its table; running it again finishes what is missing.")

    @OptionGroup var study: StudyOptions
    @OptionGroup var sweep: SweepOptions
    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    @Flag(name: [.customShort("n"), .long], help: "Only show what would run (the same as `sower plan`).")
    var dryRun = false

    func run() throws {
        let loaded = try LoadedStudy.fromFile(study.study, overrides: study.overrides, results: results.results)
        if dryRun {
            try PlanReport(loaded, runCommand: "sower run \(study.words)\(ResultsOption.flag(results.results))").show(output.outputMode)
            return
        }
        try Sweep(
            loaded: loaded, options: sweep, mode: output.outputMode,
            resumeCommand: loaded.folder.resumeCommand(results: results.results) + sweep.words
        ).run()
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Finish an interrupted study: the same as run, with the study taken from its ledger.")

    @Argument(help: "A study's name in the results folder, or a study file; the default is the study used last.")
    var study: String?

    @OptionGroup var sweep: SweepOptions
    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try? StudyFolder.find(study, in: results.results)
        let loaded: LoadedStudy
        if let folder {
            loaded = try LoadedStudy.fromLedger(folder, results: results.results)
        } else if let study, LoadedStudy.isStudyFile(study) {
            loaded = try LoadedStudy.fromFile(study, overrides: [], results: results.results)
        } else {
            loaded = try LoadedStudy.fromLedger(StudyFolder.find(study, in: results.results), results: results.results)
        }
        try Sweep(
            loaded: loaded, options: sweep, mode: output.outputMode,
            resumeCommand: loaded.folder.resumeCommand(results: results.results) + sweep.words
        ).run()
    }
}

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a study would run, and what is done already.")

    @OptionGroup var study: StudyOptions
    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try LoadedStudy.fromFile(study.study, overrides: study.overrides, results: results.results)
        try PlanReport(loaded, runCommand: "sower run \(study.words)\(ResultsOption.flag(results.results))").show(output.outputMode)
    }
}
