import Testing

import Reports

/// Reference numbers: numpy 2.4.6 and scipy 1.17.1 (`std(ddof=1)`, `stats.sem`, `median`, `stats.t.interval`, `stats.t.ppf`).
struct StatisticsTests {
    private func near(_ a: Double?, _ b: Double, within tolerance: Double = 1e-12) -> Bool {
        a.map { abs($0 - b) <= tolerance * max(1, abs(b)) } ?? false
    }

    @Test func `mean, spread, interval and median agree with numpy and scipy`() {
        let statistics = Statistics([60.2, 57.1, 63.9, 61.4, 59.8, 66.3])
        #expect(statistics.n == 6)
        #expect(near(statistics.mean, 61.45000000000001))
        #expect(near(statistics.std, 3.247614509143595))
        #expect(near(statistics.sem, 1.3258330714435103))
        #expect(near(statistics.median, 60.8))
        #expect(near(statistics.interval?.lowerBound, 58.041837589461416))
        #expect(near(statistics.interval?.upperBound, 64.8581624105386))
        #expect(statistics.min == 57.1)
        #expect(statistics.max == 66.3)
    }

    @Test func `a sum done by hand`() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 32, divisor 7.
        let statistics = Statistics([2, 4, 4, 4, 5, 5, 7, 9])
        #expect(statistics.mean == 5)
        #expect(statistics.median == 4.5)
        #expect(statistics.std == (32.0 / 7).squareRoot())
    }

    @Test func `no value has no mean, one value has no spread`() {
        let none = Statistics([]), one = Statistics([61])
        #expect(none.n == 0 && none.mean == nil && none.median == nil && none.min == nil)
        #expect(one.mean == 61 && one.median == 61 && one.min == 61 && one.max == 61)
        #expect(one.std == nil && one.sem == nil && one.interval == nil)
    }

    @Test(arguments: [
        (1, 12.706204736174694), (2, 4.302652729749462), (3, 3.1824463052837078), (4, 2.7764451051977934), (5, 2.5705818356363146),
        (9, 2.262157162798205), (10, 2.228138851986274), (49, 2.0095752371292392), (50, 2.008559112100761), (999, 1.9623414611334493),
    ])
    func `the critical value of Student's t agrees with scipy`(degreesOfFreedom: Int, expected: Double) {
        #expect(near(StudentT.criticalValue(confidence: 0.95, degreesOfFreedom: degreesOfFreedom), expected, within: 1e-10))
    }

    @Test(arguments: [
        (1.5, 1, 0.6256659163780023), (1.5, 2, 0.7276068751089988), (2.2, 7, 0.9362689846973633), (0.3, 12, 0.23068952591174785),
    ])
    func `the central probability of Student's t agrees with scipy`(t: Double, degreesOfFreedom: Int, expected: Double) {
        #expect(near(StudentT.centralProbability(t, degreesOfFreedom: degreesOfFreedom), expected))
    }

    @Test func `decimals are rounded once and zero has no sign`() {
        #expect(FixedPoint.text(2.5, digits: 0) == "2")
        #expect(FixedPoint.text(0.125, digits: 2) == "0.12")
        #expect(FixedPoint.text(-0.001, digits: 2) == "0.00")
        #expect(FixedPoint.text(-0.01, digits: 2) == "-0.01")
        #expect(FixedPoint.text(61.45000000000001, digits: 20) == "61.450000000000010")
    }
}
