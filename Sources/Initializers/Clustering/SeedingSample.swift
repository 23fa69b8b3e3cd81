import CKernels
import Tensors

/// The points that starts are chosen from and tried on.
struct SeedingSample {
    /// `[n][dimension]`
    let points: [Float]
    let dimension: Int
    /// The same sixteen points at a time, coordinate by coordinate.
    private let blocks: [Float]
    private let level: Int32

    init(_ points: [Float], dimension: Int) {
        self.points = points
        self.dimension = dimension
        level = sower_product_level()
        let count = points.count / dimension
        var blocks = [Float](repeating: 0, count: (count + 15) / 16 * 16 * dimension)
        sower_kmeans_blocks(points, count, dimension, &blocks)
        self.blocks = blocks
    }

    /// Greedy k-means++: each next centre is the best of 2 + ⌊ln k⌋ points drawn in proportion to their squared distance
    /// from the centres so far. When every point is a centre already, the first centre is repeated.
    func greedyStart(clusters: Int, stream: inout RandomStream) -> [Double] {
        let count = points.count / dimension
        var trials = 2
        var power = 2.718281828459045
        while power <= Double(clusters) {
            trials += 1
            power *= 2.718281828459045
        }
        precondition(trials <= Int(SOWER_KMEANS_TRIALS))
        var chosen = [stream.index(below: count)]
        var nearest = [Float](repeating: .infinity, count: count)
        var total = totals(of: chosen, nearest)[0]
        sower_kmeans_lower(level, blocks, count, dimension, coordinates(of: chosen), &nearest)
        while chosen.count < clusters, total > 0 {
            let drawn = draw(trials, in: nearest, total: total, &stream)
            let sums = totals(of: drawn, nearest)
            // The first of equals.
            let best = sums.indices.dropFirst().reduce(0) { sums[$1] < sums[$0] ? $1 : $0 }
            chosen.append(drawn[best])
            total = sums[best]
            sower_kmeans_lower(level, blocks, count, dimension, coordinates(of: [drawn[best]]), &nearest)
        }
        while chosen.count < clusters { chosen.append(chosen[0]) }
        return coordinates(of: chosen).map { Double($0) }
    }

    private func coordinates(of indices: [Int]) -> [Float] {
        indices.flatMap { points[$0 * dimension..<($0 + 1) * dimension] }
    }

    /// For each candidate, the sum of all squared distances to the nearest of the centres so far and of it.
    private func totals(of candidates: [Int], _ nearest: [Float]) -> [Double] {
        var sums = [Double](repeating: 0, count: candidates.count)
        sower_kmeans_try(
            level, blocks, nearest.count, dimension, nearest, coordinates(of: candidates), candidates.count, &sums)
        return sums
    }

    /// Points drawn with probability proportional to their weight.
    private func draw(_ trials: Int, in weights: [Float], total: Double, _ stream: inout RandomStream) -> [Int] {
        let rests = (0..<trials).map { _ in stream.uniformDouble() * total }
        var drawn = [Int](repeating: 0, count: trials)
        sower_kmeans_draw(level, weights, weights.count, rests, trials, &drawn)
        // Rounding may leave something after the last weight.
        let last = weights.lastIndex { $0 > 0 } ?? 0
        return drawn.map { min($0, last) }
    }
}
