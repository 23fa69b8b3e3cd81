/// Kernels side by side, each a square of grey pixels, or filters over red, green and blue as small colour pictures.
package struct FilterPicture: Sendable, Equatable {
    package struct Tile: Sendable, Equatable {
        package var row: Int
        package var column: Int
        /// Pixels an edge.
        package var side: Int
        /// `[side, side]`, or `[3, side, side]` for colours; finite.
        package var values: [Float]
        /// Tiles of one scale are compared by their greys: its largest absolute value is black or white.
        package var scale: Int
        /// Below it.
        package var caption: String?

        var isColour: Bool { values.count == 3 * side * side }
    }

    package var name: String
    package var title: String
    package var tiles: [Tile]
    /// Above the columns; empty for none.
    package var columnLabels: [String] = []
    package var notes: [String]

    package var rows: Int { (tiles.map(\.row).max() ?? 0) + 1 }
    package var columns: Int { (tiles.map(\.column).max() ?? 0) + 1 }

    /// A layer's typical kernels.
    package struct Centres: Sendable, Equatable {
        package var layer: String
        /// Its place among the layers that an initialization may replace, from 1.
        package var number: Int
        package var side: Int
        /// Each `[side, side]`.
        package var kernels: [[Float]]
        /// How many kernels each centre stands for.
        package var counts: [Int]

        package init(layer: String, number: Int, side: Int, kernels: [[Float]], counts: [Int]) {
            self.layer = layer
            self.number = number
            self.side = side
            self.kernels = kernels
            self.counts = counts
        }
    }

    static let mostCentres = 12

    /// The centres of each layer below one another, the most common first, with the share of the layer's kernels that each stands for;
    /// of one layer alone, all of them in lines of ten.
    package static func centres(_ layers: [Centres], name: String, title: String, notes: [String]) -> FilterPicture {
        let isOne = layers.count == 1
        var tiles: [Tile] = []
        for (place, layer) in layers.enumerated() {
            let total = max(1, layer.counts.reduce(0, +))
            let order = layer.kernels.indices.sorted { (layer.counts[$1], $0) < (layer.counts[$0], $1) }
            for (rank, index) in order.prefix(isOne ? order.count : mostCentres).enumerated() {
                let percent = 100 * Double(layer.counts[index]) / Double(total)
                tiles.append(
                    Tile(
                        row: isOne ? rank / 10 : rank, column: isOne ? rank % 10 : place, side: layer.side, values: layer.kernels[index],
                        scale: place, caption: FixedPoint.text(percent, digits: percent < 9.95 ? 1 : 0) + "%"))
            }
        }
        let most = layers.map(\.kernels.count).max() ?? 0
        let cut = isOne || most <= mostCentres ? [] : ["The \(mostCentres) most common of \(most) centres a layer."]
        let what = isOne ? "Layer \(layers[0].number), \(layers[0].layer)." : "A column a layer, the first at the left."
        return FilterPicture(
            name: name, title: title, tiles: tiles, columnLabels: isOne ? [] : layers.map { "\($0.number)" },
            notes: notes + [
                "\(what) Below each centre: its share of the layer's kernels. Mid-grey is 0; black and white are minus and plus the layer's "
                    + "largest weight."
            ] + cut)
    }

    static let mostFilters = 64
    static let mostKernels = 16

    /// The filters of one layer, `[outputs, inputs, side, side]`: in colour when they look at red, green and blue; otherwise a row a
    /// filter, a column an input channel.
    package static func filters(
        _ values: [Float], outputs: Int, inputs: Int, side: Int, layer: String, number: Int, name: String, title: String, notes: [String]
    ) -> FilterPicture {
        let area = side * side
        func part(_ output: Int, _ input: Int, channels: Int) -> [Float] {
            let first = (output * inputs + input) * area
            return Array(values[first..<first + channels * area])
        }
        if inputs == 3 || inputs == 1 {
            let shown = min(outputs, mostFilters), columns = shown > 32 ? 16 : 8
            let tiles = (0..<shown).map { output in
                Tile(row: output / columns, column: output % columns, side: side, values: part(output, 0, channels: inputs), scale: output)
            }
            return FilterPicture(
                name: name, title: title, tiles: tiles,
                notes: notes + [
                    "Layer \(number), \(layer): \(shown == outputs ? "all \(shown)" : "the first \(shown) of \(outputs)") filters, "
                        + (inputs == 3 ? "their input channels as red, green and blue. " : "")
                        + "Mid-grey is 0; black and white (none and all of a colour) are minus and plus the filter's largest weight."
                ])
        }
        let (rows, columns) = (min(outputs, mostKernels), min(inputs, mostKernels))
        let tiles = (0..<rows).flatMap { output in
            (0..<columns).map { Tile(row: output, column: $0, side: side, values: part(output, $0, channels: 1), scale: 0) }
        }
        return FilterPicture(
            name: name, title: title, tiles: tiles,
            notes: notes + [
                "Layer \(number), \(layer): a row a filter (\(rows) of \(outputs)), a column an input channel (\(columns) of \(inputs)). "
                    + "Mid-grey is 0; black and white are minus and plus the largest weight shown."
            ])
    }
}
