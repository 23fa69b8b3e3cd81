import Foundation

extension Figure {
    /// The gnuplot script that draws the figure from its data file, both beside it, as `name.svg`; with `png` set as `name.png`.
    ///
    /// A script of this program's own words: texts of a study are quoted, and no path is in it. Made for gnuplot 5.4 and later.
    package func gnuplotScript(size: FigureSize, showsNotes: Bool = true) -> String {
        FigureScript(figure: self, size: size, showsNotes: showsNotes).text
    }
}

/// A script in the making.
private struct FigureScript {
    let figure: Figure
    let size: FigureSize
    let showsNotes: Bool

    private let legend: FigureLegend
    private let axis: FigureAxis

    init(figure: Figure, size: FigureSize, showsNotes: Bool) {
        self.figure = figure
        self.size = size
        self.showsNotes = showsNotes
        axis = FigureAxis(figure)
        legend = FigureLegend(figure, axis: axis, size: size)
    }

    /// A slide keeps its width, a column grows by a legend beside its axes.
    private var width: Double {
        size.axes(panels: figure.panels.count).width + (size == .slide ? 0 : legend.width * Double(figure.panels.count))
    }
    private var noteLines: [String] {
        guard showsNotes else { return [] }
        // A letter is a little less than half as wide as it is high, on average.
        let letters = Int((width - 2 * size.noteFont) / (size.noteFont * 0.47))
        return figure.notes.flatMap { GnuplotText.wrapped($0, width: letters) }
    }
    private var notesHeight: Double { noteLines.isEmpty ? 0 : Double(noteLines.count) * size.noteFont * 1.35 + size.noteFont }
    private var titleHeight: Double { size == .slide ? size.font * 1.8 : 0 }
    private var height: Double { size.height ?? size.axes(panels: figure.panels.count).height + notesHeight + titleHeight }

    var text: String {
        var lines: [String] = []
        lines += GnuplotSetup.comment(name: figure.name)
        lines += GnuplotSetup.terminals(name: figure.name, width: width, height: height, font: size.font)
        lines += [
            "set datafile separator comma", "set datafile columnheaders", "set border 3 lw 0.8", "set tics nomirror out scale 0.6",
            "set grid ytics lt 1 dt 1 lw 0.6 lc rgb '#dddddd'", "set xlabel 'epoch' offset 0,0.4",
        ]
        lines += notes
        if size == .slide {
            lines.append(GnuplotSetup.title(figure.title, font: size.font, height: height))
        }
        lines.append("set multiplot")
        lines += ["set yrange \(axis.range)", axis.isLogarithmic ? "set logscale y" : "set ytics \(FigureAxis.text(axis.step))"]
        let epochs = figure.panels.flatMap(\.series).flatMap(\.points).map(\.epoch).max() ?? 1
        let step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].first { epochs / $0 <= 10 } ?? 2000
        lines += ["set xrange [0.6:\(epochs).4]", "set xtics \(step == 1 ? "1,1" : "\(step),\(step)")\(step == 1 ? "" : " add (1)")"]
        for (index, panel) in figure.panels.enumerated() { lines += axes(panel, index: index, epochs: epochs) }
        lines += ["unset multiplot", "unset output"]
        return lines.joined(separator: "\n") + "\n"
    }

    private var notes: [String] {
        noteLines.enumerated().map { index, line in
            let y = notesHeight - size.noteFont * (0.9 + 1.35 * Double(index))
            return "set label at screen \(share(size.noteFont / width)), screen \(share(y / height)) \(GnuplotText.quoted(line)) left "
                + "font ',\(text(size.noteFont))' tc rgb '#555555'"
        }
    }

    // MARK: Axes

    private func axes(_ panel: Figure.Panel, index: Int, epochs: Int) -> [String] {
        let count = Double(figure.panels.count), label = size.font * 4.4
        let left = Double(index) * width / count
        let right = Double(index + 1) * width / count - size.font * 0.8 - legend.width
        let top = height - titleHeight - (panel.title == nil ? size.font * 0.7 : size.font * 1.9)
        let bottom = notesHeight + size.font * 3.3
        // What stands once for all panels is drawn with the first.
        var lines = index == 1 ? ["unset label"] : []
        lines += [
            "set lmargin at screen \(share((left + label) / width))", "set rmargin at screen \(share(right / width))",
            "set bmargin at screen \(share(bottom / height))", "set tmargin at screen \(share(top / height))",
            index == 0 ? "set ylabel \(GnuplotText.quoted(Self.label(of: figure.metric))) offset 0.8,0" : "unset ylabel",
            panel.title.map { "set title \(GnuplotText.quoted($0)) offset 0,-0.5" } ?? "unset title",
            legend.command(
                font: size.font,
                beside: "screen \(share((right + size.font * 0.5) / width)), screen \(share((bottom + top) / 2 / height))"),
        ]
        lines.append("plot \\\n" + curves(of: panel, epochs: epochs).map { "    " + $0 }.joined(separator: ", \\\n"))
        return lines
    }

    private func curves(of panel: Figure.Panel, epochs: Int) -> [String] {
        let placed = figure.placed.filter { $0.panel == panel }
        let own = placed.filter { !$0.series.isPublished }
        let published = placed.filter(\.series.isPublished)
        let file = "'\(figure.name).csv'"
        func rows(_ place: Figure.PlacedSeries) -> String { "\(file) every ::\(place.rows.lowerBound)::\(place.rows.upperBound - 1)" }
        var plots: [String] = []
        let columns: String? =
            switch figure.bands {
            case .none: nil
            case .minmax: "2:6:7"
            case .interval: "2:8:9"
            }
        if let columns {
            plots += own.map {
                "\(rows($0)) using \(columns) with filledcurves fs transparent solid 0.13 noborder fc rgb '\($0.series.style.colour)' notitle"
            }
        }
        plots += published.map {
            "\(rows($0)) using 2:5 with lines lw \(text(size.lineWidth * 0.65)) dt (7,4) lc rgb '\($0.series.style.colour)' notitle"
        }
        // Markers on every curve at most about fifteen times.
        let interval = max(1, epochs / 15)
        plots += own.map { place in
            "\(rows(place)) using 2:5 with linespoints lw \(text(size.lineWidth)) lc rgb '\(place.series.style.colour)' "
                + "pt \(place.series.style.marker) ps \(text(size.pointSize)) pi \(interval) title \(GnuplotText.quoted(place.series.legend))"
        }
        if !published.isEmpty {
            plots.append("keyentry with lines lw \(text(size.lineWidth * 0.65)) dt (7,4) lc rgb '#333333' title 'published'")
        }
        return plots
    }

    private static func label(of metric: TableMetric) -> String {
        let words = metric.rawValue.replacing("_", with: " ").replacing("top5", with: "top-5")
        switch metric.unit {
        case "percent": return words + " (%)"
        case "1": return words
        default: return words + " (\(metric.unit))"
        }
    }

    private func share(_ value: Double) -> String { FixedPoint.text(value, digits: 4) }
    private func text(_ value: Double) -> String { FigureAxis.text((value * 100).rounded() / 100) }
}
