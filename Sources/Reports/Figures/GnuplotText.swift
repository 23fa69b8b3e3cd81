/// Texts in gnuplot's language.
package enum GnuplotText {
    /// A text as a string of gnuplot's, taken literally whatever stands in it.
    ///
    /// Between single quotation marks gnuplot replaces neither backquotes (which would run a command), nor macros, nor escapes; a single
    /// quotation mark is written twice. Control characters have no place in a label and become question marks.
    /// Source: gnuplot 5.4 manual, "Quote marks" and "Substitution".
    package static func quoted(_ text: String) -> String {
        let line = String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "?" : $0 }))
        return "'" + line.replacing("'", with: "''") + "'"
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }

    /// A sentence in lines of at most `width` characters where it has spaces.
    package static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
