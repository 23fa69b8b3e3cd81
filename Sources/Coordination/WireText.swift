/// Text as it may go on the wire: UTF-8 of a limited length, without control characters other than line feed and tab.
///
/// Reasons and failure messages quote what others wrote (a runner's last words, a system's error), so they are cleaned
/// when they are written; a reader refuses what is not clean.
package enum WireText {
    /// `text` without its control characters, cut before the first character that does not fit `limit` bytes of UTF-8.
    package static func clean(_ text: String, limit: Int) -> String {
        var kept = String.UnicodeScalarView()
        var byteCount = 0
        for scalar in text.unicodeScalars where isAllowed(scalar) {
            byteCount += UTF8.width(scalar)
            guard byteCount <= limit else { break }
            kept.append(scalar)
        }
        return String(kept)
    }

    /// Whether `text` needs no cleaning, apart from its length.
    static func isClean(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(isAllowed) }

    /// Terminals act on both ranges of control characters, U+0000–U+001F and U+007F–U+009F.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: true
        case 0..<0x20, 0x7F...0x9F: false
        default: true
        }
    }
}
