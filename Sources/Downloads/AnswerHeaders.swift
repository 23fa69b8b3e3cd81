import Foundation

/// The headers of the last answer that curl has written into a file: those of redirections come before them.
struct AnswerHeaders {
    private(set) var status: Int?
    /// What `If-Range` may carry: a strong ETag, or the time of the last change.
    private(set) var validator: String?

    var isGood: Bool { status == 200 || status == 206 }

    static let longestFile = 256 * 1024

    /// Nil when there is no such file, or nothing in it.
    init?(path: String) {
        guard let size = FileSize.of(path), size > 0, size <= Self.longestFile, let data = FileManager.default.contents(atPath: path)
        else { return nil }
        self.init(String(decoding: data, as: UTF8.self))
    }

    init(_ text: String) {
        var tag: String?
        var time: String?
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("HTTP/") {
                status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
                (tag, time) = (nil, nil)
                continue
            }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            guard (1...200).contains(value.utf8.count), value.utf8.allSatisfy({ (32..<127).contains($0) }) else { continue }
            switch line[..<colon].lowercased() {
            case "etag" where !value.hasPrefix("W/"): tag = value
            case "last-modified": time = value
            default: break
            }
        }
        validator = tag ?? time
    }
}
