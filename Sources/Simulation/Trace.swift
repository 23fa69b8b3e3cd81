import Coordination
import Studies

/// What happened, as a hash that two runs of one seed share and, for somebody who wants to read it, as lines.
struct Trace {
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private let tell: (@Sendable (String) -> Void)?

    init(tell: (@Sendable (String) -> Void)?) { self.tell = tell }

    /// Notes an event: what tells it from others as numbers, and in words.
    mutating func note(_ now: Instant, _ first: UInt64, _ second: UInt64, _ text: @autoclosure () -> String) {
        hash = SplitMix64.mix(hash ^ now.seconds.bitPattern)
        hash = SplitMix64.mix(hash ^ first) &+ second
        if let tell { tell(Trace.stamp(now) + "  " + text()) }
    }

    /// Seconds with three decimals, in ten columns.
    private static func stamp(_ now: Instant) -> String {
        let milliseconds = Int((now.seconds * 1000).rounded())
        let decimals = String(1000 + milliseconds % 1000).dropFirst()
        let text = "\(milliseconds / 1000).\(decimals)"
        return String(repeating: " ", count: max(0, 10 - text.count)) + text
    }
}
