import Initializers
import Tensors
import Testing

@Suite struct KMeansTests {
    /// Squared distance in double precision.
    private func distance(_ points: [Float], _ point: Int, _ centres: [Float], _ centre: Int, _ dimension: Int) -> Double {
        (0..<dimension).reduce(0) { sum, axis in
            let difference = Double(points[point * dimension + axis]) - Double(centres[centre * dimension + axis])
            return sum + difference * difference
        }
    }

    /// What must hold of every clustering: nearest centres, counts and inertia that belong to the assignments.
    private func check(_ clustering: Clustering, of points: [Float], dimension: Int, clusters: Int) {
        let count = points.count / dimension
        #expect(clustering.centres.count == clusters * dimension)
        #expect(clustering.assignments.count == count)
        var counts = [Int](repeating: 0, count: clusters)
        var inertia = 0.0
        for point in 0..<count {
            let own = Int(clustering.assignments[point])
            counts[own] += 1
            let nearest = distance(points, point, clustering.centres, own, dimension)
            inertia += nearest
            for other in 0..<clusters {
                if distance(points, point, clustering.centres, other, dimension) < nearest * (1 - 1e-5) - 1e-12 {
                    Issue.record("point \(point) is nearer to \(other) than to \(own)")
                    return
                }
            }
        }
        #expect(counts == clustering.counts)
        #expect(abs(inertia - clustering.inertia) <= 1e-9 * max(inertia, 1e-300))
    }

    @Test func `inertia is scikit-learn's on the same points`() throws {
        for reference in try ReferenceNumbers.load().clusterings {
            let points = reference.points
            #expect(abs(points.reduce(0) { $0 + Double($1) } - reference.sum) < 1e-6, "other points than the script's")
            let clustering = try KMeans(clusters: reference.clusters).cluster(points, dimension: reference.dimension, seed: 1)
            check(clustering, of: points, dimension: reference.dimension, clusters: reference.clusters)
            // As good as one start of scikit-learn is on average …
            let average = reference.single.reduce(0, +) / Double(reference.single.count)
            #expect(clustering.inertia <= average * 1.001, "\(reference.kind), k = \(reference.clusters)")
            // … and as its best of ten with as many starts.
            let best = try KMeans(clusters: reference.clusters, starts: 12).cluster(points, dimension: reference.dimension, seed: 2)
            #expect(best.inertia <= reference.inertia * 1.001, "\(reference.kind), k = \(reference.clusters)")
            if reference.kind == "separated" {
                #expect(abs(clustering.inertia - reference.inertia) < 1e-4 * reference.inertia)
                #expect(clustering.counts.sorted() == reference.counts)
            }
        }
    }

    @Test func `seeding from a sample is as good as from all points`() throws {
        let reference = try ReferenceNumbers.load().clusterings[3]
        let points = reference.points
        let clustering = try KMeans(clusters: 10, seedingLimit: 1000).cluster(points, dimension: 9, seed: 1)
        check(clustering, of: points, dimension: 9, clusters: 10)
        #expect(clustering.inertia <= reference.single.max()! * 1.001)
    }

    @Test func `bounds skip work but never change an assignment`() throws {
        // A plain Lloyd iteration from the same centres must find the fixed point a fixed point.
        for (dimension, clusters) in [(1, 3), (2, 5), (9, 17), (49, 4)] {
            let points = ReferenceNumbers.bells(stream: 50 + dimension, count: 700 * dimension)
            let clustering = try KMeans(clusters: clusters, maximumIterations: 10_000, tolerance: 0)
                .cluster(points, dimension: dimension, seed: 3)
            #expect(clustering.converged)
            check(clustering, of: points, dimension: dimension, clusters: clusters)
            for cluster in 0..<clusters {
                let members = clustering.assignments.indices.filter { clustering.assignments[$0] == UInt8(cluster) }
                for axis in 0..<dimension {
                    let mean = members.reduce(0) { $0 + Double(points[$1 * dimension + axis]) } / Double(members.count)
                    #expect(abs(mean - Double(clustering.centres[cluster * dimension + axis])) < 1e-6)
                }
            }
        }
    }

    @Test func `every small set of points on a line is clustered best`() throws {
        // All multisets of five numbers from 0…3, two clusters: compare with the best of all cuts.
        for code in 0..<1024 {
            let values = (0..<5).map { Float(code >> (2 * $0) & 3) }
            guard values == values.sorted() else { continue }
            let clustering = try KMeans(clusters: 2, starts: 8).cluster(values, dimension: 1, seed: 5)
            check(clustering, of: values, dimension: 1, clusters: 2)
            func spread(_ part: ArraySlice<Float>) -> Double {
                guard !part.isEmpty else { return 0 }
                let mean = part.reduce(0) { $0 + Double($1) } / Double(part.count)
                return part.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
            }
            let best = (0...5).map { spread(values[..<$0]) + spread(values[$0...]) }.min()!
            #expect(abs(clustering.inertia - best) < 1e-5, "\(values)")
        }
    }

    @Test func `the same seed gives the same clustering`() throws {
        let points = ReferenceNumbers.bells(stream: 60, count: 9 * 1000)
        let first = try KMeans(clusters: 10).cluster(points, dimension: 9, seed: 1)
        #expect(try KMeans(clusters: 10).cluster(points, dimension: 9, seed: 1) == first)
        #expect(try KMeans(clusters: 10).cluster(points, dimension: 9, seed: 2) != first)
    }

    @Test func `threads change no bit`() throws {
        // Several times what a thread takes at once.
        let points = ReferenceNumbers.bells(stream: 63, count: 9 * 150_000)
        for clusters in [1, 3, 10] {
            let alone = try KMeans(clusters: clusters).cluster(points, dimension: 9, seed: 1)
            for threads in [2, 3, 8] {
                #expect(try KMeans(clusters: clusters).cluster(points, dimension: 9, seed: 1, threads: threads) == alone)
            }
        }
    }

    @Test func `from given centres the iterations are Lloyd's`() throws {
        let points = ReferenceNumbers.bells(stream: 64, count: 9 * 3000)
        let start = Array(points[..<(9 * 6)])
        // Nearest centres and means in double precision, as the definition has them.
        var centres = start.map { Double($0) }
        for iterations in 1...6 {
            var sums = [Double](repeating: 0, count: 54)
            var counts = [Double](repeating: 0, count: 6)
            for point in 0..<3000 {
                let squares = (0..<6).map { cluster in
                    (0..<9).reduce(0.0) { sum, axis in
                        let difference = Double(points[point * 9 + axis]) - centres[cluster * 9 + axis]
                        return sum + difference * difference
                    }
                }
                let nearest = squares.indices.min { squares[$0] < squares[$1] }!
                counts[nearest] += 1
                for axis in 0..<9 { sums[nearest * 9 + axis] += Double(points[point * 9 + axis]) }
            }
            centres = sums.indices.map { sums[$0] / counts[$0 / 9] }
            let found = try KMeans(clusters: 6, maximumIterations: iterations, tolerance: 0)
                .cluster(points, dimension: 9, from: start, threads: 2)
            #expect(found.iterations == iterations)
            check(found, of: points, dimension: 9, clusters: 6)
            #expect(zip(found.centres, centres).allSatisfy { abs(Double($0) - $1) < 1e-3 }, "after \(iterations)")
        }
        #expect(throws: InitializerError.notFinite(point: 1, coordinate: 0)) {
            try KMeans(clusters: 1).cluster([1, .nan], dimension: 1, from: [0])
        }
    }

    @Test func `fewer distinct points than clusters leave clusters without members`() throws {
        let points: [Float] = [1, 1, 5, 5, 1, 1, 5, 5]
        let clustering = try KMeans(clusters: 5).cluster(points, dimension: 2, seed: 1)
        check(clustering, of: points, dimension: 2, clusters: 5)
        #expect(clustering.inertia == 0)
        #expect(clustering.counts.sorted() == [0, 0, 0, 2, 2])
        #expect(clustering.centres.allSatisfy { $0 == 1 || $0 == 5 })
        let alone = try KMeans(clusters: 256).cluster([3, 4], dimension: 2, seed: 1)
        #expect(alone.counts.reduce(0, +) == 1)
        #expect(alone.centres == (0..<512).map { $0 % 2 == 0 ? 3 : 4 })
    }

    @Test func `an emptied cluster is given the farthest point`() throws {
        // From two equal centres the second starts empty: it must take the outlier.
        let points: [Float] = [0, 0, 0, 0, 0, 0, 100]
        for seed in 0..<20 as Range<UInt64> {
            let clustering = try KMeans(clusters: 2, starts: 1).cluster(points, dimension: 1, seed: seed)
            #expect(clustering.counts.sorted() == [1, 6])
            #expect(clustering.inertia == 0)
        }
    }

    @Test func `one cluster is the mean and as many clusters as points are the points`() throws {
        let points = ReferenceNumbers.bells(stream: 61, count: 9 * 64)
        let one = try KMeans(clusters: 1).cluster(points, dimension: 9, seed: 1)
        for axis in 0..<9 {
            let mean = (0..<64).reduce(0) { $0 + Double(points[$1 * 9 + axis]) } / 64
            #expect(abs(Double(one.centres[axis]) - mean) < 1e-6)
        }
        let all = try KMeans(clusters: 64).cluster(points, dimension: 9, seed: 1)
        #expect(all.counts == [Int](repeating: 1, count: 64))
        #expect(all.inertia == 0)
    }

    @Test func `the iteration limit is kept`() throws {
        let points = ReferenceNumbers.bells(stream: 62, count: 9 * 2000)
        let clustering = try KMeans(clusters: 20, maximumIterations: 1, starts: 1).cluster(points, dimension: 9, seed: 1)
        #expect(clustering.iterations == 1)
        #expect(!clustering.converged)
        check(clustering, of: points, dimension: 9, clusters: 20)
    }

    @Test func `what cannot be clustered is an error`() {
        for bad in [Float.nan, .infinity, -.infinity] {
            #expect(throws: InitializerError.notFinite(point: 2, coordinate: 1)) {
                try KMeans(clusters: 2).cluster([1, 2, 3, 4, 5, bad, 7, 8], dimension: 2, seed: 1)
            }
        }
        #expect(throws: InitializerError.noPoints) { try KMeans(clusters: 2).cluster([], dimension: 2, seed: 1) }
        for clusters in [-1, 0, 257] {
            #expect(throws: InitializerError.clusterCount(actual: clusters, limit: 256)) {
                try KMeans(clusters: clusters).cluster([1, 2], dimension: 1, seed: 1)
            }
        }
    }
}
