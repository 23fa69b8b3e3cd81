import Testing

import Studies

/// The expected choices were computed by an independent Python program from the documented hash (hashlib).
struct ChoiceTests {
    @Test func `seeds are the documented bits of SHA-256`() {
        #expect(SeedDerivation(root: 1).seed("evaluate/10-14/replicate-2/order") == 510_143_769_994_107)
    }

    @Test func `evaluation pairs are a keyed shuffle's first, sorted`() throws {
        #expect(
            try example().evaluationPairs.map(Study.name(of:)) == [
                "10-11", "11-15", "12-14", "12-16", "12-18", "12-19", "13-14", "14-15", "14-18", "16-17",
            ])
        #expect(
            try example {
                $0.arms = [$0.arms![0]]; $0.pretraining.pairs = 6
            }.pretrainingPairs.map(Study.name(of:)) == [
                "0-4", "0-8", "2-5", "3-8", "4-6", "6-7",
            ])
        #expect(try example().pretrainingPairs.count == 45)
    }

    @Test func `the paper draws source models for each replicate, the published code once`() throws {
        let paper = try example(), code = try example { $0.profile = "published-code" }
        #expect(paper.sourcePairs(count: 4, replicate: 2).map(Study.name(of:)) == ["0-5", "1-2", "1-4", "1-7"])
        #expect(paper.sourcePairs(count: 4, replicate: 1) != paper.sourcePairs(count: 4, replicate: 2))
        for replicate in 1...3 {
            #expect(code.sourcePairs(count: 4, replicate: replicate).map(Study.name(of:)) == ["2-4", "3-4", "4-5", "6-8"])
        }
    }

    @Test func `a smaller choice is part of a larger one`() throws {
        let study = try example()
        for count in 1..<45 {
            let fewer = study.sourcePairs(count: count, replicate: 1)
            let more = study.sourcePairs(count: count + 1, replicate: 1)
            #expect(Set(fewer).isSubset(of: Set(more)))
        }
    }

    @Test func `a keyed order does not depend on the order of its candidates`() {
        let seeds = SeedDerivation(root: 7)
        let forward = seeds.keyedOrder("s", of: Array(0..<20), name: { "\($0)" })
        #expect(forward == seeds.keyedOrder("s", of: Array((0..<20).reversed()), name: { "\($0)" }))
        #expect(forward != Array(0..<20))
        #expect(forward.filter { $0 != 3 } == seeds.keyedOrder("s", of: (0..<20).filter { $0 != 3 }, name: { "\($0)" }))
        #expect(forward != seeds.keyedOrder("t", of: Array(0..<20), name: { "\($0)" }))
    }
}
