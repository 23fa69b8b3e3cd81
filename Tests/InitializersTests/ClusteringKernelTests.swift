import CKernels
import Testing

/// The C kernels of k-means against plain loops, at every level this CPU has, bit for bit.
@Suite struct ClusteringKernelTests {
    static let levels = (Int32(SOWER_PRODUCT_NONE)...Int32(SOWER_PRODUCT_AVX512)).filter {
        $0 <= sower_product_level()
    }

    /// A pass over points, some of which nothing is known of, and some of which are known to stay.
    struct Pass {
        let dimension, clusters, count: Int
        let points, centres, looseness: [Float]
        var assignments, next: [UInt8]
        var upper, lower: [Float]

        init(dimension: Int, clusters: Int, count: Int, scale: Float = 1) {
            (self.dimension, self.clusters, self.count) = (dimension, clusters, count)
            points = ReferenceNumbers.bells(stream: 90, count: count * dimension).map { $0 * scale }
            centres = ReferenceNumbers.bells(stream: 91, count: clusters * dimension).map { $0 * scale }
            let spread = ReferenceNumbers.bells(stream: 92, count: 4 * max(count, clusters))
            looseness = (0..<4 * clusters).map { abs(spread[$0]) * 0.1 * scale }
            assignments = (0..<count).map { UInt8($0 * 7 % clusters) }
            next = assignments
            // One in eleven unknown, stretches of points that stay, single ones in doubt.
            upper = (0..<count).map { $0 % 11 == 3 ? .infinity : $0 / 64 % 3 == 0 ? 0 : abs(spread[$0]) * 3 * scale }
            lower = (0..<count).map { spread[count + $0] * 6 * scale }
            if count > 40 { lower[40] = .nan }
        }

        /// What must come of it: Hamerly's test, then the own distance, then all centres.
        mutating func reassignPlainly() {
            for point in 0..<count {
                let cluster = Int(assignments[point])
                upper[point] += looseness[4 * cluster]
                lower[point] -= looseness[4 * cluster + 1]
                let separation = looseness[4 * cluster + 2]
                let safe = separation >= lower[point] ? separation : lower[point]
                if upper[point] < safe { continue }
                if upper[point] < .infinity {
                    upper[point] = square(point, cluster).squareRoot() * 1.00001
                    if upper[point] < safe { continue }
                }
                var nearest = Float.infinity, second = Float.infinity, found = 0
                for candidate in 0..<clusters {
                    let distance = square(point, candidate)
                    if distance < second { second = distance }
                    if distance < nearest { (second, nearest, found) = (nearest, distance, candidate) }
                }
                (upper[point], lower[point]) = (nearest.squareRoot() * 1.00001, second.squareRoot() * 0.99999)
                next[point] = UInt8(found)
            }
        }

        func square(_ point: Int, _ cluster: Int) -> Float {
            (0..<dimension).reduce(0) { sum, axis in
                let difference = points[point * dimension + axis] - centres[cluster * dimension + axis]
                return sum + difference * difference
            }
        }

        mutating func call<Result>(_ body: (UnsafePointer<sower_kmeans_pass>) -> Result) -> Result {
            let (dimension, clusters) = (dimension, clusters)
            return points.withUnsafeBufferPointer { points in
                centres.withUnsafeBufferPointer { centres in
                    looseness.withUnsafeBufferPointer { looseness in
                        assignments.withUnsafeMutableBufferPointer { assignments in
                            next.withUnsafeMutableBufferPointer { next in
                                upper.withUnsafeMutableBufferPointer { upper in
                                    lower.withUnsafeMutableBufferPointer { lower in
                                        var pass = sower_kmeans_pass(
                                            points: points.baseAddress, dimension: dimension, clusters: clusters,
                                            centres: centres.baseAddress, looseness: looseness.baseAddress,
                                            assignments: assignments.baseAddress, next: next.baseAddress, upper: upper.baseAddress,
                                            lower: lower.baseAddress)
                                        return body(&pass)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    static let shapes: [(dimension: Int, clusters: Int, count: Int)] = [
        (9, 1, 1), (9, 3, 5), (9, 3, 3000), (9, 10, 1023), (9, 50, 1025), (9, 256, 700), (1, 2, 16), (8, 5, 1024), (10, 4, 333),
        (49, 17, 500), (24, 256, 100), (2, 7, 40_000),
    ]

    @Test(arguments: levels) func `assignments and bounds are those of the plain loop`(level: Int32) {
        for shape in Self.shapes {
            // Squares of the largest overflow, of the smallest vanish.
            for scale in [Float(1), 1e25, 1e-24] {
                let start = Pass(dimension: shape.dimension, clusters: shape.clusters, count: shape.count, scale: scale)
                var expected = start
                expected.reassignPlainly()
                for cut in [0, shape.count / 3] {
                    var found = start
                    var scratch = [Float](repeating: 0, count: 16 * shape.dimension)
                    found.call { pass in
                        sower_kmeans_reassign(level, pass, 0, cut, &scratch)
                        sower_kmeans_reassign(level, pass, cut, shape.count, &scratch)
                    }
                    #expect(found.next == expected.next, "\(shape), scale \(scale)")
                    #expect(found.assignments == start.assignments)
                    #expect(found.upper.map(\.bitPattern) == expected.upper.map(\.bitPattern), "\(shape), scale \(scale)")
                    // Which NaN it is does not matter.
                    #expect(found.lower.map { $0.isNaN ? 0 : $0.bitPattern } == expected.lower.map { $0.isNaN ? 0 : $0.bitPattern })
                }
            }
        }
    }

    @Test(arguments: levels) func `sums change point by point, whoever shares the clusters`(level: Int32) {
        for shape in Self.shapes {
            var pass = Pass(dimension: shape.dimension, clusters: shape.clusters, count: shape.count)
            for point in 0..<shape.count where point % 5 == 0 || point < shape.count / 4 {
                pass.next[point] = UInt8(point * 3 % shape.clusters)
            }
            let stride = shape.dimension + 3
            let start = (0..<shape.clusters * stride).map { Double($0) * 0.1 }
            var sums = start
            var counts = [Int](repeating: 9, count: shape.clusters)
            var changed = 0
            for point in 0..<shape.count where pass.next[point] != pass.assignments[point] {
                let (old, new) = (Int(pass.assignments[point]), Int(pass.next[point]))
                for axis in 0..<shape.dimension {
                    sums[old * stride + axis] -= Double(pass.points[point * shape.dimension + axis])
                    sums[new * stride + axis] += Double(pass.points[point * shape.dimension + axis])
                }
                counts[old] -= 1
                counts[new] += 1
                changed += 1
            }
            for cut in [0, shape.clusters / 2] {
                var foundSums = start
                var foundCounts = [Int](repeating: 9, count: shape.clusters)
                pass.call { pass in
                    for (from, to) in [(0, cut), (cut, shape.clusters)] {
                        let found = sower_kmeans_transfer(level, pass, 0, shape.count, from, to, &foundSums, stride, &foundCounts)
                        #expect(found == changed)
                    }
                }
                #expect(foundSums == sums, "\(shape)")
                #expect(foundCounts == counts)
            }
            var squares = [Double](repeating: -1, count: shape.count)
            pass.call { sower_kmeans_squares(level, $0, 0, shape.count, &squares) }
            for point in 0..<shape.count {
                let expected = (0..<shape.dimension).reduce(0.0) { sum, axis in
                    let centre = pass.centres[Int(pass.assignments[point]) * shape.dimension + axis]
                    let difference = Double(pass.points[point * shape.dimension + axis]) - Double(centre)
                    return sum + difference * difference
                }
                guard squares[point] == expected else {
                    Issue.record("\(shape): point \(point) is at \(squares[point]), expected \(expected)")
                    break
                }
            }
        }
    }

    @Test(arguments: levels) func `moments are chains in the order of the points`(level: Int32) {
        for (dimension, count) in [(1, 1), (9, 1000), (8, 257), (49, 300), (23, 5)] {
            let points = ReferenceNumbers.bells(stream: 93, count: dimension * count)
            let origin = Array(points[..<dimension])
            var sums = (0..<dimension).map { Double($0) / 7 }
            var squares = sums
            var (foundSums, foundSquares, sumsAlone) = (sums, squares, sums)
            for point in 0..<count {
                for axis in 0..<dimension {
                    let value = Double(points[point * dimension + axis]) - Double(origin[axis])
                    sums[axis] += value
                    squares[axis] += value * value
                }
            }
            sower_kmeans_moments(level, points, count, dimension, origin, &foundSums, &foundSquares)
            sower_kmeans_moments(level, points, count, dimension, origin, &sumsAlone, nil)
            #expect(foundSums == sums)
            #expect(foundSquares == squares)
            #expect(sumsAlone == sums)
        }
    }

    @Test(arguments: levels) func `a single number that is not finite is found`(level: Int32) {
        for count in [0, 1, 15, 16, 17, 100] {
            var numbers = ReferenceNumbers.bells(stream: 94, count: count)
            #expect(sower_all_finite(level, numbers, count) == 1)
            for place in 0..<count {
                for bad in [Float.nan, .infinity, -.infinity, -.nan] {
                    let good = numbers[place]
                    numbers[place] = bad
                    #expect(sower_all_finite(level, numbers, count) == 0)
                    numbers[place] = good
                }
                numbers[place] = place % 2 == 0 ? .greatestFiniteMagnitude : -.leastNonzeroMagnitude
            }
            #expect(sower_all_finite(level, numbers, count) == 1)
        }
    }
}
