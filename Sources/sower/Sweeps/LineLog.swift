import Foundation
import Logging
import Synchronization

/// Log lines on standard error, each written whole by one call, so that lines of several processes never mix.
///
/// The lines are swift-log's own `StreamLogHandler`'s, with the time in UTC. A worker writes some with every job: the time's text is
/// made once a second, without a look at the time zone's file.
struct LineLog: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = UTCSecond.text(of: time(nil))
        line += " \(event.level) \(label): \(event.message)\n"
        line.withUTF8 { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = write(2, buffer.baseAddress! + sent, buffer.count - sent)
                if count < 0 && errno == EINTR { continue }
                // Nobody reads the log any more.
                guard count > 0 else { return }
                sent += count
            }
        }
    }
}

/// A second of UTC as text, "2026-01-31T12:00:00+0000".
private enum UTCSecond {
    private static let last = Mutex((second: 0, text: ""))

    static func text(of second: Int) -> String {
        last.withLock { last in
            guard last.second != second || last.text.isEmpty else { return last.text }
            var moment = second
            var parts = tm()
            gmtime_r(&moment, &parts)
            var buffer = [CChar](repeating: 0, count: 32)
            strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S+0000", &parts)
            last = (second, String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            return last.text
        }
    }
}
