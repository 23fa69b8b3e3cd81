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
        notes += networks(info)
        notes.append(
            "std: divisor n − 1; 95% interval: Student's t, cells taken as independent"
                + (grouping == .armAndPair || !info.hasPairs ? "" : ", although they share pairs and replicates"))
        notes += numericClasses(grid)
        notes += withoutValue(grid)
        return notes
    }

    /// What the columns of differences are, and what they cannot say.
    static func comparisons(of rows: [SummaryTable.Row], baseline: String?) -> [String] {
        let comparisons = rows.compactMap(\.comparison)
        guard let first = comparisons.first else { return [] }
        let family = comparisons.count == 1 ? "one comparison" : "\(comparisons.count) comparisons"
        let unit =
            switch first.unit {
            case .pair: "replicates averaged a pair"
            case .replicate: "pairs averaged a replicate"
            case .cell: "each cell taken as independent, although they share pairs and replicates"
            }
        let counts = Set(comparisons.map(\.units)).sorted()
        func units(_ count: Int) -> String { count == 1 ? "1 unit" : "\(count) units" }
        let range = counts.count == 1 ? units(counts[0]) : "\(counts[0]) to \(units(counts[counts.count - 1]))"
        var notes = [
            "difference: arm minus \(baseline ?? first.baseline)\(otherBaselines(of: rows, than: baseline)) over the same pairs and "
                + "replicates, \(unit) (\(range)); its 95% interval: BCa "
                + "bootstrap over units, \(BootstrapInterval.resamples) resamples; p: \(first.test.name), two-sided, Holm-adjusted over \(family)"
        ]
        let smallest = comparisons.map(\.test.smallestP)
        if let most = smallest.max(), most > 0.05 {
            notes.append(
                "\(units(counts[0])) cannot give a p below \(FixedPoint.text(most, digits: 4)): whatever the difference, the test cannot "
                    + "call it significant at 0.05")
        } else if let adjusted = smallest.min().map({ min(1, $0 * Double(comparisons.count)) }), adjusted > 0.05 {
            notes.append(
                "no adjusted p can be below \(FixedPoint.text(adjusted, digits: 4)) with \(range) and \(family): whatever the difference, the "
                    + "test cannot call it significant at 0.05; more units or fewer arms can")
        }
        if comparisons.contains(where: { $0.interval != nil && $0.units < BootstrapInterval.trustedCount }) {
            notes.append("a bootstrap interval over so few units is too narrow: it covers the mean difference less often than 95%")
        }
        return notes
    }

    /// What else than the table's baseline arms are compared with.
    private static func otherBaselines(of rows: [SummaryTable.Row], than baseline: String?) -> String {
        var arms: [(baseline: String, arms: [String])] = []
        for row in rows {
            guard let own = row.comparison?.baseline, own != baseline else { continue }
            if let index = arms.firstIndex(where: { $0.baseline == own }) {
                if !arms[index].arms.contains(row.arm) { arms[index].arms.append(row.arm) }
            } else {
                arms.append((own, [row.arm]))
            }
        }
        return arms.map { " (\($0.arms.joined(separator: ", ")) minus \($0.baseline), which is on their network)" }.joined()
    }

    /// A difference between arms on two networks is one of networks too.
    private static func networks(_ info: TableInfo) -> [String] {
        Set(info.otherNetworks.values).sorted().map { network in
            let arms = info.arms.filter { info.otherNetworks[$0] == network }.joined(separator: ", ")
            return "network: \(network) in \(arms), not \(info.network) as in the others; compare arms on one network"
        }
    }

    private static func numericClasses(_ grid: ResultGrid) -> [String] {
        guard grid.numericClasses.count > 1 else { return [] }
        let list = grid.numericClasses.sorted { $0.key < $1.key }.map { "\(printable($0.key)) (\($0.value))" }.joined(separator: ", ")
        return ["numeric classes are mixed, last digits may depend on the host: \(list)"]
    }

    private static func withoutValue(_ grid: ResultGrid) -> [String] {
        let incomplete = grid.all.filter { $0.value == nil }
        guard !incomplete.isEmpty else { return [] }
        let counts = [
            (incomplete.count { $0.state == .failed }, "failed"), (incomplete.count { $0.state == .diverged }, "diverged"),
            (incomplete.count { $0.state == .missing }, "not finished"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        var notes = ["* \(incomplete.count) of \(grid.all.count) cells have no value and are in no mean: \(counts)"]
        for cell in incomplete.prefix(namedCells) {
            let what =
                switch cell.state {
                case .failed: "failed (\(printable(grid.failureReason(of: cell))))"
                case .diverged: "diverged"
                case .missing, .finished: "not finished"
                }
            notes.append("* \(grid.arms[cell.arm]) \(Study.name(of: grid.pairs[cell.pair])) replicate \(cell.replicate): \(what)")
        }
        if incomplete.count > namedCells { notes.append("* and \(incomplete.count - namedCells) more") }
        return notes
    }

    /// Texts that come from other hosts, with everything but printable ASCII replaced.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(80).map { (32..<127).contains($0.value) ? $0 : "?" }))
    }
}
