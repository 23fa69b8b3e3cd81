/// Finds anchors and aliases in YAML text without parsing it.
///
/// The composer resolves aliases as it goes, so a few of them can stand for more nodes than a computer has bytes. They
/// are therefore looked for in the text, and rather found too often than too rarely: every `&` or `*` that could begin a
/// token counts, in quoted texts too. Only comments of lines without a quotation mark are passed over: on such a line no
/// quoted text can end, so nothing after ` #` can be a token.
enum AnchorScan {
    /// The first line with a possible anchor or alias, counted from 1; `nil` if there is none.
    static func firstLine(in text: String) -> Int? {
        var line = 1
        var previous: Unicode.Scalar = "\n"
        var suspect: Int?
        var isComment = false
        var lineHasQuote = false
        var commentSuspect = false

        // A suspect inside a possible comment counts only if its line turns out to hold a quotation mark.
        func endOfLine() -> Int? {
            suspect ?? (commentSuspect && lineHasQuote ? line : nil)
        }
        var scalars = text.unicodeScalars.makeIterator()
        var current = scalars.next()
        while let scalar = current {
            let next = scalars.next()
            switch scalar {
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
                if let found = endOfLine() { return found }
                if scalar != "\r" || next != "\n" { line += 1 }
                (isComment, lineHasQuote, commentSuspect) = (false, false, false)
            case "\"", "'":
                lineHasQuote = true
            case "#" where isBlank(previous):
                isComment = true
            case "&", "*":
                if canPrecedeToken(previous), let next, !isBlank(next) {
                    if isComment { commentSuspect = true } else { suspect = suspect ?? line }
                }
            default:
                break
            }
            previous = scalar
            current = next
        }
        return endOfLine()
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{FEFF}": true
        default: false
        }
    }

    private static func canPrecedeToken(_ scalar: Unicode.Scalar) -> Bool {
        if isBlank(scalar) { return true }
        switch scalar {
        case "[", "]", "{", "}", ",", ":", "?", "-", "\"", "'", "!", "&", "*": return true
        default: return false
        }
    }
}
