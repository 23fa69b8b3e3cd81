import Foundation

/// How many attempts a worker completes a second: a count in which each weighs less the longer ago it was.
struct CompletionRate: Sendable {
    /// An attempt's weight falls to 1/e in this time.
    static let memorySeconds = 1.0

    private var weight = 0.0
    private var last = Instant(seconds: 0)

    mutating func add(at now: Instant) {
        weight = weight(at: now) + 1
        last = now
    }

    /// Attempts a second; 0 before the first.
    func perSecond(at now: Instant) -> Double { weight(at: now) / Self.memorySeconds }

    private func weight(at now: Instant) -> Double { weight == 0 ? 0 : weight * exp((last - now) / Self.memorySeconds) }
}
