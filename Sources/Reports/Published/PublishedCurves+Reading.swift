import Foundation

extension PublishedCurves {
    /// The columns of the file, in its order.
    static let columns: [String] =
        ["data", "arm", "varied", "value", "epoch"]
        + PublishedCurve.metrics.dropLast().flatMap { metric in ["mean", "min", "max"].map { "\(metric.rawValue)_\($0)" } }
        + ["learning_rate"]
    /// More lines than this are no file of published curves.
    package static let lineLimit = 100_000

    /// Reads the CSV: no quotation marks, lines that end in LF, all epochs of a curve one after another from 1.
    ///
    /// Hostile until checked: every field of every line has to be what its column says, or the line is named.
    package init(csv: String) throws(PublishedCurvesError) {
        let lines = csv.split(separator: "\n", maxSplits: Self.lineLimit, omittingEmptySubsequences: false)
        guard lines.count <= Self.lineLimit else { throw .tooLong(limit: Self.lineLimit) }
        guard let head = lines.first, head.split(separator: ",", omittingEmptySubsequences: false).map(String.init) == Self.columns else {
            throw .wrongHeader(expected: Self.columns.joined(separator: ","))
        }
        guard lines.last == "" else { throw .wrongLine(lines.count, "the file ends within it: expected a line break") }
        curves = []
        for (index, line) in lines.enumerated().dropFirst().dropLast() { try add(line, number: index + 1) }
    }

    private mutating func add(_ line: Substring, number: Int) throws(PublishedCurvesError) {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count == Self.columns.count else {
            throw .wrongLine(number, "\(fields.count) fields, expected \(Self.columns.count)")
        }
        guard let data = PublishedData(rawValue: String(fields[0])) else { throw .wrongField(number, "data", Self.shown(fields[0])) }
        guard Self.isName(fields[1]) else { throw .wrongField(number, "arm", Self.shown(fields[1])) }
        let varied = PublishedCurve.Varied(rawValue: String(fields[2]))
        guard varied != nil || fields[2].isEmpty else { throw .wrongField(number, "varied", Self.shown(fields[2])) }
        let value = Int(fields[3])
        // A number of clusters, models or layers says how many; nothing else has a value.
        let hasValue = varied != nil && varied != .tinyImageNet
        guard hasValue ? (value ?? 0) > 0 : fields[3].isEmpty else { throw .wrongField(number, "value", Self.shown(fields[3])) }
        var numbers: [Double] = []
        for (column, field) in zip(Self.columns, fields).dropFirst(5) {
            guard let parsed = Double(field), parsed.isFinite, parsed >= 0 else { throw .wrongField(number, column, Self.shown(field)) }
            numbers.append(parsed)
        }
        guard let epoch = Int(fields[4]) else { throw .wrongField(number, "epoch", Self.shown(fields[4])) }
        let curve = PublishedCurve(data: data, arm: String(fields[1]), varied: varied, value: value, epochs: [])
        if epoch == 1 {
            guard self.curve(data, curve.arm, varied, value) == nil else {
                throw .wrongLine(number, "the curve \(curve.name) begins twice")
            }
            curves.append(curve)
        }
        let last = curves.count - 1
        guard last >= 0, curves[last].name == curve.name, curves[last].data == data, curves[last].epochs.count == epoch - 1 else {
            throw .wrongLine(
                number, "epoch \(epoch) of \(curve.name) does not follow the one before: expected epochs from 1, one after another")
        }
        for (place, metric) in PublishedCurve.metrics.dropLast().enumerated() {
            let (mean, low, high) = (numbers[3 * place], numbers[3 * place + 1], numbers[3 * place + 2])
            guard low <= mean, mean <= high else {
                throw .wrongLine(number, "\(metric.rawValue): the mean is not between minimum and maximum")
            }
        }
        curves[last].epochs.append(numbers)
    }

    /// Whether a field is one to 64 of a–z, 0–9 and -.
    private static func isName(_ field: Substring) -> Bool {
        (1...64).contains(field.utf8.count)
            && field.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    /// A field as an error may show it.
    private static func shown(_ field: Substring) -> String { Footnotes.printable(String(field.prefix(40))) }
}

/// What is wrong with a file of published curves. Lines count from 1.
package enum PublishedCurvesError: Error, Equatable, LocalizedError {
    case wrongHeader(expected: String)
    case wrongLine(Int, String)
    case wrongField(Int, String, String)
    case tooLong(limit: Int)

    package var errorDescription: String? {
        switch self {
        case .wrongHeader(let expected): "the published curves begin with other columns; expected \(expected)"
        case .wrongLine(let line, let what): "line \(line) of the published curves: \(what)"
        case .wrongField(let line, let column, let field): "line \(line) of the published curves: the \(column) is \"\(field)\""
        case .tooLong(let limit): "the published curves have more than \(limit) lines"
        }
    }

    package var recoverySuggestion: String? {
        "Take results/published/published_curves.csv as it was published (git checkout results/published), then `python3 "
            + "scripts/reference/published_curves.py`."
    }
}
