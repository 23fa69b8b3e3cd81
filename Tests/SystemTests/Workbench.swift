import Foundation
import Testing

/// Tests of whole processes, one after another: two cores are busy with one of them.
@Suite(.serialized) struct SystemTests {}

/// Those with workers on other hosts, one after another too: they wait more than they compute, so they run beside the others.
@Suite(.serialized) struct HostSystemTests {}

/// A folder of one test's own with the tiny study in it, and every process that comes from it.
///
/// Processes are known by a mark in their environment that workers and runners inherit, so that those whose parent was
/// killed are found too. All are killed, and the folder is removed, when this object goes away.
final class Workbench {
    let folder: String
    private let mark = "SOWER_SYSTEM_TEST=\(UUID().uuidString)"
    private var started = 0

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sower-system-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write(Self.study, to: "tiny.yaml")
    }

    deinit {
        for process in processes() { kill(process.id, SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    static let study = """
        study: tiny
        data: {format: synthetic, seed: 1, training_per_class: 12, test_per_class: 6}
        model: resnet18
        profile: paper
        protocol: independent
        seed: 1
        pretraining: {pairs: 4, epochs: 2}
        evaluation: {pairs: 2, replicates: 2, epochs: 2}
        training: {batch_size: 32}
        arms:
          - random
          - {name: gabor-1, method: gabor, layers: 1}
          - {name: clustered, method: clustered, distance: fourier-real, models: 4, clusters: 2, layers: 17}

        """

    var studyFile: String { folder + "/tiny.yaml" }
    var results: String { folder + "/results" }
    var ledger: String { results + "/tiny/ledger.sqlite" }
    /// What `--results` is in every command of a test.
    var inResults: [String] { ["--results", results] }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    }

    // MARK: Commands

    func start(_ arguments: [String], environment added: [String: String] = [:]) throws -> SowerProcess {
        started += 1
        let parts = mark.split(separator: "=").map(String.init)
        var environment = ProcessInfo.processInfo.environment
        environment[parts[0]] = parts[1]
        environment.merge(added) { $1 }
        return try SowerProcess(arguments, environment: environment, errorPath: "\(folder)/\(started).stderr")
    }

    func sower(_ arguments: [String], within seconds: Double = 120) throws -> SowerProcess.Ending {
        try start(arguments).finish(within: seconds)
    }

    /// Runs a command that must end with exit code 0, and returns what it printed.
    @discardableResult
    func succeed(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> SowerProcess.Ending {
        let ending = try sower(arguments)
        #expect(
            ending.end == .exited(0), "sower \(arguments.joined(separator: " ")): \(ending.standardError)", sourceLocation: sourceLocation)
        return ending
    }

    // MARK: Keys

    /// The key folder of a host that this test pretends to have.
    func keys(_ host: String) -> [String] { ["--keys", "\(folder)/keys-\(host)"] }

    /// A coordinator's pair and the workers' in folders of their own, the workers enrolled.
    func exchangeKeys(with workers: [String]) throws {
        _ = try publicKey(of: "coordinator")
        for worker in workers { try succeed(["keys", "enroll", worker, try publicKey(of: worker)] + keys("coordinator")) }
    }

    /// Made if there is none.
    func publicKey(of host: String) throws -> String {
        try succeed(["keys", "generate"] + keys(host)).text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // MARK: The ledger

    struct Status: Decodable {
        struct Stage: Decodable {
            var stage: String
            var waiting, running, finished, diverged, failed: Int
        }
        struct Worker: Decodable { var name: String }

        var coordinator_process: Int32?
        var stages: [Stage]
        var workers: [Worker]

        func stage(_ name: String) -> Stage? { stages.first { $0.stage == name } }
        var finished: Int { stages.reduce(0) { $0 + $1.finished } }
    }

    /// What `sower status` says, or `nil` while there is no ledger.
    func status() throws -> Status? {
        let ending = try sower(["status", "tiny", "--output-mode", "json"] + inResults, within: 30)
        guard ending.exitCode == 0 else { return nil }
        return try JSONDecoder().decode(Status.self, from: Data(ending.output))
    }

    /// The answer of the `sqlite3` program, or `nil` where there is none.
    func query(_ sql: String, changes: Bool = false) throws -> String? {
        guard let program = ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"].first(where: FileManager.default.isExecutableFile) else {
            return nil
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = (changes ? [] : ["-readonly"]) + [ledger, sql]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let answer = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw SystemTestError("sqlite3 does not answer: \(sql)") }
        return String(decoding: answer, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Every digit that the study has: each metric, each grouping, to the last decimal.
    func everyDigit(sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        var text = ""
        for metric in ["validation_accuracy", "validation_loss", "training_accuracy", "training_loss"] {
            for over in ["all", "seed", "pair"] {
                text += try succeed(
                    ["table", "tiny", "--format", "csv", "--precision", "15", "--metric", metric, "--over", over] + inResults,
                    sourceLocation: sourceLocation
                ).text
            }
        }
        return text
    }

    // MARK: Processes

    struct RunningProcess: Equatable {
        var id: pid_t
        var arguments: [String]
        /// `run`, `resume`, `worker`, `runner`…
        var verb: String { arguments.count > 1 ? arguments[1] : "" }
    }

    /// This test's living processes, with their children, whoever their parent is now.
    func processes(_ verb: String? = nil) -> [RunningProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.sorted().compactMap { id -> RunningProcess? in
            guard id != getpid(), let environment = FileManager.default.contents(atPath: "/proc/\(id)/environ"),
                environment.split(separator: 0).contains(where: { $0.elementsEqual(mark.utf8) }),
                let line = FileManager.default.contents(atPath: "/proc/\(id)/cmdline")
            else { return nil }
            return RunningProcess(id: id, arguments: line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
        }.filter { verb == nil || $0.verb == verb }
    }

    /// Waits for a condition, at most so long; `process` must go on running meanwhile.
    func wait(_ what: String, for process: SowerProcess? = nil, within seconds: Double = 60, until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try !condition() {
            if let process, !process.isRunning {
                throw SystemTestError("\(process.command) ended before \(what). Its standard error:\n\(process.standardError)")
            }
            guard ContinuousClock.now < deadline else {
                throw SystemTestError(
                    "waited \(seconds) s for \(what), in vain. \(process.map { "Standard error:\n" + $0.standardError } ?? "")")
            }
            usleep(20_000)
        }
    }

    /// Holds a sweep in the middle of a stage: its runners are stopped (SIGSTOP) with a job of the stage under way.
    func freeze(in stage: String, of process: SowerProcess, runners: Int = 1) throws -> [pid_t] {
        var frozen: [pid_t] = []
        try wait("a job of \(stage) is running", for: process) {
            frozen = processes("runner").map(\.id)
            guard frozen.count >= runners, (try status()?.stage(stage)?.running ?? 0) > 0 else { return false }
            frozen.forEach { kill($0, SIGSTOP) }
            usleep(300_000)
            // A result that was on its way has arrived by now.
            if (try status()?.stage(stage)?.running ?? 0) > 0 { return true }
            thaw(frozen)
            return false
        }
        return frozen
    }

    func thaw(_ runners: [pid_t]) { runners.forEach { kill($0, SIGCONT) } }

    /// The fourth field of `/proc/PID/stat`; the second is a name in parentheses. Source: proc_pid_stat(5).
    func parent(of process: pid_t) -> pid_t? {
        guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8), let name = line.lastIndex(of: ")")
        else { return nil }
        return line[name...].split(separator: " ").dropFirst(2).first.flatMap { pid_t($0) }
    }

    /// Nothing of the test may run five seconds after its end.
    func expectNoProcessIsLeft(sourceLocation: SourceLocation = #_sourceLocation) {
        try? wait("every process has ended", within: 5) { processes().isEmpty }
        let left = processes().map { $0.arguments.joined(separator: " ") }
        #expect(left.isEmpty, sourceLocation: sourceLocation)
    }
}

/// The tables of a run that nobody disturbed: two workers, from start to end.
enum Undisturbed {
    private static let result = Result {
        let bench = try Workbench()
        let ending = try bench.sower(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
        guard ending.exitCode == 0 else { throw SystemTestError("the undisturbed run failed: \(ending.standardError)") }
        return try bench.everyDigit()
    }

    static func everyDigit() throws -> String { try result.get() }
}
