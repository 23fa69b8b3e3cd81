import ArgumentParser

struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Coordinate a study for workers that come by themselves (`sower worker --connect`).",
        discussion: "The same as `sower run --workers 0 --listen HOST:PORT`; clustering runs on this host.")

    @OptionGroup var study: StudyOptions

    @Option(help: ArgumentHelp("Where workers connect (data on the next port); * for any interface.", valueName: "host:port"))
    var listen: String

    @Option(help: ArgumentHelp("Stop when more jobs than this have failed for good.", valueName: "n"))
    var maxFails: Int?

    @Flag(help: "Try the jobs again that have failed for good.")
    var retryFailed = false

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let loaded = try LoadedStudy.fromFile(study.study, overrides: study.overrides, results: results.results)
        var arguments = ["--workers", "0", "--listen", listen]
        if let maxFails { arguments += ["--max-fails", "\(maxFails)"] }
        if retryFailed { arguments.append("--retry-failed") }
        try Sweep(
            loaded: loaded, options: SweepOptions.parse(arguments), mode: output.outputMode,
            resumeCommand: "sower coordinator \(study.words) --listen \(shellWord(listen))\(maxFails.map { " --max-fails \($0)" } ?? "")\(ResultsOption.flag(results.results))"
        ).run()
    }
}
