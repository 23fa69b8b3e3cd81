import Foundation

/// How a curve looks: colours that colour-blind readers tell apart, markers and lightness for print in grey.
package struct FigureStyle: Sendable, Equatable {
    /// `#rrggbb`.
    package var colour: String
    /// A point type of gnuplot.
    package var marker: Int

    package init(colour: String, marker: Int) {
        self.colour = colour
        self.marker = marker
    }

    /// Filled circle, square, triangle, diamond, triangle downwards, pentagon.
    private static let markers = [7, 5, 9, 13, 11, 15]

    // Of the methods: what others are compared with has crosses or hollow markers, and each has a lightness of its own.
    package static let baseline = FigureStyle(colour: "#000000", marker: 2)
    package static let pretrained = FigureStyle(colour: "#999999", marker: 10)
    package static let gabor = FigureStyle(colour: "#e69f00", marker: 8)
    package static let euclidean = FigureStyle(colour: "#009e73", marker: 5)
    package static let fourier = FigureStyle(colour: "#0072b2", marker: 7)

    /// Colours without an order. Source: M. Okabe and K. Ito, "Color Universal Design" (2008), <https://jfly.uni-koeln.de/color/>,
    /// without its yellow, which is too light for a line on white.
    package static let categories: [FigureStyle] = [
        baseline, FigureStyle(colour: "#0072b2", marker: 7), FigureStyle(colour: "#e69f00", marker: 9),
        FigureStyle(colour: "#009e73", marker: 5), FigureStyle(colour: "#cc79a7", marker: 13), FigureStyle(colour: "#d55e00", marker: 11),
        FigureStyle(colour: "#56b4e9", marker: 15),
    ]

    /// One of `count` values that have an order, the first the darkest: evenly spaced on viridis, without its ends.
    ///
    /// Source: S. van der Walt and N. Smith, matplotlib's `viridis`, <https://bids.github.io/colormap/>, here through eleven of its colours.
    package static func ordered(_ index: Int, of count: Int) -> FigureStyle {
        let place = count < 2 ? 0.4 : first + (last - first) * Double(index) / Double(count - 1)
        let below = min(Int(place * 10), viridis.count - 2)
        let part = place * 10 - Double(below)
        let channels = zip(viridis[below], viridis[below + 1]).map { Int((Double($0) + part * Double($1 - $0)).rounded()) }
        return FigureStyle(colour: "#" + channels.map { String(format: "%02x", $0) }.joined(), marker: markers[index % markers.count])
    }

    private static let (first, last) = (0.08, 0.86)

    private static let viridis = [
        [0x44, 0x01, 0x54], [0x48, 0x24, 0x75], [0x41, 0x44, 0x87], [0x35, 0x5f, 0x8d], [0x2a, 0x78, 0x8e], [0x21, 0x91, 0x8c],
        [0x22, 0xa8, 0x84], [0x44, 0xbf, 0x70], [0x7a, 0xd1, 0x51], [0xbd, 0xdf, 0x26], [0xfd, 0xe7, 0x25],
    ]
}
