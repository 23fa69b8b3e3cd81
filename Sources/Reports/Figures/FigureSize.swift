/// What a figure is made for. Lengths are in pixels, 96 to an inch in a browser; the PNG has two a pixel.
package enum FigureSize: String, Sendable, Equatable, CaseIterable, Codable {
    /// A column of a paper, or its whole width for two panels: scaled to 3.35 or 6.9 inches, letters have 7 to 9 points.
    case column
    /// 16:9, to be read from the last row.
    case slide

    /// Width and height of the axes with their labels, about, without notes and title.
    func axes(panels: Int) -> (width: Double, height: Double) {
        switch self {
        case .column: (panels == 1 ? 480 : 860, 330)
        case .slide: (1280, 620)
        }
    }

    /// The height of everything; `nil` for what the axes and the notes need.
    var height: Double? { self == .column ? nil : 720 }

    var font: Double { self == .column ? 12 : 22 }
    var noteFont: Double { self == .column ? 7.5 : 12 }
    var lineWidth: Double { self == .column ? 1.8 : 3 }
    var pointSize: Double { self == .column ? 0.65 : 1.1 }
}
