/// What Lloyd's iterations know of each point: its cluster, and bounds of its distance to the own centre and to any other.
///
/// Memory: 10 bytes a point. Not safe to share; threads work on points of their own.
final class PointStates {
    let count: Int
    /// The cluster of each point.
    private(set) var assignments: UnsafeMutablePointer<UInt8>
    /// Where a pass puts the clusters it finds.
    private(set) var next: UnsafeMutablePointer<UInt8>
    /// At least the distance to the own centre; infinity where nothing is known.
    let upper: UnsafeMutablePointer<Float>
    /// At most the distance to any other centre.
    let lower: UnsafeMutablePointer<Float>

    /// All points in cluster 0, and nothing known of them.
    init(count: Int) {
        self.count = count
        assignments = .allocate(capacity: count)
        next = .allocate(capacity: count)
        upper = .allocate(capacity: count)
        lower = .allocate(capacity: count)
        assignments.initialize(repeating: 0, count: count)
        next.initialize(repeating: 0, count: count)
        upper.initialize(repeating: .infinity, count: count)
        lower.initialize(repeating: 0, count: count)
    }

    deinit {
        assignments.deallocate()
        next.deallocate()
        upper.deallocate()
        lower.deallocate()
    }

    /// What the last pass found becomes what is.
    func acceptNext() { swap(&assignments, &next) }

    func forgetBounds() {
        upper.update(repeating: .infinity, count: count)
        lower.update(repeating: 0, count: count)
    }
}
