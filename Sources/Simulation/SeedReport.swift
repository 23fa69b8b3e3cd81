import Studies

/// What became of one seed.
package struct SeedReport: Sendable {
    package var seed: UInt64
    /// The rules that were broken, as sentences; a run ends with the first event that breaks one.
    package var violations: [String]
    package var events: Int
    package var virtualSeconds: Double
    /// By `FaultClass.rawValue`.
    package var faults: [Int]
    /// Two runs of one seed with the same settings have the same.
    package var traceHash: UInt64
    package var attempts: Int
    /// Running attempts that a restarted coordinator took back.
    package var readoptions: Int
    /// Trainings that went on from a checkpoint.
    package var resumptions: Int
    /// Results that settled their job though the worker that had computed them was dead.
    package var legacies: Int
}

/// Many seeds together. Adding is the same in any order, so that it does not matter which thread ran what.
package struct SimulationSummary: Sendable {
    package private(set) var seeds = 0
    package private(set) var events = 0
    private var virtualMilliseconds = 0
    package private(set) var faults = [Int](repeating: 0, count: FaultClass.allCases.count)
    package private(set) var attempts = 0
    package private(set) var readoptions = 0
    package private(set) var resumptions = 0
    package private(set) var legacies = 0
    package private(set) var traceHash: UInt64 = 0
    /// The seeds that broke a rule, ascending, with what they broke.
    package private(set) var failures: [(seed: UInt64, violations: [String])] = []

    package init() {}

    package var virtualHours: Double { Double(virtualMilliseconds) / 3_600_000 }

    package mutating func add(_ report: SeedReport) {
        seeds += 1
        events += report.events

        virtualMilliseconds += Int((report.virtualSeconds * 1000).rounded())
        for (index, count) in report.faults.enumerated() { faults[index] += count }
        attempts += report.attempts
        readoptions += report.readoptions
        resumptions += report.resumptions
        legacies += report.legacies
        traceHash &+= SplitMix64.mix(report.traceHash ^ SplitMix64.mix(report.seed))
        if !report.violations.isEmpty { insert((report.seed, report.violations)) }
    }

    package mutating func add(_ other: SimulationSummary) {
        seeds += other.seeds
        events += other.events
        virtualMilliseconds += other.virtualMilliseconds
        for (index, count) in other.faults.enumerated() { faults[index] += count }
        attempts += other.attempts
        readoptions += other.readoptions
        resumptions += other.resumptions
        legacies += other.legacies
        traceHash &+= other.traceHash
        for failure in other.failures { insert(failure) }
    }

    private mutating func insert(_ failure: (seed: UInt64, violations: [String])) {
        let position = failures.firstIndex { $0.seed > failure.seed } ?? failures.count
        failures.insert(failure, at: position)
    }
}
