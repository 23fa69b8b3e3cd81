import ArgumentParser
import Coordination
import Digests
import Foundation
import LedgerStore
import Processes
import Studies
import StudyFiles

struct BenchLedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "How long status and table take over a large ledger.",
        discussion: """
            A finished study of --runs trainings with --epochs epochs each is recorded through the coordinator's own writer; then \
            `sower status` and `sower table` run as processes of their own, each --rounds times.
            """)

    @Option(help: "Evaluation trainings: a multiple of 40, above 40000 one of 80, to 80000.")
    var runs = 20_000

    @Option(help: "Epochs of each, 1 to \(Limits.epochsPerJob).")
    var epochs = 50

    @Option(help: "Runs of each command, 1 to 100.")
    var rounds = 5

    @Option(help: ArgumentHelp("Where a temporary folder is made.", valueName: "dir"))
    var folder = "."

    @Flag(help: "Leave the folder, for a look at it by hand.")
    var keep = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (40...80_000).contains(runs), runs % (40 * arms.count) == 0,
            (1...Limits.epochsPerJob).contains(epochs), (1...100).contains(rounds)
        else {
            throw ValidationError(
                "expected --runs 40 to 80000 in steps of 40, above 40000 of 80, --epochs 1 to \(Limits.epochsPerJob), --rounds 1 to 100")
        }
    }

    func run() throws {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.path + "/sower-bench-\(getpid())"
        defer { if !keep { try? FileManager.default.removeItem(atPath: path) } }
        let recording = try record(in: path)
        var seconds: [String: [Double]] = [:]
        for _ in 0..<rounds {
            for command in ["status", "table"] { try seconds[command, default: []].append(time(command, path)) }
        }
        let report = LedgerReport(
            runs: runs, epochsPerRun: epochs, epochRows: runs * epochs, recordingSeconds: recording,
            status: LedgerReport.Times(seconds["status"] ?? []), table: LedgerReport.Times(seconds["table"] ?? []))
        switch output.outputMode {
        case .json: print(try JSONOutput.text(report))
        case .cli: print(report.text)
        case .quiet: break
        }
    }

    private func time(_ command: String, _ path: String) throws -> Double {
        let start = ContinuousClock.now
        _ = try OneShotProcess.output(
            of: Executable.path, arguments: [command, "--results", path + "/results", "--output-mode", "quiet"],
            environment: ProcessInfo.processInfo.environment)
        return (ContinuousClock.now - start) / .seconds(1)
    }

    /// A study has up to 1000 replicates; arms on the same network that start alike would share their trainings.
    private var arms: [String] { runs <= 40_000 ? ["random"] : ["random", "{name: other, method: random, model: custom-resnet18}"] }

    /// A study whose every training is finished; returns the seconds that recording took.
    private func record(in path: String) throws -> Double {
        let text = """
            study: large
            data: {format: synthetic, seed: 1, training_per_class: 1, test_per_class: 1}
            evaluation: {pairs: 40, replicates: \(runs / arms.count / 40), epochs: \(epochs)}
            arms: [\(arms.joined(separator: ", "))]
            """
        let study = try StudyFiles.decode(text: text, sourceName: "bench", stateDicts: [], overrides: [])
        let plan = study.expand(dataset: Digest(of: "bench"), imagesPerClass: ImagesPerClass(training: 1, validation: 1))
        try FileManager.default.createDirectory(atPath: path + "/results/large", withIntermediateDirectories: true)
        let ledger = try Ledger.open(path: path + "/results/large/ledger.sqlite", now: Date())
        let start = ContinuousClock.now
        _ = try ledger.register(study, plan, retryFailed: false)
        precondition(plan.jobs.count == runs, "every cell has a training of its own")
        let hello = Hello(worker: "bench", host: "bench", processID: 1, slots: 1, isCentral: false, numericClass: "bench", attempts: [])
        try ledger.record([.workerJoined(hello)], now: Date())
        var changes: [LedgerChange] = []
        for (number, job) in plan.jobs.enumerated() {
            let attempt = AttemptID(job: job.id, number: 1)
            changes.append(.attemptStarted(attempt, worker: "bench"))
            changes.append(.jobSettled(result(attempt, number)))
            guard changes.count >= 1000 || number == plan.jobs.count - 1 else { continue }
            try ledger.record(changes, now: Date())
            changes = []
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try ledger.checkpoint()
        try ledger.close()
        return seconds
    }

    private func result(_ attempt: AttemptID, _ number: Int) -> AttemptResult {
        let metrics = (1...epochs).map { epoch in
            let (loss, accuracy) = (2 / Double(epoch + number % 7), Double((epoch * 13 + number * 7) % 1000) / 10)
            return EpochMetrics(
                epoch: epoch, learningRate: 0.01, trainingLoss: loss, trainingAccuracy: 50, trainingTop5Accuracy: 90,
                validationLoss: loss + 0.1, validationAccuracy: accuracy, validationTop5Accuracy: 95, images: 5000, seconds: 3)
        }
        return AttemptResult(
            attempt: attempt, outcome: .finished, epochs: metrics, artifacts: [], numericClass: "bench", seconds: Double(3 * epochs))
    }
}

/// The benchmark's JSON; times are in seconds.
private struct LedgerReport: Codable {
    struct Times: Codable {
        var median, least, most: Double

        init(_ seconds: [Double]) {
            let sorted = seconds.sorted()
            (median, least, most) = (sorted[sorted.count / 2], sorted[0], sorted[sorted.count - 1])
        }
    }

    var version = 1
    var kind = "ledger-benchmark"
    var runs, epochsPerRun, epochRows: Int
    var recordingSeconds: Double
    var status, table: Times

    /// For people.
    var text: String {
        func line(_ name: String, _ times: Times) -> String {
            String(
                format: "  %@: median %.0f ms (%.0f to %.0f)", name as NSString, times.median * 1000, times.least * 1000,
                times.most * 1000)
        }
        return """
            \(runs) runs of \(epochsPerRun) epochs, \(epochRows) epoch rows, recorded in \(String(format: "%.1f", recordingSeconds)) s
            \(line("status", status))
            \(line("table", table))
            """
    }
}
