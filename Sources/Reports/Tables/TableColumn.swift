import Studies

/// The columns of the machine-readable formats, in their order.
///
/// The order and the names are frozen; new columns are added at the end.
package enum TableColumn: String, Sendable, Equatable, CaseIterable {
    case arm, pair, replicate, metric, epoch, n
    case expected = "n_expected"
    case failed = "n_failed"
    case mean, std, sem
    case intervalLow = "ci_low"
    case intervalHigh = "ci_high"
    case median, min, max
    case diverged = "n_diverged"
    /// Whether n = n_expected: the mark of an incomplete row.
    case complete
    /// From here on only in a table with a baseline.
    case baseline
    case meanDifference = "mean_diff"
    case differenceLow = "diff_ci_low"
    case differenceHigh = "diff_ci_high"
    case pValue = "p_value"
    case adjustedP = "p_adjusted"
    case test
    case unit = "test_unit"
    case units = "n_units"
    /// From here on only in a table that is compared with the published figures.
    case published
    case publishedMin = "published_min"
    case publishedMax = "published_max"
    /// Mean minus published mean.
    case publishedDifference = "published_diff"
    /// The names of the published curves, apart by semicolons.
    case publishedCurves = "published_curves"
    case evaluationProtocol = "protocol"
    case profile
    case publishedProtocol = "published_protocol"
    case publishedProfile = "published_profile"
    /// Where the study is not what was published, apart by semicolons.
    case publishedCaveats = "published_caveats"
    /// Where the study departs from what its profile published, apart by semicolons.
    case deviations

    /// One value of a table; `nothing` where a statistic does not exist.
    package enum Value: Sendable, Equatable {
        case text(String)
        case count(Int)
        case number(Double)
        /// Not rounded to the digits of the metric.
        case probability(Double)
        case truth(Bool)
        case nothing
    }

    /// The columns a table has: those of its group keys, all statistics, those of comparisons if it has a baseline,
    /// and the published numbers if it is compared with them.
    package static func columns(of table: SummaryTable) -> [TableColumn] {
        allCases.filter {
            switch $0 {
            case .pair: table.grouping == .armAndPair
            case .replicate: table.grouping == .armAndReplicate
            case .baseline, .meanDifference, .differenceLow, .differenceHigh, .pValue, .adjustedP, .test, .unit, .units:
                table.baseline != nil
            case .published, .publishedMin, .publishedMax, .publishedDifference, .publishedCurves, .publishedProtocol, .publishedProfile,
                .publishedCaveats:
                table.published != nil
            default: true
            }
        }
    }

    package func value(of row: SummaryTable.Row, in table: SummaryTable) -> Value {
        func number(_ value: Double?) -> Value { value.map(Value.number) ?? .nothing }
        switch self {
        case .arm: return .text(row.arm)
        case .pair: return row.pair.map { .text(Study.name(of: $0)) } ?? .nothing
        case .replicate: return row.replicate.map(Value.count) ?? .nothing
        case .metric: return .text(table.metric.rawValue)
        case .epoch: return .count(table.epoch)
        case .n: return .count(row.statistics.n)
        case .expected: return .count(row.expected)
        case .failed: return .count(row.failed)
        case .mean: return number(row.statistics.mean)
        case .std: return number(row.statistics.std)
        case .sem: return number(row.statistics.sem)
        case .intervalLow: return number(row.statistics.interval?.lowerBound)
        case .intervalHigh: return number(row.statistics.interval?.upperBound)
        case .median: return number(row.statistics.median)
        case .min: return number(row.statistics.min)
        case .max: return number(row.statistics.max)
        case .diverged: return .count(row.diverged)
        case .complete: return .truth(row.isComplete)
        case .baseline: return row.comparison.map { .text($0.baseline) } ?? .nothing
        case .meanDifference: return number(row.comparison?.meanDifference)
        case .differenceLow: return number(row.comparison?.interval?.lowerBound)
        case .differenceHigh: return number(row.comparison?.interval?.upperBound)
        case .pValue: return row.comparison.map { .probability($0.test.pValue) } ?? .nothing
        case .adjustedP: return row.comparison.map { .probability($0.adjustedP) } ?? .nothing
        case .test: return row.comparison.map { .text($0.test.name) } ?? .nothing
        case .unit: return row.comparison.map { .text($0.unit.rawValue) } ?? .nothing
        case .units: return row.comparison.map { .count($0.units) } ?? .nothing
        case .published: return number(row.published?.point?.mean)
        case .publishedMin: return number(row.published?.point?.min)
        case .publishedMax: return number(row.published?.point?.max)
        case .publishedDifference: return number(row.publishedDifference)
        case .publishedCurves: return row.published.map { .text($0.curves.map(\.name).joined(separator: "; ")) } ?? .nothing
        case .evaluationProtocol: return .text(table.info.evaluationProtocol.rawValue)
        case .profile: return .text(table.info.profile.rawValue)
        case .deviations: return .text(table.info.deviations.joined(separator: "; "))
        case .publishedProtocol: return row.published.map { _ in .text(PublishedCurves.evaluationProtocol.rawValue) } ?? .nothing
        case .publishedProfile: return row.published.map { _ in .text(PublishedCurves.profile.rawValue) } ?? .nothing
        case .publishedCaveats: return row.published.map { _ in .text(table.published?.caveats.joined(separator: "; ") ?? "") } ?? .nothing
        }
    }
}

extension TableColumn.Value {
    /// What rows are sorted by: numbers before texts; nothing has no place.
    var sortKey: SortKey? {
        switch self {
        case .text(let text): SortKey(number: .infinity, text: text)
        case .count(let count): SortKey(number: Double(count), text: "")
        case .number(let number), .probability(let number): SortKey(number: number, text: "")
        case .truth(let truth): SortKey(number: truth ? 1 : 0, text: "")
        case .nothing: nil
        }
    }

    struct SortKey: Comparable {
        var number: Double
        var text: String

        static func < (a: SortKey, b: SortKey) -> Bool { (a.number, a.text) < (b.number, b.text) }
    }
}
