import Foundation
import Reports
import Studies
import Testing

/// Reference numbers by statsmodels and scipy: scripts/reference/predictions.py.
struct PredictionTests {
    private func expectClose(_ actual: Double, _ expected: Double, relative: Double = 1e-12, _ what: String = "") {
        #expect(abs(actual - expected) <= relative * abs(expected), "\(what) \(actual), expected \(expected)")
    }

    private static let survivals: [(Double, Int, Double)] = [
        (0.5, 1, 0.47950012218695337), (3.841458820694124, 1, 0.04999999999999989), (1e-9, 1, 0.999974768674784),
        (700, 1, 2.990226975124623e-154), (2, 2, 0.36787944117144245), (18.3, 4, 0.0010781309978765564),
        (11.96, 3, 0.00752144723274339), (30, 9, 0.00043872177097947936), (8.5, 9, 0.4846458858263931),
        (0.01, 9, 0.9999999999991591), (1400.5, 9, 6.028423077887772e-296), (1450, 8, 8.732964727221839e-308),
        (1450, 99, 9.01611233481899e-239), (0, 3, 1),
    ]

    @Test(arguments: survivals) func `the tail of chi-square keeps its digits`(x: Double, df: Int, expected: Double) {
        expectClose(ChiSquare.survival(x, degreesOfFreedom: df), expected, relative: 2e-12, "\(x) \(df)")
    }

    /// Unaided vision of 7477 women: A. Stuart (1955) has 11.96 with three degrees of freedom.
    private static let vision = [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]]
    private static let ten: [[Int]] = (0..<10).map { i in
        (0..<10).map { j in (i == j ? 40 : 0) + (7 * i * i + 3 * i * j + 5 * j) % 11 }
    }

    @Test func `marginal homogeneity as statsmodels has it`() {
        for (table, statistic, df, p) in [
            (Self.vision, 11.956569622982544, 3, 0.007533425054800591), ([[20, 5], [15, 60]], 4.999999999999999, 1, 0.02534731867746831),
            (Self.ten, 8.419689054488588, 9, 0.4924662522954124),
        ] {
            let test = StuartMaxwellTest(table)
            expectClose(test.statistic, statistic)
            #expect(test.degreesOfFreedom == df)
            expectClose(test.pValue, p)
        }
    }

    /// By hand: d = (2, 2, −4), S of the first two classes [[6, −2], [−2, 6]], its inverse [[6, 2], [2, 6]]/32, so that
    /// dᵀS⁻¹d = (24 + 8 + 8 + 24)/32 = 2.
    @Test func `three classes by hand`() {
        let test = StuartMaxwellTest([[5, 1, 3], [1, 4, 3], [1, 1, 6]])
        expectClose(test.statistic, 2)
        #expect(test.degreesOfFreedom == 2)
        expectClose(test.pValue, exp(-1))
    }

    @Test func `two classes are McNemar's own chi-square`() {
        // (b − c)²/(b + c)
        expectClose(StuartMaxwellTest([[9, 12], [3, 7]]).statistic, 81.0 / 15)
    }

    @Test func `classes that nobody predicts, or both for the same images, add nothing`() {
        let wide = [[5, 1, 0, 3, 0], [1, 4, 0, 3, 0], [0, 0, 0, 0, 0], [1, 1, 0, 6, 0], [0, 0, 0, 0, 17]]
        #expect(StuartMaxwellTest(wide) == StuartMaxwellTest([[5, 1, 3], [1, 4, 3], [1, 1, 6]]))
    }

    @Test func `groups that are never taken for each other are tested one by one`() {
        // Their classes lie between each other, in no order.
        let table = [[30, 0, 9, 0, 2], [0, 10, 0, 4, 0], [3, 0, 25, 0, 6], [0, 1, 0, 20, 0], [1, 0, 8, 0, 40]]
        let test = StuartMaxwellTest(table)
        expectClose(test.statistic, 5.4178861788617905)
        #expect(test.degreesOfFreedom == 3)
        expectClose(test.pValue, 0.14363326076275948)
    }

    @Test func `equal predictions leave nothing to test`() {
        let test = StuartMaxwellTest([[3, 0], [0, 4]])
        #expect(test.statistic == 0 && test.degreesOfFreedom == 0 && test.pValue == 1)
    }

    @Test func `which arm comes first changes no p, nor does the order of the classes`() {
        let transposed = Self.vision.indices.map { i in Self.vision.map { $0[i] } }
        expectClose(StuartMaxwellTest(transposed).statistic, StuartMaxwellTest(Self.vision).statistic)
        let order = [2, 0, 3, 1]
        expectClose(
            StuartMaxwellTest(order.map { i in order.map { Self.vision[i][$0] } }).statistic, StuartMaxwellTest(Self.vision).statistic)
    }

    private static let mcnemar: [(Int, Int, Double)] = [
        (0, 0, 1), (5, 5, 1), (0, 6, 0.03125), (3, 12, 0.03515625), (40, 25, 0.08168153394154003),
        (130, 180, 0.005301755406832022), (1000, 1200, 2.1817026407914194e-05), (10, 3000, 0),
    ]

    @Test(arguments: mcnemar) func `McNemar's exact test as statsmodels has it`(first: Int, second: Int, expected: Double) {
        expectClose(McNemarTest(onlyFirst: first, onlySecond: second).pValue, expected)
        expectClose(McNemarTest(onlyFirst: second, onlySecond: first).pValue, expected)
    }

    // MARK: The table

    /// Labels 0 0 1 1 2 2; A is right on the first four, B on the first, the fourth and the fifth.
    private func comparison(_ pair: [Int], _ replicate: Int, second: [UInt8] = [0, 1, 0, 1, 2, 1]) -> PredictionComparison {
        PredictionComparison(
            pair: pair, replicate: replicate, first: [0, 0, 1, 1, 1, 0], second: second, labels: [0, 0, 1, 1, 2, 2], classCount: 3)
    }

    @Test func `counts of one cell`() {
        let row = comparison([10, 14], 1)
        #expect(row.n == 6 && row.correctness.onlyFirst == 2 && row.correctness.onlySecond == 1)
        expectClose(row.firstAccuracy, 400.0 / 6)
        expectClose(row.secondAccuracy, 50)
        expectClose(row.agreement, 200.0 / 6)
        #expect(row.correctness.pValue == 1)
        // A gives 0 three times and 1 three times; B gives 0 twice, 1 three times, 2 once.
        #expect(row.classes.degreesOfFreedom == 2)
    }

    @Test func `p values are adjusted over the cells, each test by itself, and missing cells are named`() {
        let info = TableInfo(
            study: "example", studyDigest: "00ff", profile: .paper, evaluationProtocol: .independent, deviations: ["scale: tiny"],
            arms: ["a", "b"], pairs: [[10, 14], [11, 12]], replicates: 2, epochs: 2)
        let same: [UInt8] = [0, 0, 1, 1, 1, 0]
        let table = PredictionTable(
            info: info, first: "a", second: "b",
            rows: [comparison([10, 14], 1), comparison([10, 14], 2, second: same), comparison([11, 12], 1)],
            missing: [.init(pair: [11, 12], replicate: 2, reason: "b diverged")])
        #expect(table.rows[0].adjustedClassesP == min(1, 3 * table.rows[0].classes.pValue))
        #expect(table.rows[1].adjustedClassesP == 1)
        for format in TableFormat.allCases { #expect(table.rendered(as: format).hasSuffix("\n")) }
        let text = table.rendered(as: .table)
        #expect(text.contains("1 of 4 cells have no predictions in both arms") && text.contains("11-12 replicate 2: b diverged"))
        #expect(text.contains("100.00") && text.contains("—"), "equal predictions have no test: \(text)")
        let csv = table.rendered(as: .csv).split(separator: "\n")
        #expect(csv.count == 4)
        #expect(csv[0].split(separator: ",").count == csv[1].split(separator: ",").count)
        #expect(csv[2].hasPrefix("a,b,10-14,2,2,6,66.666667,66.666667,0.000000,100.000000,0,0,1.0,"))
        let object = try? JSONSerialization.jsonObject(with: Data(table.rendered(as: .json).utf8)) as? [String: Any]
        #expect((object?["rows"] as? [Any])?.count == 3 && (object?["missing"] as? [Any])?.count == 1 && object?["version"] as? Int == 1)
        let empty = PredictionTable(info: info, first: "a", second: "b", rows: [], missing: table.missing)
        #expect((try? JSONSerialization.jsonObject(with: Data(empty.rendered(as: .json).utf8))) != nil)
        #expect(table.rendered(as: .latex).contains("\\toprule") && table.rendered(as: .markdown).contains("| pair |"))
    }
}
