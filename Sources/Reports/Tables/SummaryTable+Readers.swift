import Studies

// The terminal table, Markdown and LaTeX: the columns a reader wants, and the footnotes.

extension SummaryTable {
    /// `demo: validation_accuracy at epoch 5 (percent)`; a plain number has no unit to name.
    package var title: String {
        "\(info.study): \(metric.rawValue) at epoch \(epoch)" + (metric.unit == "1" ? "" : " (\(metric.unit))")
    }

    func terminalText(digits: Int) -> String {
        let headers = readerHeaders
        let lines = rows.map { readerFields(of: $0, digits: digits) }
        let keys = keyHeaders.count
        let widths = headers.indices.map { column in ([headers] + lines).map { $0[column].count }.max() ?? 0 }
        let aligned = ([headers] + lines).map { fields in
            var text = zip(fields, widths).enumerated().map { index, pair in
                let padding = String(repeating: " ", count: pair.1 - pair.0.count)
                return index < keys ? pair.0 + padding : padding + pair.0
            }.joined(separator: "  ")
            while text.hasSuffix(" ") { text.removeLast() }
            return text
        }
        let rule = String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        return ([title, "", aligned[0], rule] + aligned.dropFirst() + [""] + footnotes).joined(separator: "\n") + "\n"
    }

    func markdownText(digits: Int) -> String {
        let headers = readerHeaders
        let keys = keyHeaders.count
        func line(_ fields: [String]) -> String {
            "| " + fields.map { SummaryTable.escapedMarkdown($0) }.joined(separator: " | ") + " |"
        }
        let rule = "|" + headers.indices.map { $0 < keys ? " --- |" : " ---: |" }.joined()
        let body = rows.map { line(readerFields(of: $0, digits: digits)) }
        let notes = footnotes.map { "- " + SummaryTable.escapedMarkdown($0) }
        return (["**\(SummaryTable.escapedMarkdown(title))**", "", line(headers), rule] + body + [""] + notes)
            .joined(separator: "\n") + "\n"
    }

    func latexText(digits: Int) -> String {
        let headers = readerHeaders
        let keys = keyHeaders.count
        let alignment = String(repeating: "l", count: keys) + String(repeating: "r", count: headers.count - keys)
        func line(_ fields: [String]) -> String {
            fields.map(SummaryTable.escapedLaTeX).joined(separator: " & ") + " \\\\"
        }
        let notes = footnotes.map { "{\\footnotesize \(SummaryTable.escapedLaTeX($0))\\par}" }
        return
            ([
                "% \(title); needs \\usepackage{booktabs}", "\\begin{tabular}{\(alignment)}", "\\toprule", line(headers), "\\midrule",
            ] + rows.map { line(readerFields(of: $0, digits: digits)) } + ["\\bottomrule", "\\end{tabular}"]
            + ["\\par\\medskip"] + notes).joined(separator: "\n") + "\n"
    }

    private var keyHeaders: [String] {
        switch grouping {
        case .arm: ["arm"]
        case .armAndPair: ["arm", "pair"]
        case .armAndReplicate: ["arm", "replicate"]
        }
    }

    private var readerHeaders: [String] {
        keyHeaders + (published == nil ? ["mean ± std", "95% interval", "median", "min", "max", "n"] : publishedHeaders)
            + (baseline.map { [otherBaselines.isEmpty ? "− \($0)" : "− baseline", "95% interval", "p (Holm)"] } ?? [])
    }

    /// A row's fields. A statistic that does not exist is "—"; a group without any value is "n/a"; an incomplete one has *.
    private func readerFields(of row: Row, digits: Int) -> [String] {
        let statistics = row.statistics
        func text(_ value: Double?) -> String {
            value.map { FixedPoint.text($0, digits: digits) } ?? (statistics.n == 0 ? "n/a" : "—")
        }
        let keys: [String]
        switch grouping {
        case .arm: keys = [row.arm]
        case .armAndPair: keys = [row.arm, Study.name(of: row.pair ?? [])]
        case .armAndReplicate: keys = [row.arm, "\(row.replicate ?? 0)"]
        }
        let spread = statistics.n == 0 ? "n/a" : "\(text(statistics.mean)) ± \(text(statistics.std))"
        let interval = statistics.interval.map {
            "\(FixedPoint.text($0.lowerBound, digits: digits)) to \(FixedPoint.text($0.upperBound, digits: digits))"
        }
        let count = "\(statistics.n) of \(row.expected)\(row.isComplete ? "" : " *")"
        if published != nil {
            return keys + [spread, count] + publishedFields(of: row, digits: digits) + comparisonFields(of: row, digits: digits)
        }
        return keys + [
            spread, interval ?? text(nil), text(statistics.median), text(statistics.min), text(statistics.max),
            count,
        ] + comparisonFields(of: row, digits: digits)
    }

    private func comparisonFields(of row: Row, digits: Int) -> [String] {
        guard let baseline else { return [] }
        guard let comparison = row.comparison else {
            let isBaseline = row.arm == otherBaselines[row.arm] ?? baseline
            return Array(repeating: isBaseline ? "" : "n/a", count: 3)
        }
        func signed(_ value: Double) -> String { Self.signed(value, digits: digits) }
        return [
            signed(comparison.meanDifference),
            comparison.interval.map { "\(signed($0.lowerBound)) to \(signed($0.upperBound))" } ?? "—",
            comparison.adjustedP < 0.0001 ? "<0.0001" : FixedPoint.text(comparison.adjustedP, digits: 4),
        ]
    }

    static func signed(_ value: Double, digits: Int) -> String {
        (value < 0 ? "−" : "+") + FixedPoint.text(abs(value), digits: digits)
    }

    static func escapedMarkdown(_ text: String) -> String {
        String(
            text.flatMap { character -> [Character] in
                ["|", "*", "_", "`", "<", "\\", "[", "]"].contains(character) ? ["\\", character] : [character]
            })
    }

    static func escapedLaTeX(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&", "%", "$", "#", "_", "{", "}": "\\\(character)"
            case "\\": "\\textbackslash{}"
            case "~": "\\textasciitilde{}"
            case "^": "\\textasciicircum{}"
            case "<": "\\textless{}"
            case ">": "\\textgreater{}"
            case "±": "$\\pm$"
            case "−": "$-$"
            case "—": "---"
            case "°": "$^\\circ$"
            case "×": "$\\times$"
            case "α": "$\\alpha$"
            case "…": "\\ldots{}"
            default: String(character)
            }
        }.joined()
    }
}
