import Testing

import Studies

struct SpellingTests {
    @Test(arguments: [("", "", 0), ("kitten", "sitting", 3), ("abc", "", 3), ("flaw", "lawn", 2), ("same", "same", 0)])
    func `the distance counts insertions, deletions and replacements`(a: String, b: String, expected: Int) {
        #expect(Spelling.distance(a, b) == expected)
        #expect(Spelling.distance(b, a) == expected)
    }

    @Test func `a slip finds its word, another word finds none`() {
        let keys = ["pairs", "replicates", "epochs"]
        #expect(Spelling.nearest(to: "replicats", among: keys) == "replicates")
        #expect(Spelling.nearest(to: "Epoch", among: keys) == "epochs")
        #expect(Spelling.nearest(to: "banana", among: keys) == nil)
        #expect(Spelling.nearest(to: "learning-rate", among: ["learning_rate"]) == "learning_rate")
        #expect(Spelling.nearest(to: String(repeating: "x", count: 100_000), among: keys) == nil)
    }
}
