import Studies

/// What the band around a mean shows.
package enum FigureBands: String, Sendable, Equatable, CaseIterable, Codable {
    /// From the least to the greatest cell.
    case minmax
    /// The 95 % interval of the mean, as in tables.
    case interval
    case none
}

/// A metric over the epochs of a study's arms, ready to be drawn: every number of it, no file, no program.
///
/// A pure function of the study and its cells, whatever their order.
package struct Figure: Sendable, Equatable {
    /// The mean over the cells that have a value at one epoch, and how they spread.
    package struct Point: Sendable, Equatable {
        package var epoch: Int
        /// Cells with a value.
        package var n: Int
        /// `nil` for no cells.
        package var mean: Double?
        package var min: Double?
        package var max: Double?
        /// `nil` for fewer than two cells, and for published points.
        package var interval: ClosedRange<Double>?
    }

    package struct Series: Sendable, Equatable {
        package var label: String
        /// The study's arm; for a published curve the one it stands beside, if that is there.
        package var arm: String?
        package var isPublished: Bool
        package var style: FigureStyle
        /// The cells that the study asks for at each epoch; `nil` for a published curve.
        package var expected: Int?
        package var points: [Point]

        /// Cells with a value at the last epoch.
        package var n: Int { points.last?.n ?? 0 }
    }

    package struct Panel: Sendable, Equatable {
        package var title: String?
        package var series: [Series]
    }

    package var name: String
    package var title: String
    package var metric: TableMetric
    package var bands: FigureBands
    package var panels: [Panel]
    /// Under the figure, one sentence each: where its numbers come from and what they leave out.
    package var notes: [String]
    /// Names of the study's arms that are drawn.
    package var arms: [String]
    /// The study that they belong to.
    package var origin: TableInfo

    package var hasPublished: Bool { panels.contains { $0.series.contains(where: \.isPublished) } }

    /// A figure, or why there is none.
    package enum Outcome: Sendable, Equatable {
        case figure(Figure)
        case skipped(reason: String)
    }
}
