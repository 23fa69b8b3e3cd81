import ArgumentParser

struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Coordinate a study for workers that come by themselves (`sower worker --connect`).",
        discussion: "The same as `sower run --workers 0 --listen HOST:PORT`; clustering runs on this host.")

    @OptionGroup var study: StudyOptions

    @Option(help: ArgumentHelp("Where workers connect (data on the next port); * for any interface.", valueName: "host:port"))
    var listen: String

    @OptionGroup var admission: AdmissionOptions
    @OptionGroup var checkpoints: CheckpointOptions
    @OptionGroup var failures: FailureOptions
    @OptionGroup var results: ResultsOption
    @OptionGroup var detached: DetachOption
    @OptionGroup var output: OutputOptions

    @Flag(help: "Print a systemd user unit that keeps this coordinator running, and how to install it; run nothing.")
    var systemd = false

    func validate() throws { _ = try HostAndPort(listen) }

    func run() throws {
        let loaded = try study.load(results)
        if systemd {
            let arguments = Array(CommandLine.arguments.dropFirst())
            print(SystemdUnit.text(study: loaded.study.name, arguments: arguments, keys: admission.keys.inherited), terminator: "")
            return
        }
        try Sweep(
            loaded: loaded, workers: 0, workerArguments: [], allowsCommands: false, listen: HostAndPort(listen), admission: admission,
            checkpoints: checkpoints,
            failures: failures, mode: output.outputMode,
            resumeCommand:
                "sower coordinator \(study.words) --listen \(shellWord(listen))\(admission.words)\(checkpoints.words)\(failures.words)"
                + ResultsOption.flag(results.results)
        ).run(detached, results)
    }
}
