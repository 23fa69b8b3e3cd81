import Studies

/// What a row of a summary table stands for; the mean runs over everything else.
package enum RowGrouping: String, Sendable, Equatable, Codable, CaseIterable {
    /// A row an arm: the mean over all pairs and replicates, as published.
    case arm
    /// A row an arm and pair: the mean over replicates.
    case armAndPair = "arm-and-pair"
    /// A row an arm and replicate: the mean over pairs.
    case armAndReplicate = "arm-and-replicate"
}

/// Means of one metric over the cells of a study, a row a group.
///
/// A pure function of the study and its cells: whatever the order of the cells, the bytes of every rendering are the same.
/// No cell is dropped silently: those without a value are counted, marked and named in the footnotes.
package struct SummaryTable: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package var arm: String
        /// `nil` when the row runs over pairs.
        package var pair: [Int]?
        /// `nil` when the row runs over replicates.
        package var replicate: Int?
        package var statistics: Statistics
        /// The cells the study asks for.
        package var expected: Int
        package var failed: Int
        package var diverged: Int
        /// `nil` for the baseline itself, and where no cell has a value in both.
        package var comparison: PairedComparison?
        /// `nil` in a table that is not compared with the published figures, and for an arm they do not have.
        package var published: PublishedValue?

        /// Whether every cell has a value.
        package var isComplete: Bool { statistics.n == expected }
    }

    package var info: TableInfo
    package var metric: TableMetric
    /// The epoch whose metric is summarized, from 1.
    package var epoch: Int
    package var grouping: RowGrouping
    /// The arm that the others are compared with, if any.
    package var baseline: String?
    /// Another arm in its place for some: for those whose network is not the baseline's.
    package var otherBaselines: [String: String]
    /// What the rows are compared with beside each other, if anything.
    package var published: PublishedReference?
    package var rows: [Row]
    /// One sentence each, the same in every format.
    package var footnotes: [String]

    /// Summarizes `metric` at `epoch` (the study's last one by default).
    ///
    /// Only finished cells have a value. A cell of the grid that is not in `cells` is missing; a cell outside the grid is
    /// left out; no cell may be given twice. Rows follow the study's arms, then pair or replicate.
    ///
    /// With a `baseline`, an arm of the study, each other row says how it differs from the baseline's, or from that of its arm's own
    /// in `otherBaselines`. `unit` is what counts as one observation in a row an arm: by default the pair, or the replicate where
    /// pairs are chained or there are none; in other rows it is what they
    /// run over.
    package static func make(
        info: TableInfo, cells: [CellResult], metric: TableMetric = .validationAccuracy, epoch: Int? = nil,
        grouping: RowGrouping = .arm, baseline: String? = nil, otherBaselines: [String: String] = [:],
        unit: ComparisonUnit? = nil
    ) -> SummaryTable {
        let epoch = epoch ?? info.epochs
        let grid = ResultGrid(info: info, cells: cells, metric: metric, epoch: epoch)
        let unit =
            switch grouping {
            case .arm: unit ?? (info.evaluationProtocol == .chained || !info.hasPairs ? .replicate : .pair)
            case .armAndPair: ComparisonUnit.replicate
            case .armAndReplicate: ComparisonUnit.pair
            }
        var rows: [Row] = []
        var criticalValues = StudentT.CriticalValues()
        func append(_ arm: String, _ pair: [Int]? = nil, _ replicate: Int? = nil, cellsOf: (String) -> ArraySlice<GridCell>) {
            let cells = cellsOf(arm)
            let comparison = baseline.map { otherBaselines[arm] ?? $0 }.flatMap { baseline in
                arm == baseline
                    ? nil
                    : PairedComparison(of: cells, with: cellsOf(baseline), named: baseline, unit: unit)
            }
            rows.append(
                Row(
                    arm: arm, pair: pair, replicate: replicate, statistics: Statistics(cells.compactMap(\.value), &criticalValues),
                    expected: cells.count, failed: cells.count { $0.state == .failed }, diverged: cells.count { $0.state == .diverged },
                    comparison: comparison))
        }
        for arm in info.arms {
            switch grouping {
            case .arm: append(arm, cellsOf: grid.cells(arm:))
            case .armAndPair: for pair in info.pairs { append(arm, pair) { grid.cells(arm: $0, pair: pair) } }
            case .armAndReplicate:
                for replicate in 1...max(1, info.replicates) { append(arm, nil, replicate) { grid.cells(arm: $0, replicate: replicate) } }
            }
        }
        adjust(&rows)
        return SummaryTable(
            info: info, metric: metric, epoch: epoch, grouping: grouping, baseline: baseline, otherBaselines: otherBaselines, rows: rows,
            footnotes: Footnotes.text(info: info, grid: grid, grouping: grouping) + Footnotes.comparisons(of: rows, baseline: baseline))
    }

    /// Every comparison of the table is one of a family.
    private static func adjust(_ rows: inout [Row]) {
        let compared = rows.indices.filter { rows[$0].comparison != nil }
        let adjusted = PairedComparison.holm(compared.map { rows[$0].comparison?.test.pValue ?? 1 })
        for (index, value) in zip(compared, adjusted) { rows[index].comparison?.adjustedP = value }
    }

    /// The table with its rows ordered by a column, ties in the order they had; groups without a value come last.
    package func sorted(by column: TableColumn, descending: Bool = false) -> SummaryTable {
        var sorted = self
        sorted.rows = rows.enumerated().sorted { a, b in
            let (x, y) = (column.value(of: a.element, in: self), column.value(of: b.element, in: self))
            switch (x.sortKey, y.sortKey) {
            case (nil, nil): return a.offset < b.offset
            case (nil, _): return false
            case (_, nil): return true
            case (let p?, let q?): return p == q ? a.offset < b.offset : descending ? q < p : p < q
            }
        }.map(\.element)
        return sorted
    }
}
