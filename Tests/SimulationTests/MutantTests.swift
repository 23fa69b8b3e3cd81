import Simulation
import Testing

/// Every bug that is planted is found: a mutant that lives is a hole in the rules.
@Suite struct MutantTests {
    @Test(arguments: Mutant.allCases)
    func `a planted bug is found`(mutant: Mutant) {
        let seeds = 1...(Self.rare[mutant] ?? 60)
        let found = seeds.contains { !SimulatedCluster.run(seed: $0, SimulationSettings(mutant: mutant)).violations.isEmpty }
        #expect(found, "\(mutant.rawValue) lives through the seeds \(seeds)")
    }

    /// Bugs that need more than the usual seeds to meet what brings them out.
    static let rare: [Mutant: UInt64] = [
        .dropsResultsOfFailedJobs: 1500, .forgetsEndedAttempts: 1000, .ignoresLifetimes: 1000, .readoptsEndedAttempts: 500,
        .takesOlderAttempts: 1500,
    ]
}
