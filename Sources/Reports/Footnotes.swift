import Studies

/// The sentences under a table: where its numbers come from and what they leave out.
enum Footnotes {
    /// How many cells without a value are named one by one.
    static let namedCells = 5

    static func text(info: TableInfo, grid: ResultGrid, grouping: RowGrouping) -> [String] {
        var notes = [
            "protocol: \(info.evaluationProtocol.rawValue) ("
                + (info.evaluationProtocol == .independent
                    ? "every run starts from its initialization" : "one network a replicate goes through the pairs in order")
                + "); profile: \(info.profile.rawValue)"
        ]
        notes += info.deviations
        notes.append(
            "std: divisor n − 1; 95% interval: Student's t, cells taken as independent"
                + (grouping == .armAndPair ? "" : ", although they share pairs and replicates"))
        notes += numericClasses(grid)
        notes += withoutValue(grid)
        return notes
    }

    private static func numericClasses(_ grid: ResultGrid) -> [String] {
        var counts: [String: Int] = [:]
        for cell in grid.all where cell.value != nil { counts[cell.numericClass ?? "not recorded", default: 0] += 1 }
        guard counts.count > 1 else { return [] }
        let list = counts.sorted { $0.key < $1.key }.map { "\(printable($0.key)) (\($0.value))" }.joined(separator: ", ")
        return ["numeric classes are mixed, last digits may depend on the host: \(list)"]
    }

    private static func withoutValue(_ grid: ResultGrid) -> [String] {
        let incomplete = grid.all.filter { $0.value == nil }
        guard !incomplete.isEmpty else { return [] }
        let counts = [
            (incomplete.count { $0.isFailed }, "failed"), (incomplete.count { $0.state == .diverged }, "diverged"),
            (incomplete.count { $0.state == .missing }, "not finished"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        var notes = ["* \(incomplete.count) of \(grid.all.count) cells have no value and are in no mean: \(counts)"]
        for cell in incomplete.prefix(namedCells) {
            let what =
                switch cell.state {
                case .failed(let reason): "failed (\(printable(reason)))"
                case .diverged: "diverged"
                case .missing, .finished: "not finished"
                }
            notes.append("* \(cell.arm) \(Study.name(of: cell.pair)) replicate \(cell.replicate): \(what)")
        }
        if incomplete.count > namedCells { notes.append("* and \(incomplete.count - namedCells) more") }
        return notes
    }

    /// Texts that come from other hosts, with everything but printable ASCII replaced.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(80).map { (32..<127).contains($0.value) ? $0 : "?" }))
    }
}
