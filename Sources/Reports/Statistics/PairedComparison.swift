import Studies

/// What is taken as one independent observation when an arm is compared with the baseline.
package enum ComparisonUnit: String, Sendable, Equatable, Codable, CaseIterable {
    /// A pair of superclasses, averaged over its replicates: does the difference hold on other data?
    case pair
    /// A replicate, averaged over its pairs: does it hold for another sampling, another chain?
    case replicate
    /// Every cell for itself, although cells share pairs and replicates: p is too small when those matter.
    case cell
}

/// How an arm differs from the baseline over the same pairs and replicates.
package struct PairedComparison: Sendable, Equatable {
    package var baseline: String
    package var unit: ComparisonUnit
    /// Units in which both arms have a value.
    package var units: Int
    /// Arm minus baseline, the mean over units.
    package var meanDifference: Double
    /// 95 %, by the bootstrap over units; `nil` for fewer than three units.
    package var interval: ClosedRange<Double>?
    package var test: PermutationTest
    /// Holm's, over the table's comparisons.
    package var adjustedP: Double

    /// `nil` when no cell has a value in both. Both have the cells of the same pairs and replicates in the same order.
    init?(of arm: ArraySlice<GridCell>, with baseline: ArraySlice<GridCell>, named name: String, unit: ComparisonUnit) {
        precondition(arm.count == baseline.count, "rows of one grid have the same places")
        // In the grid's order, which fixes the order of all sums.
        var units: [[Double]] = []
        var places: [Int: Int] = [:]
        for (cell, other) in zip(arm, baseline) {
            guard let value = cell.value, let otherValue = other.value else { continue }
            let key =
                switch unit {
                case .pair: cell.pair
                case .replicate: cell.replicate
                case .cell: units.count
                }
            let place = places[key] ?? units.count
            if place == units.count {
                places[key] = place
                units.append([])
            }
            units[place].append(value - otherValue)
        }
        guard !units.isEmpty else { return nil }
        let differences = units.map { $0.reduce(0, +) / Double($0.count) }
        self.baseline = name
        self.unit = unit
        self.units = differences.count
        meanDifference = differences.reduce(0, +) / Double(differences.count)
        interval = BootstrapInterval.ofMean(differences)
        test = PermutationTest(differences)
        adjustedP = test.pValue
    }

    /// Holm's step-down adjustment, in the order given.
    ///
    /// Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
    package static func holm(_ pValues: [Double]) -> [Double] {
        var adjusted = pValues
        var largest = 0.0
        for (rank, index) in pValues.indices.sorted(by: { (pValues[$0], $0) < (pValues[$1], $1) }).enumerated() {
            largest = max(largest, min(1, pValues[index] * Double(pValues.count - rank)))
            adjusted[index] = largest
        }
        return adjusted
    }
}
