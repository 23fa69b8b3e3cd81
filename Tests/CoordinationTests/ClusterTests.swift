import Testing

@Suite struct ClusterTests {
    /// Each seed has its own lost, repeated, late and reordered messages, partitions, stalls, crashes and restarts.
    @Test(arguments: 0..<8)
    func `when faults stop everything is settled, and no rule was broken on the way`(part: Int) {
        var crashes = 0
        var deaths = 0
        var resumptions = 0
        var readoptions = 0
        var legacies = 0
        for seed in UInt64(part) * 50..<UInt64(part + 1) * 50 {
            var cluster = ClusterSimulation(seed: seed)
            cluster.run()
            #expect(cluster.faults == [], "seed \(seed)")
            crashes += cluster.coordinatorCrashes
            deaths += cluster.workerDeaths
            resumptions += cluster.resumptions
            readoptions += cluster.readoptions
            legacies += cluster.legacies
        }
        #expect(crashes > 50, "coordinators crashed \(crashes) times")
        #expect(deaths > 50, "workers died \(deaths) times")
        #expect(legacies > 5, "\(legacies) results were delivered after their worker's death")
        #expect(readoptions > 50, "restarted coordinators took \(readoptions) running attempts back")
        #expect(resumptions > 20, "trainings went on from a checkpoint \(resumptions) times")
    }

    @Test func `the same seed gives the same trace, another seed another`() {
        let hashes = [7, 7, 8].map { (seed: UInt64) in
            var cluster = ClusterSimulation(seed: seed)
            cluster.run()
            return cluster.traceHash
        }
        #expect(hashes[0] == hashes[1])
        #expect(hashes[0] != hashes[2])
    }
}
