import CKernels
import Tensors

extension KMeans {
    /// At most `limit` points, one drawn from each of as many equal stretches, in order.
    static func sample(_ points: [Float], dimension: Int, limit: Int, seed: UInt64) -> [Float] {
        let count = points.count / dimension
        guard count > limit else { return points }
        var stream = RandomStream(seed: seed)
        var result: [Float] = []
        result.reserveCapacity(limit * dimension)
        for part in 0..<limit {
            let first = part * count / limit, end = (part + 1) * count / limit
            let point = first + stream.index(below: end - first)
            result.append(contentsOf: points[point * dimension..<(point + 1) * dimension])
        }
        return result
    }

    /// The variance of a coordinate, averaged over coordinates.
    static func meanVariance(_ points: [Float], dimension: Int) -> Double {
        var sums = [Double](repeating: 0, count: dimension)
        var squares = sums
        // Deviations from the first point, so that a large common offset costs no digits.
        sower_kmeans_moments(
            sower_product_level(), points, points.count / dimension, dimension, Array(points[..<dimension]), &sums, &squares)
        let count = Double(points.count / dimension)
        let variances = zip(sums, squares).map { max($1 / count - ($0 / count) * ($0 / count), 0) }
        return variances.reduce(0, +) / Double(dimension)
    }
}
