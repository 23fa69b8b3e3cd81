/// Where a figure's legend has room: in a corner that no curve crosses, or beside the axes.
struct FigureLegend: Equatable {
    enum Place: String, CaseIterable {
        case bottomRight = "right bottom"
        case topLeft = "left top"
        case topRight = "right top"
        case bottomLeft = "left bottom"
    }

    /// The same in all panels; `nil` for beside the axes.
    var corner: Place?
    /// What each panel needs beside its axes, in pixels.
    var width: Double

    private static let scale = 0.82
    /// More lines than this are printed smaller, and never on the axes.
    private static let longest = 10

    init(_ figure: Figure, axis: FigureAxis, size: FigureSize) {
        let labels = figure.panels.map { panel in
            panel.series.filter { !$0.isPublished }.map(\.legend) + (panel.series.contains(where: \.isPublished) ? ["published"] : [])
        }
        let letters = labels.joined().map(\.count).max() ?? 0, lines = labels.map(\.count).max() ?? 0
        let font = size.font * Self.scale * (lines > Self.longest ? 0.7 : 1)
        // A letter is about half as wide as it is high; the sample takes four of them.
        let box = (width: (Double(letters) * 0.54 + 4.5) * font, height: (Double(lines) * 1.32 + 0.8) * font)
        let axes = size.axes(panels: figure.panels.count)
        let share = (
            x: box.width / (axes.width / Double(figure.panels.count) - 5 * size.font), y: box.height / (axes.height - 4.5 * size.font)
        )
        let points = figure.panels.flatMap { Self.points(of: $0, axis: axis, bands: figure.bands) }
        corner = lines > Self.longest ? nil : Place.allCases.first { place in !points.contains { Self.covers(place, share, $0) } }
        width = corner == nil ? box.width + font : 0
        isSmall = lines > Self.longest
    }

    private var isSmall: Bool

    /// - Parameter beside: where its left edge has its middle when it is beside the axes, as gnuplot writes a position. `outside` would
    ///   put the legends of all panels at the right edge of the whole.
    func command(font: Double, beside: String) -> String {
        let place = corner.map { "inside \($0.rawValue)" } ?? "at \(beside) left center maxrows 60"
        let size = FigureAxis.text((font * Self.scale * (isSmall ? 0.7 : 1) * 100).rounded() / 100)
        return "set key \(place) font ',\(size)' samplen 2.2 spacing 1.05 reverse Left noenhanced"
    }

    private static func covers(_ place: Place, _ box: (x: Double, y: Double), _ point: (x: Double, y: Double)) -> Bool {
        let isRight = place == .bottomRight || place == .topRight, isTop = place == .topLeft || place == .topRight
        return (isRight ? point.x > 1 - box.x : point.x < box.x) && (isTop ? point.y > 1 - box.y : point.y < box.y)
    }

    /// Everything that is drawn, in shares of the axes from the lower left corner; between two epochs in ten steps.
    private static func points(of panel: Figure.Panel, axis: FigureAxis, bands: FigureBands) -> [(x: Double, y: Double)] {
        let last = Double(panel.series.flatMap(\.points).map(\.epoch).max() ?? 1)
        var points: [(x: Double, y: Double)] = []
        for series in panel.series {
            for line in [\Figure.Point.mean] + (series.isPublished ? [] : Self.ends(of: bands)) {
                var before: (x: Double, y: Double)?
                for point in series.points {
                    guard let value = point[keyPath: line] else { continue }
                    let place = (x: (Double(point.epoch) - 0.6) / (last - 0.2), y: axis.share(of: value))
                    let start = before ?? place
                    for step in 1...10 {
                        let part = Double(step) / 10
                        points.append((x: start.x + (place.x - start.x) * part, y: start.y + (place.y - start.y) * part))
                    }
                    before = place
                }
            }
        }
        return points
    }

    private static func ends(of bands: FigureBands) -> [KeyPath<Figure.Point, Double?> & Sendable] {
        switch bands {
        case .none: []
        case .minmax: [\.min, \.max]
        case .interval: [\.low, \.high]
        }
    }
}

extension Figure.Point {
    var low: Double? { interval?.lowerBound }
    var high: Double? { interval?.upperBound }
}

extension Figure.Series {
    /// What the legend says of it: marked when cells have no value.
    var legend: String { n < expected ?? 0 ? "\(label) (\(n)/\(expected ?? 0))*" : label }
}
