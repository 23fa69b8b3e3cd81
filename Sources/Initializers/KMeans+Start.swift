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
        points.withUnsafeBufferPointer { points in
            // Deviations from the first point, so that a large common offset costs no digits.
            for start in stride(from: 0, to: points.count, by: dimension) {
                for axis in 0..<dimension {
                    let value = Double(points[start + axis]) - Double(points[axis])
                    sums[axis] += value
                    squares[axis] += value * value
                }
            }
        }
        let count = Double(points.count / dimension)
        let variances = zip(sums, squares).map { max($1 / count - ($0 / count) * ($0 / count), 0) }
        return variances.reduce(0, +) / Double(dimension)
    }

    /// Greedy k-means++: each next centre is the best of 2 + ⌊ln k⌋ points drawn in proportion to their squared distance
    /// from the centres so far. When every point is a centre already, the first centre is repeated.
    static func greedyStart(_ points: [Float], dimension: Int, clusters: Int, stream: inout RandomStream) -> [Double] {
        let count = points.count / dimension
        var trials = 2
        var power = 2.718281828459045
        while power <= Double(clusters) {
            trials += 1
            power *= 2.718281828459045
        }
        return points.withUnsafeBufferPointer { points in
            var chosen = [stream.index(below: count)]
            var nearest = [Float](repeating: .infinity, count: count)
            var candidate = nearest
            var bestCandidate = nearest
            var total = lower(&nearest, from: nearest, points, dimension, to: chosen[0])
            while chosen.count < clusters, total > 0 {
                var best: (index: Int, total: Double)?
                for _ in 0..<trials {
                    let index = draw(in: nearest, total: total, &stream)
                    let sum = lower(&candidate, from: nearest, points, dimension, to: index)
                    if best.map({ sum < $0.total }) ?? true {
                        best = (index, sum)
                        swap(&candidate, &bestCandidate)
                    }
                }
                chosen.append(best!.index)
                total = best!.total
                swap(&nearest, &bestCandidate)
            }
            while chosen.count < clusters { chosen.append(chosen[0]) }
            return chosen.flatMap { index in (0..<dimension).map { Double(points[index * dimension + $0]) } }
        }
    }

    /// A point drawn with probability proportional to its weight.
    private static func draw(in weights: [Float], total: Double, _ stream: inout RandomStream) -> Int {
        var rest = stream.uniformDouble() * total
        var last = 0
        for (index, weight) in weights.enumerated() where weight > 0 {
            rest -= Double(weight)
            last = index
            if rest < 0 { break }
        }
        return last
    }

    /// Writes the squared distances to the nearest of the old centres and point `centre`; returns their sum.
    private static func lower(
        _ result: inout [Float], from old: [Float], _ points: UnsafeBufferPointer<Float>, _ dimension: Int, to centre: Int
    ) -> Double {
        var sum = 0.0
        result.withUnsafeMutableBufferPointer { result in
            old.withUnsafeBufferPointer { old in
                for point in 0..<result.count {
                    var distance: Float = 0
                    for axis in 0..<dimension {
                        let difference = points[point * dimension + axis] - points[centre * dimension + axis]
                        distance += difference * difference
                    }
                    let value = min(distance, old[point])
                    result[point] = value
                    sum += Double(value)
                }
            }
        }
        return sum
    }
}
