extension Figure {
    /// A curve with its place in the data file.
    struct PlacedSeries {
        var panel: Panel
        var series: Series
        /// From 1; the column `series`.
        var number: Int
        /// Of its rows, from 0 without the header.
        var rows: Range<Int>
    }

    /// All curves in the order of the data file: panel by panel, in each the published ones first, so that they are drawn below.
    var placed: [PlacedSeries] {
        var placed: [PlacedSeries] = []
        var row = 0
        for panel in panels {
            for series in panel.series.filter(\.isPublished) + panel.series.filter({ !$0.isPublished }) {
                placed.append(PlacedSeries(panel: panel, series: series, number: placed.count + 1, rows: row..<row + series.points.count))
                row += series.points.count
            }
        }
        return placed
    }

    /// Every number of the figure: one row an epoch of a curve, RFC 4180 with lines that end in LF.
    ///
    /// Texts come last, so that whatever stands in one moves no number.
    package var csv: String {
        var text = "series,epoch,n,n_expected,mean,min,max,ci_low,ci_high,source,panel,label,arm,protocol,profile,deviations\n"
        func number(_ value: Double?) -> String { value.map { FixedPoint.text($0, digits: 6) } ?? "" }
        let own = [origin.evaluationProtocol.rawValue, origin.profile.rawValue, "\(origin.deviations.count)"]
        let published = [PublishedCurves.evaluationProtocol.rawValue, PublishedCurves.profile.rawValue, ""]
        for place in placed {
            let series = place.series
            let source = series.isPublished ? "published" : "measured"
            let words =
                [source, place.panel.title ?? "", series.label, series.arm ?? ""].map(Self.field) + (series.isPublished ? published : own)
            for point in series.points {
                let n = series.isPublished ? "" : "\(point.n)"
                let counts = ["\(place.number)", "\(point.epoch)", n, series.expected.map(String.init) ?? ""]
                let numbers = [point.mean, point.min, point.max, point.low, point.high].map(number)
                text += (counts + numbers + words).joined(separator: ",") + "\n"
            }
        }
        return text
    }

    /// A text as a CSV field on one line; in quotation marks when it needs them.
    static func field(_ text: String) -> String {
        let line = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
        let isPlain = line.utf8.allSatisfy { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\"") }
        return isPlain ? line : "\"" + line.replacing("\"", with: "\"\"") + "\""
    }
}
