/// A point on a process's own monotonic clock, in seconds from its start. Pure code is given instants; it reads no clock.
package struct Instant: Sendable, Hashable, Comparable {
    package var seconds: Double

    package init(seconds: Double) { self.seconds = seconds }

    package static func < (a: Instant, b: Instant) -> Bool { a.seconds < b.seconds }
    package static func + (instant: Instant, seconds: Double) -> Instant { Instant(seconds: instant.seconds + seconds) }
    package static func - (a: Instant, b: Instant) -> Double { a.seconds - b.seconds }
}
