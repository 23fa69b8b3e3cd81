import Coordination
import Studies

/// What a running sweep shows of itself.
package struct SweepProgress: Sendable, Equatable {
    package var counts: [JobState: Int]
    /// While nothing runs: which ready jobs no connected worker may run, and why.
    package var shortages: [String]
    package var workers: Int
    package var slots: Int
    /// Training images a second over the last minute, all workers together; 0 before the first epoch.
    package var imagesPerSecond: Double
    /// Training images since the loop started.
    package var imagesTrained: Int
    /// Seconds since the loop started.
    package var elapsedSeconds: Double

    package init(
        counts: [JobState: Int], shortages: [String] = [], workers: Int, slots: Int, imagesPerSecond: Double, imagesTrained: Int,
        elapsedSeconds: Double
    ) {
        self.counts = counts
        self.shortages = shortages
        self.workers = workers
        self.slots = slots
        self.imagesPerSecond = imagesPerSecond
        self.imagesTrained = imagesTrained
        self.elapsedSeconds = elapsedSeconds
    }
}

/// Training images over a sliding window.
struct ImageRate {
    static let windowSeconds = 60.0
    private var samples: [(at: Instant, images: Int)] = []
    private var first: Instant?
    private(set) var total = 0

    mutating func add(_ images: Int, at now: Instant) {
        if first == nil { first = now }
        total += images
        // One sample a tenth of a second: how many there are does not depend on how fast epochs come.
        if let last = samples.last, now - last.at < 0.1 {
            samples[samples.count - 1].images += images
        } else {
            samples.append((now, images))
        }
    }

    mutating func imagesPerSecond(at now: Instant) -> Double {
        samples.removeAll { now - $0.at > Self.windowSeconds }
        guard let first else { return 0 }
        let seconds = min(Self.windowSeconds, now - first)
        guard seconds > 1 else { return 0 }
        return Double(samples.reduce(0) { $0 + $1.images }) / seconds
    }
}
