import ArgumentParser
import Coordination
import Foundation

struct BenchDispatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dispatch", abstract: "How fast jobs that do next to nothing go through coordinator, worker, runner and ledger.",
        discussion: """
            Coordinator, workers and runners are the real ones, over TCP on this host; every result is durable in a worker's outbox and \
            then in the ledger before it is acknowledged. Jobs a second count from the first lease to the last result, as the ledger \
            has them; processor time includes the start of the processes.
            """)

    @Option(help: "Jobs, 1 to 10000000.")
    var jobs = 50_000

    @Option(help: "Worker processes.")
    var workers = 1

    @Option(help: "Slots of each worker.")
    var slots = 8

    @Option(help: "noop, command (/bin/true) or epochs (no-ops that report --epochs epochs each).")
    var kind: DispatchBenchmark.Kind = .noop

    @Option(help: "Epochs of a job of the kind epochs, 1 to \(Limits.epochsPerJob).")
    var epochs = 100

    @Flag(help: "One job at a time, each ready when the one before has its result: milliseconds from ready to acknowledged.")
    var latency = false

    @Flag(help: "Encrypt the connection, as for workers of other hosts.")
    var curve = false

    @Option(help: ArgumentHelp("Where a temporary folder is made; its disk's syncs are part of the measurement.", valueName: "dir"))
    var folder = "."

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...10_000_000).contains(jobs), (1...256).contains(workers), (1...Limits.slotsPerWorker).contains(slots),
            (1...Limits.epochsPerJob).contains(epochs)
        else {
            throw ValidationError(
                "expected --jobs 1 to 10000000, --workers 1 to 256, --slots 1 to \(Limits.slotsPerWorker) "
                    + "and --epochs 1 to \(Limits.epochsPerJob)")
        }
        guard !latency || kind == .noop else { throw ValidationError("--latency is for the kind noop") }
    }

    func run() throws {
        Signals.catchThem()
        let report = try DispatchBenchmark(
            kind: kind, jobs: jobs, workers: latency ? 1 : workers, slots: latency ? 1 : slots, epochs: kind == .epochs ? epochs : 0,
            oneAtATime: latency, folder: folder, usesCurve: curve
        ).run()
        switch output.outputMode {
        case .json: print(try JSONOutput.text(report))
        case .cli: print(report.text)
        case .quiet: break
        }
    }
}

/// The benchmark's JSON.
struct DispatchReport: Codable {
    struct Latency: Codable {
        /// Milliseconds from the moment a job is ready to its result's acknowledgement.
        var p50, p99, largest: Double
    }

    /// Processor seconds a thousand jobs, user and system.
    struct ProcessorSeconds: Codable {
        var coordinator, workers, runners: Double
        /// What the runners started.
        var commands: Double
    }

    /// Read back from the ledger after the sweep.
    struct LedgerFacts: Codable {
        var journalMode: String
        /// 2 is FULL.
        var synchronous: Int
        var settledJobs, attempts, epochs: Int
    }

    var version = 1
    var kind = "dispatch-benchmark"
    var job: DispatchBenchmark.Kind
    var jobs, workers, slots, epochsPerJob: Int
    /// Whether the connections were encrypted.
    var curve: Bool
    var seconds, jobsPerSecond, epochsPerSecond: Double
    var latency: Latency?
    var commits: Int
    var processorSecondsPerThousandJobs: ProcessorSeconds
    var ledger: LedgerFacts

    /// For people.
    var text: String {
        func number(_ value: Double, _ decimals: Int = 0) -> String { String(format: "%.\(decimals)f", value) }
        let cpu = processorSecondsPerThousandJobs
        var lines = [
            "\(jobs) \(job.rawValue) jobs, \(workers) workers with \(slots) slots\(curve ? " over CURVE" : ""): \(number(jobsPerSecond)) jobs/s"
                + (epochsPerJob > 0 ? ", \(number(epochsPerSecond)) epochs/s" : "") + " (\(number(seconds, 2)) s)"
        ]
        if let latency {
            lines.append(
                "  ready to acknowledged: median \(number(latency.p50, 2)) ms, 99 % \(number(latency.p99, 2)) ms, "
                    + "largest \(number(latency.largest, 2)) ms")
        }
        lines.append(
            "  processor milliseconds a job: coordinator \(number(cpu.coordinator, 3)), workers \(number(cpu.workers, 3)), "
                + "runners \(number(cpu.runners, 3))" + (cpu.commands > 0 ? ", commands \(number(cpu.commands, 3))" : ""))
        lines.append(
            "  ledger: \(ledger.journalMode), synchronous \(ledger.synchronous == 2 ? "FULL" : "\(ledger.synchronous)"), "
                + "\(ledger.settledJobs) settled jobs, \(ledger.attempts) attempts, \(ledger.epochs) epochs, \(commits) commits")
        return lines.joined(separator: "\n")
    }
}
