import Foundation
import Testing

import Reports

struct FilterPictureTests {
    private static let layer = FilterPicture.Centres(
        layer: "conv1.weight", number: 1, side: 2, kernels: [[-1, 0, 0.5, 1], [0.25, 0.25, 0.25, 0.25], [0, 0, 0, 0]], counts: [1, 3, 0])

    @Test func `centres come by their share, with the layer's largest weight white or black`() {
        let second = FilterPicture.Centres(
            layer: "layer1.0.conv1.weight", number: 2, side: 3, kernels: [[Float](repeating: -2, count: 9)], counts: [7])
        let picture = FilterPicture.centres([Self.layer, second], name: "p", title: "t", notes: ["n."])
        #expect(picture.tiles.map(\.caption) == ["75%", "25%", "0.0%", "100%"])
        #expect(picture.tiles.map(\.row) == [0, 1, 2, 0] && picture.tiles.map(\.column) == [0, 0, 0, 1])
        #expect(picture.columnLabels == ["1", "2"] && picture.rows == 3 && picture.columns == 2)
        let rows = picture.csv.split(separator: "\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(rows.count == 4 * 3 + 9)
        // 127.5 + 127.5 w / max: −1 is 0, 0 is 128, 0.5 is 191, 1 is 255, 0.25 is 159; each level thrice.
        #expect(rows[4..<8].map { $0[6] } == ["0", "\(128 * 0x010101)", "\(191 * 0x010101)", "\(255 * 0x010101)"])
        #expect(rows[0][6] == "\(159 * 0x010101)" && rows[12][6] == "0")
        #expect(rows[0][2..<6] == ["0.0000", "0.5000", "0.0000", "0.5000"])
    }

    @Test func `filters over colours are colour pictures, others a row of kernels`() {
        let colours = FilterPicture.filters(
            [1, 0, -1, 0.5, 0.5, 0.5], outputs: 2, inputs: 3, side: 1, layer: "conv1.weight", number: 1, name: "p", title: "t", notes: [])
        let rows = colours.csv.split(separator: "\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(rows.map { $0[6] } == ["\(255 << 16 | 128 << 8)", "\(0xFFFFFF)"])
        #expect(rows[0][9...] == ["1.0", "0.0", "-1.0"])
        let kernels = FilterPicture.filters(
            (0..<20 * 18).map(Float.init), outputs: 20, inputs: 18, side: 1, layer: "x", number: 3, name: "p", title: "t", notes: [])
        #expect(kernels.rows == 16 && kernels.columns == 16 && kernels.tiles[17].values == [19])
        #expect(kernels.notes[0].contains("(16 of 20)") && kernels.notes[0].contains("(16 of 18)"))
    }

    @Test func `no weights are no division by zero`() {
        let picture = FilterPicture.centres(
            [FilterPicture.Centres(layer: "x", number: 1, side: 1, kernels: [[0]], counts: [0])], name: "p", title: "t", notes: [])
        #expect(picture.csv.contains("\(128 * 0x010101)") && picture.tiles[0].caption == "0.0%")
    }

    @Test(.enabled(if: FigureDrawingTests.hasGnuplot), arguments: FigureSize.allCases) func `gnuplot draws it`(size: FigureSize) throws {
        let picture = FilterPicture.centres([Self.layer], name: "p", title: "t", notes: ["`touch x`"])
        let drawn = try FigureDrawingTests.draw(name: "p", script: picture.gnuplotScript(size: size), csv: picture.csv)
        #expect(drawn.svg.contains("<text>75%</text>") && drawn.svg.contains("`touch x`") && drawn.files.count == 4)
    }
}
