import Foundation

/// The vertical axis that all panels of a figure share.
struct FigureAxis: Equatable {
    var low: Double
    var high: Double
    var step: Double
    /// A learning rate falls by powers.
    var isLogarithmic = false

    /// Around all means; bands may widen it. The interval of two or three cells is so wide that it would flatten the curves: it widens
    /// the axis by no more than a quarter on either side.
    init(_ figure: Figure) {
        var means: [Double] = [], ends: [Double] = []
        for series in figure.panels.flatMap(\.series) {
            for point in series.points {
                if let mean = point.mean { means.append(mean) }
                guard !series.isPublished else { continue }
                switch figure.bands {
                case .none: break
                case .minmax: ends += [point.min, point.max].compactMap { $0 }
                case .interval: ends += point.interval.map { [$0.lowerBound, $0.upperBound] } ?? []
                }
            }
        }
        let least = means.min() ?? 0, greatest = means.max() ?? 1
        let room = figure.bands == .minmax ? Double.infinity : (greatest - least) / 4
        let low = max(min(least, ends.min() ?? least), least - room)
        let high = min(max(greatest, ends.max() ?? greatest), greatest + room)
        self.init(from: low, to: high, metric: figure.metric)
    }

    init(from least: Double, to greatest: Double, metric: TableMetric) {
        isLogarithmic = metric == .learningRate && least > 0
        if isLogarithmic {
            (low, high, step) = (least / 1.5, greatest * 1.5, 10)
            return
        }
        // Equal values still need an axis with a length.
        let span = greatest > least ? greatest - least : max(abs(greatest), 1) / 5
        let power = pow(10, floor(log10(span / 6)))
        step = [1, 2, 5, 10].map { $0 * power }.first { span / $0 <= 6 } ?? 10 * power
        low = floor(least / step) * step
        high = ceil(greatest / step) * step
        if high <= low { high = low + step }
        guard metric.unit == "percent" else { return }
        low = max(0, low)
        high = min(100, high)
    }

    /// How far up the axis a value lies, from 0 to 1 on it.
    func share(of value: Double) -> Double {
        guard isLogarithmic, low > 0, value > 0 else { return (value - low) / (high - low) }
        return log(value / low) / log(high / low)
    }

    var range: String { "[\(Self.text(low)):\(Self.text(high))]" }

    static func text(_ value: Double) -> String {
        let text = FixedPoint.text(value, digits: 8)
        return text.contains(".") ? String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed()) : text
    }
}
