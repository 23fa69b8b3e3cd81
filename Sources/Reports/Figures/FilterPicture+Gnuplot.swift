import Foundation

extension FilterPicture {
    /// Tiles and the gaps between them, in tiles.
    private static let gap = 0.12
    private static let captionHeight = 0.3

    private var tileHeight: Double { 1 + Self.gap + (tiles.contains { $0.caption != nil } ? Self.captionHeight : 0) }

    /// Lower left corner of a tile, in tiles, y downwards.
    private func corner(_ tile: Tile) -> (x: Double, y: Double) { (Double(tile.column) * (1 + Self.gap), Double(tile.row) * tileHeight) }

    /// The colours of all pixels: one row a pixel, with its weight (its three, where a pixel is a colour).
    package var csv: String {
        var largest: [Int: Float] = [:]
        for tile in tiles { largest[tile.scale] = max(largest[tile.scale] ?? 0, tile.values.map(abs).max() ?? 0) }
        var text = "x,y,x_low,x_high,y_low,y_high,rgb,row,column,weight,weight_green,weight_blue\n"
        for tile in tiles {
            let (x, y) = corner(tile)
            let pixel = 1 / Double(tile.side), area = tile.side * tile.side
            for place in 0..<area {
                let left = x + Double(place % tile.side) * pixel, top = y + Double(place / tile.side) * pixel
                let weights = tile.isColour ? (0..<3).map { tile.values[$0 * area + place] } : [tile.values[place]]
                let levels = weights.map { Self.level($0, largest: largest[tile.scale] ?? 0) }
                let rgb = levels.count == 3 ? levels[0] << 16 | levels[1] << 8 | levels[2] : levels[0] * 0x010101
                let numbers = [left + pixel / 2, top + pixel / 2, left, left + pixel, top, top + pixel].map {
                    FixedPoint.text($0, digits: 4)
                }
                let given = weights.map { "\($0)" } + (levels.count == 3 ? [] : ["", ""])
                text += (numbers + ["\(rgb)", "\(tile.row + 1)", "\(tile.column + 1)"] + given).joined(separator: ",") + "\n"
            }
        }
        return text
    }

    /// 0…255; a weight of 0 is between 127 and 128.
    static func level(_ weight: Float, largest: Float) -> Int {
        guard largest > 0 else { return 128 }
        return Int((127.5 + 127.5 * Double(weight / largest)).rounded())
    }

    /// As `Figure.gnuplotScript`.
    package func gnuplotScript(size: FigureSize, showsNotes: Bool = true) -> String {
        let wide = Double(columns) * (1 + Self.gap), high = Double(rows) * tileHeight
        // The paper's whole width at most; few tiles need not be large.
        let tile = min(size == .slide ? 120 : 60, (size == .slide ? 1200 : 820) / wide, (size == .slide ? 560 : 700) / high)
        let font = max(6.5, min(size.font * 0.75, tile * 0.26))
        let width = max(wide * tile + 2 * size.font, size == .slide ? 1280 : 300)
        let letters = Int((width - 2 * size.font) / (size.noteFont * 0.47))
        let lines = showsNotes ? notes.flatMap { GnuplotText.wrapped($0, width: letters) } : []
        let bottom = Double(lines.count) * size.noteFont * 1.35 + size.font
        let top = (columnLabels.isEmpty ? 0.6 : 1.7) * size.font + (size == .slide ? size.font * 1.6 : 0)
        let height = max(bottom + high * tile + top, size == .slide ? 720 : 0)
        let left = (width - wide * tile) / 2 + tile * Self.gap / 2
        func share(_ value: Double) -> String { FixedPoint.text(value, digits: 4) }
        func text(_ value: Double) -> String { FigureAxis.text((value * 100).rounded() / 100) }
        var script = GnuplotSetup.comment(name: name)
        script += GnuplotSetup.terminals(name: name, width: width, height: height, font: size.font)
        script += [
            "set datafile separator comma", "set datafile columnheaders", "unset border", "unset tics", "unset key",
            "set lmargin at screen \(share(left / width))", "set rmargin at screen \(share((left + wide * tile) / width))",
            "set tmargin at screen \(share((height - top) / height))",
            "set bmargin at screen \(share((height - top - high * tile) / height))",
            "set xrange [0:\(share(wide))]", "set yrange [\(share(high)):0]",
        ]
        if size == .slide {
            script.append(GnuplotSetup.title(title, font: size.font, height: height))
        }
        for (column, label) in columnLabels.enumerated() {
            let x = Double(column) * (1 + Self.gap) + 0.5
            script.append("set label at \(share(x)), \(share(-0.22)) \(GnuplotText.quoted(label)) center font ',\(text(size.font * 0.8))'")
        }
        // A white pixel at an edge must not be taken for the page.
        script.append("set style rectangle front fs empty border lc rgb '#555555' lw 0.8")
        for tile in tiles {
            let (x, y) = corner(tile)
            script.append("set object rectangle from \(share(x)),\(share(y)) to \(share(x + 1)),\(share(y + 1))")
            guard let caption = tile.caption else { continue }
            let place = "\(share(x + 0.5)), \(share(y + 1.17))"
            script.append("set label at \(place) \(GnuplotText.quoted(caption)) center font ',\(text(font))' tc rgb '#333333'")
        }
        for (index, line) in lines.enumerated() {
            let y = bottom - size.font * 0.2 - size.noteFont * (0.9 + 1.35 * Double(index))
            script.append(
                "set label at screen \(share(size.noteFont / width)), screen \(share(y / height)) \(GnuplotText.quoted(line)) left "
                    + "font ',\(text(size.noteFont))' tc rgb '#555555'")
        }
        script += [
            "set style fill solid 1 noborder",
            // A little over the next pixel, or the page would shine through between them.
            "plot '\(name).csv' using 1:2:3:($4+0.006):5:($6+0.006):7 with boxxyerror lc rgb variable", "unset output",
        ]
        return script.joined(separator: "\n") + "\n"
    }
}
