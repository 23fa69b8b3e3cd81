import Clusters
import Testing

/// Small texts that cost a careless reader time or memory, by what they multiply.
struct YAMLBomb: CustomTestStringConvertible {
    var name: String
    var text: String
    /// What its refusal says.
    var says: String

    var testDescription: String { name }

    static let all = aliases + circles + merges + depths + counts + sizes + documents

    /// Lists of lists of lists: `width` to the power of `depth` values.
    private static let aliases = [2, 3, 5, 9, 100].flatMap { width in
        [2, 9, 30].map { depth in
            let lists = (1...depth).map { level in
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: width).joined(separator: ", ") + "]\n"
            }
            return YAMLBomb(name: "\(width)^\(depth) values", text: "a0: &a0 x\n" + lists.joined(), says: "anchors (&name) and aliases")
        }
    }

    private static let circles = ["a: &a [*a]\n", "a: &a {b: *a}\n", "a: &a [[[*a]], *a]\n"].map {
        YAMLBomb(name: "a value within itself: \($0)", text: $0, says: "anchors (&name) and aliases")
    }

    private static let merges = ["b: {<<: *a}\n", "b: {<<: [*a, *a]}\n", "b: {<<: *a, x: *a}\n"].map {
        YAMLBomb(name: "a merge: \($0)", text: "a: &a {x: 1}\n" + $0, says: "anchors (&name) and aliases")
    }

    private static let depths = [17, 18, 50, 100, 500, 900].flatMap { depth in
        let says = "nested deeper than 16 levels"
        return [
            YAMLBomb(
                name: "\(depth) lists",
                text: "hosts: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "\n",
                says: says),
            YAMLBomb(
                name: "\(depth) mappings",
                text: "hosts: " + String(repeating: "{a: ", count: depth) + "b" + String(repeating: "}", count: depth) + "\n", says: says),
            // A deeper one would be too long first.
            YAMLBomb(
                name: "\(min(depth, 600)) mappings by indentation",
                text: (0..<min(depth, 600)).map { String(repeating: " ", count: $0) + "a:\n" }.joined(), says: says),
        ]
    }

    private static let counts = [
        ("10,001 words", "hosts: [" + String(repeating: "x,", count: 10_001) + "]\n"),
        ("80,000 words", "hosts: [" + String(repeating: "x,", count: 80_000) + "]\n"),
        ("10,001 lists", "hosts: [" + String(repeating: "[],", count: 10_001) + "]\n"),
        ("10,001 lines", "hosts:\n" + String(repeating: "- x\n", count: 10_001)),
        ("10,001 keys", (0..<10_001).map { "k\($0): v\n" }.joined()),
    ].map { YAMLBomb(name: $0, text: $1, says: "more than 10000 values") }

    private static let sizes = [
        ("a word", "hosts: " + String(repeating: "x", count: 300_000) + "\n"),
        ("a text", "hosts: \"" + String(repeating: "\\u0041", count: 60_000) + "\"\n"),
        ("a block", "hosts: |\n" + String(repeating: "  x\n", count: 80_000)),
        ("comments", String(repeating: "# x\n", count: 80_000)),
        ("spaces", String(repeating: " ", count: 300_000)),
    ].map { YAMLBomb(name: "300 KB: \($0)", text: $1, says: "more than the 262144") }

    private static let documents = [2, 10_000].map {
        YAMLBomb(name: "\($0) documents", text: String(repeating: "---\na: b\n", count: $0), says: "a second document begins")
    }
}

@Suite struct YAMLBombTests {
    @Test func `of thousands of mistakes some are named, and the rest is counted`() throws {
        let text = (0..<6000).map { "k\($0): v\n" }.joined()
        let error = try #require(#expect(throws: ClusterFileError.self) { try Clusters.decode(text: text, sourceName: "c") })
        #expect(error.problems.count >= 6000)
        let shown = error.errorDescription ?? ""
        #expect(shown.utf8.count < 10_000 && shown.hasSuffix("c: and \(error.problems.count - 20) problems more"))
    }

    @Test func `there are fifty`() { #expect(YAMLBomb.all.count >= 50) }

    @Test(arguments: YAMLBomb.all) func `a bomb is refused for what it is`(bomb: YAMLBomb) throws {
        let error = #expect(throws: ClusterFileError.self) { try Clusters.decode(text: bomb.text, sourceName: "c") }
        let problem = try #require(error?.problems.first)
        #expect(problem.message.contains(bomb.says) && !problem.remedy.isEmpty, "\(String("\(problem)".prefix(300)))")
        #expect((error?.errorDescription ?? "").utf8.count < 10_000, "a long text is not repeated")
    }
}
