import Simulation
import Synchronization
import Testing

@Suite struct ClusterTests {
    /// The rules are only as good as what the seeds come upon.
    @Test(arguments: 0..<4)
    func `when faults stop everything is settled, no rule was broken on the way, and every fault came up`(part: Int) {
        var summary = SimulationSummary()
        for seed in UInt64(part) * 100..<UInt64(part + 1) * 100 { summary.add(SimulatedCluster.run(seed: seed)) }
        for failure in summary.failures { Issue.record("seed \(failure.seed): \(failure.violations)") }
        for fault in FaultClass.allCases { #expect(summary.faults[fault.rawValue] > 0, "no \(fault.name)") }
        #expect(summary.readoptions > 50, "restarted coordinators took \(summary.readoptions) running attempts back")
        #expect(summary.resumptions > 50, "trainings went on from a checkpoint \(summary.resumptions) times")
        #expect(summary.legacies > 10, "\(summary.legacies) results were delivered after their worker's death")
    }

    @Test func `the same seed gives the same trace, another seed another`() {
        let hashes = [7, 7, 8].map { SimulatedCluster.run(seed: $0).traceHash }
        #expect(hashes[0] == hashes[1])
        #expect(hashes[0] != hashes[2])
    }

    @Test func `a transcript changes nothing and ends with the end`() {
        let silent = SimulatedCluster.run(seed: 5)
        let transcript = Mutex<[String]>([])
        let told = SimulatedCluster.run(seed: 5, SimulationSettings(tell: { line in transcript.withLock { $0.append(line) } }))
        #expect(silent.traceHash == told.traceHash)
        #expect(transcript.withLock { $0.count } > 100)
        #expect(transcript.withLock { $0.last }?.hasSuffix("everything is settled") == true)
    }

    /// The table that faulty runs are compared with comes from the jobs' own nature; this is what says that it is a run's.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func `one worker without faults makes the table that is expected, each job at the first attempt`(seed: UInt64) {
        let report = SimulatedCluster.run(seed: seed, SimulationSettings(workers: 1, jobs: 24, hasFaults: false))
        #expect(report.violations == [])
        #expect(report.attempts == 24)
        #expect(report.faults.allSatisfy { $0 == 0 })
    }

    @Test func `a summary is the same in whatever order its seeds were run`() {
        let reports = (1...6).map { SimulatedCluster.run(seed: $0, SimulationSettings(mutant: .reusesAttemptNumbers)) }
        var (forwards, inParts, late) = (SimulationSummary(), SimulationSummary(), SimulationSummary())
        for report in reports { forwards.add(report) }
        for report in reports.reversed() { if report.seed > 3 { late.add(report) } else { inParts.add(report) } }
        inParts.add(late)
        #expect(forwards.traceHash == inParts.traceHash)
        #expect(forwards.virtualHours == inParts.virtualHours)
        #expect(forwards.events == inParts.events)
        #expect(forwards.failures.map(\.seed) == inParts.failures.map(\.seed))
        #expect(!forwards.failures.isEmpty)
    }
}
