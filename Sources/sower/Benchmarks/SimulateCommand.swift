import ArgumentParser
import Foundation
import Simulation
import Synchronization

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run the coordinator's and the workers' decisions in virtual time, under faults, and hold them to their rules.",
        discussion: """
            Each seed is a small sweep of its own: messages are lost, repeated, late or garbled, links die, hosts lose their power, the \
            coordinator crashes and stands still. When the faults stop, everything must settle, and the table must be that of a run \
            without faults. A seed is the same run every time and on every machine; one seed alone prints what happens in it.
            Exit codes: 0 no rule was broken; 1 some were.
            """)

    @Option(help: ArgumentHelp("Which runs: one seed, or the first and the last.", valueName: "a..b"))
    var seeds: SeedRange

    @Option(help: "Workers for ordinary jobs, with two slots each; central ones come on top.")
    var workers = SimulationSettings.usualWorkers

    @Option(help: "Jobs of the sweep.")
    var jobs = SimulationSettings.usualJobs

    @Flag(inversion: .prefixedNo, help: "Whether anything goes wrong.")
    var faults = true

    @Option(help: "Threads; a seed has one. They change no result. The default is one a core.")
    var threads: Int?

    @Option(help: .hidden)
    var mutant: MutantOption?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100_000).contains(workers), (1...10_000_000).contains(jobs) else {
            throw ValidationError("expected --workers 1 to 100000 and --jobs 1 to 10000000, found \(workers) and \(jobs)")
        }
        guard (1...256).contains(threads ?? 1) else { throw ValidationError("--threads \(threads ?? 1): expected 1 to 256") }
    }

    func run() throws {
        let clock = ContinuousClock()
        let start = clock.now
        var settings = SimulationSettings(workers: workers, jobs: jobs, hasFaults: faults, mutant: mutant?.mutant)
        // Nothing is kept of a transcript: it can be larger than the memory.
        if seeds.first == seeds.last, output.outputMode == .cli { settings.tell = { print($0) } }
        let summary = simulate(settings)
        let report = SimulationReport(summary, seeds: seeds, options: optionWords, seconds: (clock.now - start) / .seconds(1))
        switch output.outputMode {
        case .json: print(try JSONOutput.text(report))
        case .cli: print(report.text)
        case .quiet: break
        }
        guard let failure = report.failures.first else { return }
        throw Stop(
            .someCellsFailed,
            "\(report.failures.count) of \(report.run) seeds broke a rule; seed \(failure.seed): \(failure.violations[0])",
            remedy: failure.command)
    }

    /// All seeds, shared out among threads a few at a time.
    private func simulate(_ settings: SimulationSettings) -> SimulationSummary {
        let chunk: UInt64 = 16
        let next = Mutex<UInt64?>(seeds.first)
        let total = Mutex(SimulationSummary())
        DispatchQueue.concurrentPerform(iterations: threads ?? ProcessInfo.processInfo.activeProcessorCount) { _ in
            var own = SimulationSummary()
            while let range = next.withLock({ first in Self.takeChunk(from: &first, to: seeds.last, size: chunk) }) {
                for seed in range { own.add(SimulatedCluster.run(seed: seed, settings)) }
            }
            total.withLock { $0.add(own) }
        }
        return total.withLock { $0 }
    }

    private static func takeChunk(from first: inout UInt64?, to last: UInt64, size: UInt64) -> ClosedRange<UInt64>? {
        guard let start = first else { return nil }
        let (end, overflows) = start.addingReportingOverflow(size - 1)
        let isLast = overflows || end >= last
        first = isLast ? nil : end + 1
        return start...(isLast ? last : end)
    }

    /// The options, besides the seeds, that a printed command needs to do the same.
    private var optionWords: String {
        (workers == SimulationSettings.usualWorkers ? "" : " --workers \(workers)")
            + (jobs == SimulationSettings.usualJobs ? "" : " --jobs \(jobs)") + (faults ? "" : " --no-faults")
            + (mutant.map { " --mutant \($0.mutant.rawValue)" } ?? "")
    }
}

/// `7` or `1..10000`, both ends included.
struct SeedRange: ExpressibleByArgument {
    var first: UInt64
    var last: UInt64

    init?(argument: String) {
        let ends = argument.components(separatedBy: "..").map { UInt64($0) }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else { return nil }
        self.first = first
        self.last = last
    }
}

struct MutantOption: ExpressibleByArgument {
    var mutant: Mutant

    init?(argument: String) {
        guard let mutant = Mutant(rawValue: argument) else { return nil }
        self.mutant = mutant
    }
}

/// What `sower simulate` has found.
private struct SimulationReport: Codable {
    struct Failure: Codable {
        var seed: UInt64
        var violations: [String]
        /// Runs this seed alone and prints what happens in it.
        var command: String
    }

    var version = 1
    var kind = "simulation"
    var firstSeed, lastSeed: UInt64
    var run: Int
    var failures: [Failure]
    var events: Int
    var virtualHours, seconds, seedsPerSecond: Double
    var attempts, readoptions, resumptions, legacies: Int
    /// Name to count.
    var faults: [String: Int]
    var traceHash: String

    init(_ summary: SimulationSummary, seeds: SeedRange, options: String, seconds: Double) {
        firstSeed = seeds.first
        lastSeed = seeds.last
        run = summary.seeds
        failures = summary.failures.map {
            Failure(seed: $0.seed, violations: $0.violations, command: "sower simulate --seeds \($0.seed)\(options)")
        }
        events = summary.events
        virtualHours = summary.virtualHours
        self.seconds = seconds
        seedsPerSecond = Double(summary.seeds) / max(seconds, 1e-9)
        (attempts, readoptions, resumptions, legacies) = (summary.attempts, summary.readoptions, summary.resumptions, summary.legacies)
        faults = Dictionary(uniqueKeysWithValues: FaultClass.allCases.map { ($0.name, summary.faults[$0.rawValue]) })
        traceHash = String(format: "%016lx", summary.traceHash)
    }

    var text: String {
        let shown = failures.prefix(20).map { "seed \($0.seed): \($0.violations.joined(separator: "; "))\n  → \($0.command)" }
        let more = failures.count > shown.count ? ["… and \(failures.count - shown.count) seeds more"] : []
        let counts = FaultClass.allCases.compactMap { fault in faults[fault.name].flatMap { $0 > 0 ? "\($0) \(fault.name)" : nil } }
        return
            (shown + more + [
                "\(run) seeds, \(failures.count) with a broken rule; \(events) events in \(String(format: "%.1f", virtualHours)) virtual hours",
                "\(String(format: "%.1f", seconds)) s, \(String(format: "%.0f", seedsPerSecond)) seeds/s",
                "\(attempts) attempts, \(readoptions) taken back by a restarted coordinator, \(resumptions) resumed from a checkpoint, "
                    + "\(legacies) results delivered after their worker's death",
                "faults: " + (counts.isEmpty ? "none" : counts.joined(separator: ", ")),
                "trace \(traceHash)",
            ]).joined(separator: "\n")
    }
}
