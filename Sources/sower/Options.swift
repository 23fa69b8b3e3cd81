import ArgumentParser
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

    /// The study as a printed command names it.
    var words: String { ([shellWord(study)] + overrides.map { "--set " + shellWord($0) }).joined(separator: " ") }

    /// The command that runs this study.
    func runCommand(_ results: ResultsOption) -> String { "sower run \(words)\(ResultsOption.flag(results.results))" }
}

/// What a sweep does about jobs that fail for good.
struct FailureOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Stop when more jobs than this have failed for good.", valueName: "n"))
    var maxFails: Int?

    @Flag(help: "Try the jobs again that have failed for good.")
    var retryFailed = false

    /// What another run needs to be like this one, as words of its command; `--retry-failed` was for this once.
    var words: String { maxFails.map { " --max-fails \($0)" } ?? "" }

    func validate() throws {
        if let maxFails, maxFails < 0 { throw ValidationError("--max-fails \(maxFails): expected 0 or more") }
    }
}

/// Who does a sweep's work.
struct WorkerOptions: ParsableArguments {
    @Option(help: "Worker processes on this host; the default is one a core.")
    var workers: Int = ProcessInfo.processInfo.activeProcessorCount

    @Option(
        help: ArgumentHelp(
            "Also take workers from other hosts at HOST:PORT (data on the next port). Not encrypted: use it on a network you trust.",
            valueName: "host:port"))
    var listen: String?

    /// What another run needs to be like this one, as words of its command.
    var words: String {
        (workers == ProcessInfo.processInfo.activeProcessorCount ? "" : " --workers \(workers)")
            + (listen.map { " --listen \(shellWord($0))" } ?? "")
    }

    func validate() throws {
        guard (0...256).contains(workers) else { throw ValidationError("--workers \(workers): expected 0 to 256") }
        guard workers > 0 || listen != nil else {
            throw ValidationError("--workers 0 needs --listen HOST:PORT: without either, nobody would do the work")
        }
        if let listen { _ = try HostAndPort(listen) }
    }
}

/// `HOST:PORT`, the port below 32768 so that no ephemeral port can take it.
struct HostAndPort {
    var host: String
    var port: Int

    init(_ text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*")
        guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy(allowed.contains), let port = Int(parts[1]),
            (1024..<32767).contains(port)
        else { throw ValidationError("\"\(text)\" is not HOST:PORT with a port from 1024 to 32766, for example lab0:17610") }
        host = String(parts[0])
        self.port = port
    }

    var controlEndpoint: String { "tcp://\(host):\(port)" }
    var dataEndpoint: String { "tcp://\(host):\(port + 1)" }
}
