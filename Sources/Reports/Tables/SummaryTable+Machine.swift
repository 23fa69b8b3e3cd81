// CSV, JSON and JSON Lines: every column, one row a group.

extension SummaryTable {
    /// The version of the JSON form; raised when a member changes its meaning or goes away.
    package static let jsonVersion = 1
    /// Decimals of a p value, whatever the metric's.
    static let probabilityDigits = 6

    func csvText(digits: Int) -> String {
        let columns = TableColumn.columns(of: self)
        var lines = [columns.map(\.rawValue).joined(separator: ",")]
        for row in rows {
            lines.append(
                columns.map { column in
                    switch column.value(of: row, in: self) {
                    case .text(let text): SummaryTable.csvField(text)
                    case .count(let count): "\(count)"
                    case .number(let number): FixedPoint.text(number, digits: digits)
                    case .probability(let number): FixedPoint.text(number, digits: SummaryTable.probabilityDigits)
                    case .truth(let truth): truth ? "true" : "false"
                    case .nothing: ""
                    }
                }.joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    func jsonText(digits: Int) -> String {
        var head: [(String, String)] = [
            ("version", "\(SummaryTable.jsonVersion)"), ("kind", JSONText.string("summary-table")),
            ("study", JSONText.string(info.study)), ("study_digest", JSONText.string(info.studyDigest)),
            ("profile", JSONText.string(info.profile.rawValue)),
            ("protocol", JSONText.string(info.evaluationProtocol.rawValue)), ("metric", JSONText.string(metric.rawValue)),
            ("unit", JSONText.string(metric.unit)), ("epoch", "\(epoch)"), ("rows_by", JSONText.string(grouping.rawValue)),
            ("deviations", "[" + info.deviations.map(JSONText.string).joined(separator: ",") + "]"),
        ]
        if let published {
            head += [
                ("compared_with", JSONText.string("published")),
                ("published_protocol", JSONText.string(PublishedCurves.evaluationProtocol.rawValue)),
                ("published_profile", JSONText.string(PublishedCurves.profile.rawValue)),
                ("published_caveats", "[" + published.caveats.map(JSONText.string).joined(separator: ",") + "]"),
            ]
        }
        let members = head.map { "  \(JSONText.string($0.0)): \($0.1)" }
        // What is the same in all rows stands above them.
        let common: [TableColumn] = published == nil ? [.evaluationProtocol, .profile, .deviations] : [.deviations]
        let rowLines = rows.map { "    " + jsonObject(of: $0, without: common, digits: digits) }.joined(separator: ",\n")
        let noteLines = footnotes.map { "    " + JSONText.string($0) }.joined(separator: ",\n")
        return "{\n" + members.joined(separator: ",\n") + ",\n  \"rows\": [\n\(rowLines)\n  ],\n"
            + "  \"footnotes\": [\n\(noteLines)\n  ]\n}\n"
    }

    func jsonLines(digits: Int) -> String {
        rows.map { jsonObject(of: $0, digits: digits) + "\n" }.joined()
    }

    private func jsonObject(of row: Row, without left: [TableColumn] = [], digits: Int) -> String {
        JSONText.object(
            TableColumn.columns(of: self).filter { !left.contains($0) }.map {
                ($0.rawValue, JSONText.value($0.value(of: row, in: self), digits: digits))
            })
    }

    static func csvField(_ text: String) -> String {
        let needsQuotes = text.unicodeScalars.contains { [",", "\"", "\n", "\r"].contains($0) }
        return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}
