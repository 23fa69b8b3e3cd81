/// The formats a table can be written in.
package enum TableFormat: String, Sendable, Equatable, CaseIterable {
    /// Aligned text for a terminal.
    case table
    /// RFC 4180 with a header line; lines end in LF, nothing is an empty field.
    case csv
    /// One versioned object with the rows, the study and the footnotes.
    case json
    /// One object a row.
    case jsonl
    case markdown
    /// A `tabular` for the package booktabs.
    case latex

    /// Decimals when none are asked for: two for readers, six for programs.
    package var defaultPrecision: Int {
        switch self {
        case .table, .markdown, .latex: 2
        case .csv, .json, .jsonl: 6
        }
    }

    /// The usual extension of a file in the format, without a dot.
    package var fileExtension: String {
        switch self {
        case .table: "txt"
        case .csv: "csv"
        case .json: "json"
        case .jsonl: "jsonl"
        case .markdown: "md"
        case .latex: "tex"
        }
    }
}

extension SummaryTable {
    /// The table in a format, ending in a line break. `precision`: decimals, 0…15. No time, host or path is in it.
    package func rendered(as format: TableFormat, precision: Int? = nil) -> String {
        // A learning rate is small: two decimals would leave nothing of it.
        let digits = precision ?? max(format.defaultPrecision, metric == .learningRate ? 6 : 0)
        return switch format {
        case .table: terminalText(digits: digits)
        case .csv: csvText(digits: digits)
        case .json: jsonText(digits: digits)
        case .jsonl: jsonLines(digits: digits)
        case .markdown: markdownText(digits: digits)
        case .latex: latexText(digits: digits)
        }
    }
}
