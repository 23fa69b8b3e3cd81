import CKernels
import Testing

/// The C kernels of greedy k-means++ against plain loops, at every level this CPU has, bit for bit.
@Suite struct SeedingKernelTests {
    static let shapes: [(dimension: Int, count: Int)] = [(9, 1), (9, 15), (9, 1000), (49, 333), (1, 64), (10, 17)]

    private func square(_ points: [Float], _ point: Int, _ centre: ArraySlice<Float>) -> Float {
        centre.indices.reduce(0) { sum, axis in
            let difference = points[point * centre.count + axis - centre.startIndex] - centre[axis]
            return sum + difference * difference
        }
    }

    @Test(arguments: ClusteringKernelTests.levels) func `candidates are summed point by point`(level: Int32) {
        for (dimension, count) in Self.shapes {
            let points = ReferenceNumbers.bells(stream: 95, count: dimension * count)
            var blocks = [Float](repeating: .nan, count: (count + 15) / 16 * 16 * dimension)
            sower_kmeans_blocks(points, count, dimension, &blocks)
            for trials in 1...Int(SOWER_KMEANS_TRIALS) {
                let candidates = ReferenceNumbers.bells(stream: 96, count: dimension * trials)
                // As far as nothing is known, all at once, and where many are near already.
                for nearest in [[Float](repeating: .infinity, count: count), (0..<count).map { Float($0 % 13) * 0.3 }] {
                    var sums = [Double](repeating: -1, count: trials)
                    sower_kmeans_try(level, blocks, count, dimension, nearest, candidates, trials, &sums)
                    for trial in 0..<trials {
                        let candidate = candidates[trial * dimension..<(trial + 1) * dimension]
                        var expected = 0.0
                        var lowered = nearest
                        for point in 0..<count {
                            lowered[point] = min(square(points, point, candidate), nearest[point])
                            expected += Double(lowered[point])
                        }
                        #expect(sums[trial] == expected)
                        var found = nearest
                        sower_kmeans_lower(level, blocks, count, dimension, Array(candidate), &found)
                        #expect(found == lowered)
                    }
                }
            }
        }
    }

    @Test(arguments: ClusteringKernelTests.levels) func `a draw ends where the weights have used it up`(level: Int32) {
        let weights: [[Float]] = [
            [1, 2, 0, 3], [0, 0, 5], [0.25], [0, 0], ReferenceNumbers.bells(stream: 97, count: 999).map { abs($0) },
        ]
        for weights in weights {
            let total = weights.reduce(0) { $0 + Double($1) }
            let rests = [0, 0.1, 0.5, 0.75, 0.999_999, 1, 0.3, 1.5].map { $0 * total }
            for trials in 1...rests.count {
                var found = [Int](repeating: -1, count: trials)
                sower_kmeans_draw(level, weights, weights.count, rests, trials, &found)
                for trial in 0..<trials {
                    var rest = rests[trial]
                    let expected = weights.firstIndex { weight in
                        rest -= Double(weight)
                        return rest < 0
                    }
                    #expect(found[trial] == expected ?? weights.count)
                }
            }
        }
    }
}
