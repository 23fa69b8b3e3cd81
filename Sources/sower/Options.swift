import ArgumentParser
import Clusters
import Foundation

/// How a command speaks.
enum OutputMode: String, ExpressibleByArgument, CaseIterable {
    /// For people.
    case cli
    /// One JSON value on standard output.
    case json
    /// Nothing but errors.
    case quiet
}

struct OutputOptions: ParsableArguments {
    @Option(help: "cli, json (exactly one JSON value on standard output) or quiet.")
    var outputMode: OutputMode = .cli
}

struct ResultsOption: ParsableArguments {
    @Option(help: ArgumentHelp("Where studies keep their ledgers, artifacts and tables; a local disk.", valueName: "dir"))
    var results = ResultsOption.standard

    static let standard = "results"

    /// What a printed command needs to find the same folder: nothing for the standard one.
    static func flag(_ results: String) -> String { results == standard ? "" : " --results \(shellWord(results))" }
}

/// `text` as one word of a shell's command line, so that a printed command can be pasted.
func shellWord(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "/._-+=:,@%".unicodeScalars.contains($0))
    }
    return plain && !text.isEmpty ? text : "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
}

struct StudyOptions: ParsableArguments {
    @Argument(help: "A study file, or a built-in study: demo, clustered.")
    var study: String

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Change a setting of the study, e.g. evaluation.replicates=2. May be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(
        name: .customLong("from-state-dict"), parsing: .singleValue,
        help: ArgumentHelp(
            "Add an arm whose networks start from a safetensors state_dict, named after the file or NAME. May be repeated.",
            valueName: "[name=]file"))
    var stateDicts: [String] = []

    /// The study as a printed command names it.
    var words: String {
        let changes = overrides.map { "--set " + shellWord($0) } + stateDicts.map { "--from-state-dict " + shellWord($0) }
        return ([shellWord(study)] + changes).joined(separator: " ")
    }

    /// The study with these changes.
    func load(_ results: ResultsOption) throws -> LoadedStudy {
        try LoadedStudy.fromFile(study, stateDicts: stateDicts, overrides: overrides, results: results.results)
    }

    /// The command that runs this study.
    func runCommand(_ results: ResultsOption) -> String { "sower run \(words)\(ResultsOption.flag(results.results))" }
}

/// What a sweep does about jobs that fail for good.
struct FailureOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Stop when more jobs than this have failed for good.", valueName: "n"))
    var maxFails: Int?

    @Option(
        help: ArgumentHelp(
            "End an attempt that runs for longer (90s, 45min, 2h); it counts as a crash of its job.", valueName: "time"))
    var timeLimit: TimeLimit?

    @Option(help: ArgumentHelp("Attempts of one job that may crash before it has failed for good; the default is 5.", valueName: "n"))
    var crashLimit: Int?

    @Flag(help: "Try the jobs again that have failed for good.")
    var retryFailed = false

    /// What another run needs to be like this one, as words of its command; `--retry-failed` was for this once.
    var words: String {
        (maxFails.map { " --max-fails \($0)" } ?? "") + (timeLimit.map { " --time-limit \($0.text)" } ?? "")
            + (crashLimit.map { " --crash-limit \($0)" } ?? "")
    }

    func validate() throws {
        if let maxFails, maxFails < 0 { throw ValidationError("--max-fails \(maxFails): expected 0 or more") }
        if let crashLimit, !(1...100).contains(crashLimit) { throw ValidationError("--crash-limit \(crashLimit): expected 1 to 100") }
    }
}

/// A length of time as people write it: a number of seconds, or one with the unit s, min, h or d.
struct TimeLimit: ExpressibleByArgument {
    /// More than 0, at most a year.
    var seconds: Double
    var text: String

    init?(argument: String) {
        guard let seconds = Seconds.parse(argument) else { return nil }
        self.seconds = seconds
        text = argument
    }
}

/// Who does a sweep's work.
struct WorkerOptions: ParsableArguments {
    @Option(help: "Worker processes on this host; the default is one a core, or one for as many cores as --threads.")
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            "Work on the hosts of this file: their workers are started over ssh or handed to Slurm, and ended with the sweep.",
            valueName: "cluster.yaml"))
    var cluster: String?

    @Option(
        help: ArgumentHelp(
            "Also take workers from other hosts at HOST:PORT (data on the next port), encrypted; `sower keys` says whom.",
            valueName: "host:port"))
    var listen: String?

    /// What another run needs to be like this one, as words of its command.
    var words: String {
        (workers.map { " --workers \($0)" } ?? "") + (cluster.map { " --cluster \(shellWord($0))" } ?? "")
            + (listen.map { " --listen \(shellWord($0))" } ?? "")
    }

    func validate() throws {
        guard (0...256).contains(workers ?? 1) else { throw ValidationError("--workers \(workers ?? 1): expected 0 to 256") }
        guard workers != 0 || listen != nil || cluster != nil else {
            throw ValidationError("--workers 0 needs --listen HOST:PORT or --cluster FILE: without either, nobody would do the work")
        }
        if let listen { _ = try HostAndPort(listen) }
    }
}

/// Whether a sweep goes on without its terminal.
struct DetachOption: ParsableArguments {
    @Flag(help: "Go on in the background, whatever becomes of this terminal; `sower attach` shows the progress and the end.")
    var detach = false
}

/// How many threads one training uses.
struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads of one training; more are for when there are fewer trainings than cores. They change no digit.")
    var threads = 1

    /// As arguments of a worker or a runner; none for one thread.
    var arguments: [String] { threads == 1 ? [] : ["--threads", "\(threads)"] }

    /// What another run needs to be like this one, as words of its command.
    var words: String { arguments.map { " " + $0 }.joined() }

    /// As many trainings as this host has cores for.
    static func trainings(threads: Int) -> Int { max(1, ProcessInfo.processInfo.activeProcessorCount / threads) }

    func validate() throws {
        guard (1...256).contains(threads) else { throw ValidationError("--threads \(threads): expected 1 to 256") }
    }
}

/// How often a long training leaves a checkpoint, from which another attempt goes on with the same bits.
struct CheckpointOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Least seconds between two checkpoints of a training, taken at the end of an epoch; \"never\" for none.",
            valueName: "seconds"))
    var checkpointEvery = CheckpointInterval(seconds: standardSeconds)

    static let standardSeconds = 300.0

    /// What another run needs to be like this one, as words of its command.
    var words: String {
        checkpointEvery.seconds == Self.standardSeconds ? "" : " --checkpoint-every \(checkpointEvery.defaultValueDescription)"
    }
}

struct CheckpointInterval: ExpressibleByArgument {
    /// Nil for never.
    var seconds: Double?

    init(seconds: Double?) { self.seconds = seconds }

    init?(argument: String) {
        if argument == "never" {
            self.init(seconds: nil)
        } else if let seconds = Double(argument), seconds.isFinite, seconds >= 0 {
            self.init(seconds: seconds)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String {
        seconds.map { $0 == $0.rounded() && $0 < 1e9 ? "\(Int($0))" : "\($0)" } ?? "never"
    }
}

/// `HOST:PORT`, each what a cluster file's coordinator may have; the host may be `*` where something listens.
struct HostAndPort {
    var host: String
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init(_ text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "*" || ClusterPatterns.isHost(String(parts[0])), let port = Int(parts[1]),
            ClusterPatterns.coordinatorPorts.contains(port)
        else { throw ValidationError("\"\(text)\" is not HOST:PORT with a port from 1024 to 32766, for example lab0:17610") }
        host = String(parts[0])
        self.port = port
    }

    var controlEndpoint: String { "tcp://\(host):\(port)" }
    var dataEndpoint: String { "tcp://\(host):\(port + 1)" }
}
