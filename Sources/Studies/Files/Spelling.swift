/// Finds what a misspelt word was meant to be.
package enum Spelling {
    /// The fewest insertions, deletions and replacements of one character that turn `a` into `b`.
    ///
    /// Cost: |a|·|b|. Source: Wagner and Fischer, "The string-to-string correction problem", J. ACM 21(1), 1974.
    package static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a), b = Array(b)
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let replaced = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }

    /// The candidate nearest to `word`, when it is near enough to be a slip: at most a third of the word, or two
    /// characters of a short one. The first in alphabetical order wins a tie.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        guard word.count <= 64 else { return nil }
        let plain = word.lowercased().replacing("-", with: "_")
        let ranked = candidates.sorted().map { ($0, distance(plain, $0.lowercased().replacing("-", with: "_"))) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= max(2, word.count / 3), best.1 < best.0.count
        else { return nil }
        return best.0
    }

    /// ` — did you mean "replicates"?`, or nothing.
    package static func suggestion(for word: String, among candidates: [String]) -> String {
        nearest(to: word, among: candidates).map { " — did you mean \"\($0)\"?" } ?? ""
    }
}
