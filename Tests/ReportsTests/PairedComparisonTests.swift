import Reports
import Studies
import Testing

/// Reference numbers by scipy: scripts/reference/comparisons.py.
struct PairedComparisonTests {
    private static let five = [1.5, 0.25, -0.5, 2.0, 1.0]
    private static let ten = [4.1, 2.3, -0.7, 5.2, 3.3, 1.1, 0.4, 2.8, -1.9, 3.6]

    private static let skewed = [0.3, 0.5, 0.8, 1.1, 1.7, 2.4, 3.9, 0.6, 1.3]
    private static let exactPValues: [([Double], Double)] = [
        (five, 0.1875), ([1, -1, 2, 2, 0, 3], 0.1875), (ten, 0.0234375), (skewed, 0.00390625), ([3], 1), ([0, 0], 1),
    ]

    @Test(arguments: exactPValues)
    func `every way to flip the signs is counted`(differences: [Double], pValue: Double) {
        let test = PermutationTest(differences)
        #expect(test.pValue == pValue && test.isExact)
        #expect(test.smallestP == 2 / Double(1 << differences.count))
        #expect(PermutationTest(differences.map { -$0 }).pValue == pValue)
    }

    @Test func `many differences are tested by draws, close to the exact p and never zero`() {
        let many: [Double] = (0..<30).map { (index: Int) in
            let value = (7 * index * index + 3 * index) % 23
            return Double(value - 7)
        }
        let test = PermutationTest(many)
        #expect(!test.isExact)
        // Four standard errors of a share of 100,000.
        #expect(abs(test.pValue - Self.exactManyP) < 4 * (Self.exactManyP / 100_000).squareRoot())
        #expect(PermutationTest(Array(repeating: 1, count: 40)).pValue == 1.0 / 100_001)
        #expect(PermutationTest(many) == test)
    }

    @Test(arguments: [21, 64, 65, 130])
    func `draws made side by side count what they count one after another`(count: Int) {
        let differences = (0..<count).map { Double(($0 * 37 + 11) % 23) - 10.3 }
        var numbers = SplitMix64(state: 1)
        let draws = 100_000
        var extreme = 1
        for _ in 0..<draws {
            var (sum, bits) = (0.0, UInt64(0))
            for (index, difference) in differences.enumerated() {
                if index % 64 == 0 { bits = numbers.next() }
                sum += bits & 1 == 0 ? difference : -difference
                bits >>= 1
            }
            if abs(sum) >= abs(differences.reduce(0, +)) - 1e-9 * differences.reduce(0, { $0 + abs($1) }) { extreme += 1 }
        }
        #expect(PermutationTest(differences).pValue == Double(extreme) / Double(draws + 1))
    }

    private static let exactManyP = 0.0403897762298584

    private static let intervals: [([Double], Double, Double)] = [(five, 0.01, 1.6), (ten, 0.582, 3.232), (skewed, 0.8667, 2.38)]

    @Test(arguments: intervals)
    func `a mean's interval is that of the accelerated bootstrap`(values: [Double], low: Double, high: Double) throws {
        let interval = try #require(BootstrapInterval.ofMean(values))
        // 10,000 resamples put an end within some percent of the width.
        let reach = 0.05 * (high - low)
        #expect(abs(interval.lowerBound - low) < reach && abs(interval.upperBound - high) < reach, "\(interval)")
    }

    @Test func `too few values have no interval, equal ones a point`() {
        #expect(BootstrapInterval.ofMean([1, 2]) == nil)
        #expect(BootstrapInterval.ofMean([2, 2, 2]) == 2...2)
    }

    @Test func `quantiles of the normal distribution`() {
        for (probability, z) in [(0.025, -1.9599639845400545), (0.5, 0), (0.9, 1.2815515655446004), (1e-6, -4.753424308822899)] {
            #expect(abs(NormalDistribution.quantile(probability) - z) < 1e-9)
        }
    }

    /// R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
    @Test func `Holm's adjustment`() {
        let adjusted = PairedComparison.holm([0.01, 0.04, 0.03, 0.005])
        for (value, expected) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(value - expected) < 1e-12) }
        #expect(PairedComparison.holm([0.5, 0.9]) == [1, 1])
        #expect(PairedComparison.holm([]) == [])
    }

    // MARK: In a table

    /// The arm is better by 1 and 3 on the first pair, by 5 on the second, whose other replicate has no value.
    private let cells = [
        cell("random", [10, 14], 1, 60), cell("random", [10, 14], 2, 50), cell("random", [11, 12], 1, 70), cell("random", [11, 12], 2, 40),
        cell("k_3", [10, 14], 1, 61), cell("k_3", [10, 14], 2, 53), cell("k_3", [11, 12], 1, 75), cell("k_3", [11, 12], 2, nil, .missing),
    ]

    @Test func `differences are over the same pairs and replicates, averaged a pair`() throws {
        let table = SummaryTable.make(info: info, cells: cells, baseline: "random")
        let comparison = try #require(table.rows[1].comparison)
        #expect(comparison.unit == .pair && comparison.units == 2)
        #expect(comparison.meanDifference == 3.5)
        #expect(comparison.interval == nil && comparison.test.pValue == 0.5)
        #expect(table.rows[0].comparison == nil && table.rows[2].comparison == nil)
        #expect(table.footnotes.contains { $0.contains("cannot give a p below 0.5000") })
    }

    /// Ten pairs give 2/1024 at the least, 26 comparisons of them 0.0508.
    @Test func `a family too large for its units is said to be so, and few units to be few`() {
        let arms = (1...26).map { "k_\($0)" }, pairs = (0..<10).map { [$0, $0 + 10] }
        func notes(_ arms: [String]) -> [String] {
            var large = info
            (large.arms, large.pairs, large.replicates) = (["random"] + arms, pairs, 1)
            let cells = large.arms.enumerated().flatMap { index, arm in pairs.map { cell(arm, $0, 1, Double(50 + index * $0[1])) } }
            return SummaryTable.make(info: large, cells: cells, baseline: "random").footnotes
        }
        #expect(notes(arms).contains { $0.hasPrefix("no adjusted p can be below 0.0508 with 10 units and 26 comparisons") })
        #expect(!notes(Array(arms.dropLast())).contains { $0.hasPrefix("no adjusted p") || $0.contains("cannot give a p below") })
        #expect(notes(arms).contains { $0.hasPrefix("a bootstrap interval over so few units is too narrow") })
    }

    @Test func `the unit is the replicate where pairs are chained, and what was asked for`() throws {
        var chained = info
        chained.evaluationProtocol = .chained
        let table = SummaryTable.make(info: chained, cells: cells, baseline: "random")
        let comparison = try #require(table.rows[1].comparison)
        #expect(comparison.unit == .replicate && comparison.units == 2 && comparison.meanDifference == 3)
        let byCell = SummaryTable.make(info: info, cells: cells, baseline: "random", unit: .cell)
        #expect(byCell.rows[1].comparison?.units == 3 && byCell.rows[1].comparison?.meanDifference == 3)
    }

    @Test func `each pair and each replicate is compared for itself`() {
        let pairs = SummaryTable.make(info: info, cells: cells, grouping: .armAndPair, baseline: "random")
        #expect(pairs.rows.map { $0.comparison?.meanDifference } == [nil, nil, 2, 5, nil, nil])
        let replicates = SummaryTable.make(info: info, cells: cells, grouping: .armAndReplicate, baseline: "random")
        #expect(replicates.rows.map { $0.comparison?.meanDifference } == [nil, nil, 3, 3, nil, nil])
        #expect(replicates.rows[2].comparison?.unit == .pair)
    }

    @Test func `the columns of a comparison`() {
        let table = SummaryTable.make(info: info, cells: cells, baseline: "random")
        let lines = table.rendered(as: .csv).split(separator: "\n")
        #expect(
            lines[0].hasSuffix(
                "complete,baseline,mean_diff,diff_ci_low,diff_ci_high,p_value,p_adjusted,test,test_unit,n_units,protocol,profile,deviations"
            ))
        #expect(lines[1].contains("true,,,,,,,,,,independent,"))
        #expect(lines[2].contains("false,random,3.500000,,,0.500000,0.500000,exact sign-flip permutation,pair,2,independent,"))
        let text = table.rendered(as: .table)
        #expect(text.contains("− random  95% interval  p (Holm)") && text.contains("+3.50"))
        #expect(
            SummaryTable.make(info: info, cells: cells).rendered(as: .csv).split(separator: "\n")[0].hasSuffix(
                "complete,protocol,profile,deviations"))
    }
}

/// Arms on two networks in one table.
@Suite struct NetworkComparisonTests {
    private let mixed: TableInfo = {
        var mixed = info
        mixed.arms = ["random", "k_3", "random-custom", "aligned"]
        mixed.otherNetworks = ["random-custom": "custom-resnet18", "aligned": "custom-resnet18"]
        return mixed
    }()

    private var cells: [CellResult] {
        let values: [(String, Double)] = [("random", 60), ("k_3", 64), ("random-custom", 50), ("aligned", 51)]
        return values.flatMap { arm, value in
            mixed.pairs.flatMap { pair in (1...2).map { cell(arm, pair, $0, value + Double($0)) } }
        }
    }

    @Test func `an arm is compared with the baseline of its own network`() throws {
        let table = SummaryTable.make(
            info: mixed, cells: cells, baseline: "random", otherBaselines: ["random-custom": "random-custom", "aligned": "random-custom"])
        #expect(table.rows.map { $0.comparison?.baseline } == [nil, "random", nil, "random-custom"])
        #expect(table.rows.map { $0.comparison?.meanDifference } == [nil, 4, nil, 1])
        let text = table.rendered(as: .table)
        #expect(text.contains("− baseline  95% interval  p (Holm)"))
        #expect(text.contains("difference: arm minus random (aligned minus random-custom, which is on their network) over the same pairs"))
        #expect(
            text.contains(
                "network: custom-resnet18 in random-custom, aligned, not resnet18 as in the others; compare arms on one network"))
        #expect(!text.contains("n/a"))
    }

    @Test func `a baseline that was asked for is that of every arm`() {
        let table = SummaryTable.make(info: mixed, cells: cells, baseline: "k_3")
        #expect(table.rows.map { $0.comparison?.meanDifference } == [-4, nil, -14, -13])
        #expect(table.rendered(as: .table).contains("− k_3"))
    }
}
