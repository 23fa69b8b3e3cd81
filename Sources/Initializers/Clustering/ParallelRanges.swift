import Dispatch
import Synchronization

/// Calls `body` with ranges that cover `0..<total` and the number of the thread that it runs on. Ranges begin at multiples of
/// `grain`, are that long, and go to whatever thread is free: which one must not matter.
func inParallel(_ threads: Int, _ total: Int, grain: Int, _ body: (_ range: Range<Int>, _ thread: Int) -> Void) {
    let grains = (total + grain - 1) / grain
    let parts = min(threads, grains)
    guard parts > 1 else {
        body(0..<total, 0)
        return
    }
    let next = Atomic(0)
    withoutActuallyEscaping(body) { body in
        // Each call works on a range of its own, and all have returned before this does.
        nonisolated(unsafe) let body = body
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            while true {
                let first = next.wrappingAdd(grain, ordering: .relaxed).oldValue
                guard first < total else { return }
                body(first..<min(first + grain, total), part)
            }
        }
    }
}

/// Sums and counts of clusters, laid out for threads that each add to clusters of their own: no two rows of sums share a cache
/// line, which would go to and fro between cores.
final class SharedSums {
    let sums: UnsafeMutablePointer<Double>
    let counts: UnsafeMutablePointer<Int>
    /// From a row of sums to the next.
    let stride: Int
    private let clusters, dimension: Int

    /// - Parameter sums: `[clusters][dimension]`.
    init(_ sums: [Double], _ counts: [Int], dimension: Int) {
        clusters = counts.count
        self.dimension = dimension
        stride = (dimension + 7) / 8 * 8
        self.sums = UnsafeMutableRawPointer.allocate(byteCount: clusters * stride * 8, alignment: 64)
            .bindMemory(to: Double.self, capacity: clusters * stride)
        self.counts = .allocate(capacity: clusters)
        self.sums.initialize(repeating: 0, count: clusters * stride)
        for (element, value) in sums.enumerated() { self.sums[element / dimension * stride + element % dimension] = value }
        for (cluster, value) in counts.enumerated() { self.counts[cluster] = value }
    }

    deinit {
        sums.deallocate()
        counts.deallocate()
    }

    /// `[clusters][dimension]`, and the counts.
    var values: (sums: [Double], counts: [Int]) {
        (
            (0..<clusters * dimension).map { sums[$0 / dimension * stride + $0 % dimension] }, (0..<clusters).map { counts[$0] }
        )
    }
}
