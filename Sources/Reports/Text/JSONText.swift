/// JSON written by hand, so that the order of keys and every digit are ours.
package enum JSONText {
    /// A text in quotation marks, with what RFC 8259 requires escaped.
    package static func string(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    static func value(_ value: TableColumn.Value, digits: Int) -> String {
        switch value {
        case .text(let text): string(text)
        case .count(let count): "\(count)"
        case .number(let number): FixedPoint.text(number, digits: digits)
        case .probability(let number): FixedPoint.text(number, digits: SummaryTable.probabilityDigits)
        case .truth(let truth): truth ? "true" : "false"
        case .nothing: "null"
        }
    }

    /// An object on one line.
    static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(string($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
}
