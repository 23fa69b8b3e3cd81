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

    /// One value of a table; `nothing` where a statistic does not exist.
    package enum Value: Sendable, Equatable {
        case text(String)
        case count(Int)
        case number(Double)
        case truth(Bool)
        case nothing
    }

    /// The columns a table has: those of its group keys, and all statistics.
    static func columns(of grouping: RowGrouping) -> [TableColumn] {
        allCases.filter {
            switch $0 {
            case .pair: grouping == .armAndPair
            case .replicate: grouping == .armAndReplicate
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
        }
    }
}

extension TableColumn.Value {
    /// What rows are sorted by: numbers before texts; nothing has no place.
    var sortKey: SortKey? {
        switch self {
        case .text(let text): SortKey(number: .infinity, text: text)
        case .count(let count): SortKey(number: Double(count), text: "")
        case .number(let number): SortKey(number: number, text: "")
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
