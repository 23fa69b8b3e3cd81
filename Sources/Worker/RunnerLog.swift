import Coordination
import Foundation

/// What a runner prints on its standard error: passed on to the worker's log, its last lines kept for a failure.
final class RunnerLog {
    private let descriptor: Int32
    private var tail: [UInt8] = []

    /// `descriptor`: the reading end of the runner's standard error, which must not block.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Forgets the lines of the job before.
    func beginJob() {
        passOn()
        tail = []
    }

    /// Passes on what has arrived. `false` when the runner has closed its end, or nothing can be read any more.
    @discardableResult func passOn() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            // A log that cannot be written, on a full disk, is no reason to stop.
            buffer.withUnsafeBytes { _ = write(2, $0.baseAddress!, count) }
            tail.append(contentsOf: buffer[..<count])
            if tail.count > 2 * Limits.logTailBytes { tail.removeFirst(tail.count - Limits.logTailBytes) }
        }
    }

    /// The last whole lines of the job, at most `Limits.logTailBytes`; empty when it has said nothing.
    var lastLines: String {
        var kept = tail.suffix(Limits.logTailBytes)
        if kept.count < tail.count, let newline = kept.firstIndex(of: UInt8(ascii: "\n")) { kept = kept[(newline + 1)...] }
        return String(decoding: kept, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
