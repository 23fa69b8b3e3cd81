import Testing

import Studies
import StudyFiles

private func refusal(_ text: String) -> String? {
    do throws(InvalidStudy) {
        _ = try YAMLGate.tree(of: text)
        return nil
    } catch {
        return error.problems[0].text(source: "f").split(separator: "\n").first.map(String.init)
    }
}

struct YAMLGateTests {
    @Test func `limits hold before any value is looked at`() {
        #expect(refusal("a: " + String(repeating: "x", count: 256 * 1024 - 3)) == nil)
        #expect(refusal("a: " + String(repeating: "x", count: 256 * 1024 - 2))?.contains("bytes, more than") == true)
        #expect(refusal(String(repeating: "[", count: 16) + String(repeating: "]", count: 16))?.contains("nested") == nil)
        #expect(refusal(String(repeating: "[", count: 17) + String(repeating: "]", count: 17))?.contains("nested") == true)
    }

    /// Keys are compared with one another, and each unknown one is reported: tens of thousands would take long.
    @Test func `there are only so many values`() {
        func mapping(_ count: Int) -> String { "{" + (1...count).map { "k\($0)" }.joined(separator: ", ") + "}" }
        #expect(refusal(mapping(9_999)) == nil)
        #expect(refusal(mapping(10_000)) == "f:1: more than 10000 values")
        #expect(refusal("a: [" + String(repeating: "{}, ", count: 9_998) + "]") == nil)
        #expect(refusal("a: [" + String(repeating: "{}, ", count: 9_999) + "]") == "f:1: more than 10000 values")
    }

    @Test(arguments: ["[", "{", "- ", "? ", "a: {", "{? ", "[{a: "])
    func `a text of nothing but openings ends in an error, not in a crash`(opening: String) {
        #expect(refusal(String(repeating: opening, count: 250_000 / opening.utf8.count)) != nil)
    }

    @Test func `one document, no duplicate keys`() {
        #expect(refusal("a: 1\n---\nb: 2\n") == "f:2: a second document begins")
        #expect(refusal("a: 1\nb: 2\na: 3\n")?.contains("duplicate key \"a\"") == true)
        #expect(refusal("a: 1\n\"a\": 3\n")?.contains("duplicate key \"a\"") == true)
        #expect(refusal("? [a]\n: 1\n")?.contains("a key must be a word") == true)
        #expect(refusal("") == "f: the file is empty")
        #expect(refusal("# nothing\n") == "f: the file is empty")
        #expect(refusal("a: b: c\n")?.hasPrefix("f:1: not YAML") == true)
        #expect(refusal("a: \u{0}\n")?.contains("not YAML") == true)
    }

    @Test(arguments: [
        "a: &x 1\nb: *x\n", "a: [1, *x]\n", "a: {b: *x}\n", "&x a: 1\n", "- &x\n", "a: \"b\" # it's\n  *x : 1\n", "[\" # \", *x]",
        "\"\n # \" : *x\n", "# c\u{85}a: *x\n", "# c\u{2028}&x a: 1\n", "# c\ra: &x 1\n", "{\"a\":*x}", "? *x\n: 1", "!!str &x a: 1\n",
        "!!seq &x [1]",
    ])
    func `anchors and aliases are refused wherever they hide`(text: String) {
        #expect(refusal(text)?.contains("anchors") == true)
    }

    @Test(arguments: ["a: 1 # see *this* & that\n", "# *all* of it\na: 1\n", "a: b&c*d\n", "a: 2 * 3\n", "a: x #\nb: 1\n"])
    func `an asterisk in a comment or a word is no alias`(text: String) {
        #expect(refusal(text) == nil)
    }

    @Test func `lines are those of the keys and values`() throws {
        let tree = try YAMLGate.tree(of: "a: 1\nb:\n  c: [x,\n    y]\n")
        guard case .list(let elements)? = tree[key: "b"]?[key: "c"]?.content else { Issue.record("\(tree)"); return }
        #expect(elements.map(\.origin) == [.line(3), .line(4)])
    }

    @Test func `nothing is converted but null`() throws {
        let tree = try YAMLGate.tree(of: "a: yes\nb: 010\nc: ~\nd: null\ne: 'null'\nf:\n")
        let values = "abcdef".map { tree[key: String($0)]?.content }
        #expect(values == [.scalar("yes"), .scalar("010"), .scalar(""), .scalar(""), .scalar("null"), .scalar("")])
    }

    @Test func `a file cut anywhere is a study or a typed error`() {
        let bytes = Array(BuiltInStudies.text(named: "demo")!.utf8)
        for end in bytes.indices {
            let text = String(decoding: bytes[..<end], as: UTF8.self)
            do throws(StudyFileError) {
                _ = try StudyFiles.decode(text: text, sourceName: "cut")
            } catch {
                #expect(!error.problems.isEmpty)
            }
        }
    }
}
