import Studies

extension PredictionTable {
    package static let jsonVersion = 1

    /// The table in a format, ending in a line break. `precision`: decimals of percentages and statistics, 0…15.
    package func rendered(as format: TableFormat, precision: Int? = nil) -> String {
        let digits = precision ?? format.defaultPrecision
        return switch format {
        case .table: terminalText(digits: digits)
        case .csv: csvText(digits: digits)
        case .json: jsonText(digits: digits)
        case .jsonl: rows.map { jsonObject(of: $0, digits: digits) + "\n" }.joined()
        case .markdown: markdownText(digits: digits)
        case .latex: latexText(digits: digits)
        }
    }

    // MARK: For programs

    private func csvText(digits: Int) -> String {
        let header = PredictionColumn.allCases.map(\.rawValue).joined(separator: ",")
        let lines = rows.map { row in
            PredictionColumn.allCases.map { column in
                switch column.value(of: row, in: self) {
                case .text(let text): SummaryTable.csvField(text)
                case let value: Self.machineText(value, digits: digits)
                }
            }.joined(separator: ",")
        }
        return ([header] + lines).joined(separator: "\n") + "\n"
    }

    private func jsonText(digits: Int) -> String {
        func list(_ texts: [String]) -> String { "[" + texts.map(JSONText.string).joined(separator: ",") + "]" }
        let missingLines = missing.map {
            JSONText.object([
                ("pair", JSONText.string(Study.name(of: $0.pair))), ("replicate", "\($0.replicate)"),
                ("reason", JSONText.string($0.reason)),
            ])
        }
        let members: [(String, String)] = [
            ("version", "\(Self.jsonVersion)"), ("kind", JSONText.string("prediction-comparison")),
            ("study", JSONText.string(info.study)), ("study_digest", JSONText.string(info.studyDigest)),
            ("arm_a", JSONText.string(first)), ("arm_b", JSONText.string(second)), ("epoch", "\(info.epochs)"),
            ("deviations", list(info.deviations)), ("rows", Self.lines(rows.map { jsonObject(of: $0, digits: digits) })),
            ("missing", Self.lines(missingLines)), ("footnotes", Self.lines(footnotes.map(JSONText.string))),
        ]
        return "{\n" + members.map { "  \(JSONText.string($0.0)): \($0.1)" }.joined(separator: ",\n") + "\n}\n"
    }

    private static func lines(_ elements: [String]) -> String {
        elements.isEmpty ? "[]" : "[\n" + elements.map { "    " + $0 }.joined(separator: ",\n") + "\n  ]"
    }

    private func jsonObject(of row: PredictionComparison, digits: Int) -> String {
        JSONText.object(PredictionColumn.allCases.map { ($0.rawValue, Self.machineText($0.value(of: row, in: self), digits: digits)) })
    }

    /// Probabilities with all their digits: some are very small.
    private static func machineText(_ value: TableColumn.Value, digits: Int) -> String {
        if case .probability(let p) = value { return "\(p)" }
        return JSONText.value(value, digits: digits)
    }

    // MARK: For readers

    private static let keys = 2
    private static let headers = [
        "pair", "replicate", "n", "A", "B", "A − B", "agreement", "only A", "only B", "McNemar p (Holm)", "Stuart-Maxwell", "df",
        "p (Holm)",
    ]

    private func fields(of row: PredictionComparison, digits: Int) -> [String] {
        func number(_ value: Double) -> String { FixedPoint.text(value, digits: digits) }
        func probability(_ p: Double, _ adjusted: Double) -> String { "\(Self.probability(p)) (\(Self.probability(adjusted)))" }
        let difference = row.firstAccuracy - row.secondAccuracy
        let isTested = row.classes.degreesOfFreedom > 0
        return [
            Study.name(of: row.pair), "\(row.replicate)", "\(row.n)", number(row.firstAccuracy), number(row.secondAccuracy),
            (difference < 0 ? "−" : "+") + number(abs(difference)), number(row.agreement),
            "\(row.correctness.onlyFirst)", "\(row.correctness.onlySecond)",
            probability(row.correctness.pValue, row.adjustedCorrectnessP), isTested ? number(row.classes.statistic) : "—",
            "\(row.classes.degreesOfFreedom)", isTested ? probability(row.classes.pValue, row.adjustedClassesP) : "—",
        ]
    }

    private static func probability(_ p: Double) -> String { p < 0.0001 ? "<0.0001" : FixedPoint.text(p, digits: 4) }

    private func terminalText(digits: Int) -> String {
        let lines = [Self.headers] + rows.map { fields(of: $0, digits: digits) }
        let widths = Self.headers.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        let aligned = lines.map { fields in
            zip(fields, widths).enumerated().map { index, pair in
                let padding = String(repeating: " ", count: pair.1 - pair.0.count)
                return index < Self.keys ? pair.0 + padding : padding + pair.0
            }.joined(separator: "  ")
        }
        let rule = String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        return ([title, "", aligned[0], rule] + aligned.dropFirst() + [""] + footnotes).joined(separator: "\n") + "\n"
    }

    private func markdownText(digits: Int) -> String {
        func line(_ fields: [String]) -> String { "| " + fields.map(SummaryTable.escapedMarkdown).joined(separator: " | ") + " |" }
        let rule = "|" + Self.headers.indices.map { $0 < Self.keys ? " --- |" : " ---: |" }.joined()
        return
            (["**\(SummaryTable.escapedMarkdown(title))**", "", line(Self.headers), rule]
            + rows.map { line(fields(of: $0, digits: digits)) } + [""] + footnotes.map { "- " + SummaryTable.escapedMarkdown($0) })
            .joined(separator: "\n") + "\n"
    }

    private func latexText(digits: Int) -> String {
        func line(_ fields: [String]) -> String { fields.map(SummaryTable.escapedLaTeX).joined(separator: " & ") + " \\\\" }
        let alignment = Self.headers.indices.map { $0 < Self.keys ? "l" : "r" }.joined()
        return
            (["% \(title); needs \\usepackage{booktabs}", "\\begin{tabular}{\(alignment)}", "\\toprule", line(Self.headers), "\\midrule"]
            + rows.map { line(fields(of: $0, digits: digits)) } + ["\\bottomrule", "\\end{tabular}", "\\par\\medskip"]
            + footnotes.map { "{\\footnotesize \(SummaryTable.escapedLaTeX($0))\\par}" }).joined(separator: "\n") + "\n"
    }
}
