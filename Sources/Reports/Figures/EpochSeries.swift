import Studies

/// The mean of a metric over a study's cells, epoch by epoch and arm by arm: each point is a row of the table at that epoch.
package struct EpochSeries: Sendable, Equatable {
    package var metric: TableMetric
    private var points: [String: [Figure.Point]] = [:]
    private var expected: [String: Int] = [:]

    /// Only finished cells have values, as in `SummaryTable`. Cost: a pass over the cells an epoch.
    package init(info: TableInfo, cells: [CellResult], metric: TableMetric = .validationAccuracy) {
        self.metric = metric
        var criticalValues = StudentT.CriticalValues()
        for epoch in 1...max(1, info.epochs) {
            let grid = ResultGrid(info: info, cells: cells, metric: metric, epoch: epoch)
            for arm in info.arms {
                let cells = grid.cells(arm: arm)
                let statistics = Statistics(cells.compactMap(\.value), &criticalValues)
                expected[arm] = cells.count
                points[arm, default: []].append(
                    Figure.Point(
                        epoch: epoch, n: statistics.n, mean: statistics.mean, min: statistics.min, max: statistics.max,
                        interval: statistics.interval))
            }
        }
    }

    /// `nil` when no cell of the arm has a value at any epoch.
    package func series(arm: String, label: String, style: FigureStyle) -> Figure.Series? {
        guard let points = points[arm], points.contains(where: { $0.n > 0 }) else { return nil }
        return Figure.Series(label: label, arm: arm, isPublished: false, style: style, expected: expected[arm], points: points)
    }
}
