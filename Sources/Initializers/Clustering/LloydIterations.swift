import CKernels

/// Lloyd's iterations over one set of points, with Hamerly's bounds.
///
/// Invariants between steps: `sums` and `counts` belong to the assignments; `upper` is at least the distance of a point to
/// its centre and `lower` at most its distance to any other centre.
///
/// Threads share a pass twice: by points to find the nearest centres, then by clusters to move what has changed between
/// their sums, each in the order of the points. So every sum is the chain of additions that one thread would make, and
/// neither the number of threads nor the instruction set changes a bit.
struct LloydIterations {
    private let points: [Float]
    private let dimension: Int
    private let clusters: Int
    private let threads: Int
    private let level: Int32
    /// The centres, `[k][dimension]`.
    private(set) var centres: [Double]
    private(set) var iterations = 0
    private(set) var converged = false

    private let states: PointStates
    private var sums: [Double]
    private var counts: [Int]

    // Rounding must not make a bound wrong: what bounds from above is rounded up, and from below, down.
    private static let up: Float = 1.00001
    private static let down: Float = 0.99999

    /// Points that a thread takes at a time.
    private static let grain = 1 << 15

    init(_ points: [Float], dimension: Int, centres: [Double], threads: Int) {
        self.points = points
        self.dimension = dimension
        self.centres = centres
        self.threads = threads
        level = sower_product_level()
        clusters = centres.count / dimension
        let count = points.count / dimension
        states = PointStates(count: count)
        counts = [Int](repeating: 0, count: clusters)
        sums = [Double](repeating: 0, count: centres.count)
        counts[0] = count
        let origin = [Float](repeating: 0, count: dimension)
        sower_kmeans_moments(level, points, count, dimension, origin, &sums, nil)
    }

    /// Iterates until no assignment changes, the centres' squared shifts sum to `shiftLimit` at most, or `maximum`
    /// iterations are done.
    mutating func run(maximum: Int, shiftLimit: Double) {
        _ = reassign()
        while iterations < maximum {
            iterations += 1
            let shifts = moveCentres()
            if shifts.reduce(0, { $0 + $1 * $1 }) <= shiftLimit {
                converged = true
                return
            }
            if reassign(after: shifts) == 0 {
                converged = true
                return
            }
        }
    }

    /// Assigns every point to the nearest of the centres as they are, and adds up the squared distances.
    mutating func finish() -> Clustering {
        states.forgetBounds()
        _ = reassign()
        return Clustering(
            centres: centres.map { Float($0) }, counts: counts,
            assignments: [UInt8](UnsafeBufferPointer(start: states.assignments, count: states.count)), inertia: inertia(),
            iterations: iterations, converged: converged)
    }
}

extension LloydIterations {
    /// Moves each centre to the mean of its members; returns how far each went. A cluster without members is first given
    /// the point farthest from its centre; where all points sit on their centres it stays where it is.
    private mutating func moveCentres() -> [Double] {
        if counts.contains(0) { relocateEmptyClusters() }
        return (0..<clusters).map { cluster in
            guard counts[cluster] > 0 else { return 0 }
            var square = 0.0
            for element in cluster * dimension..<(cluster + 1) * dimension {
                let mean = sums[element] / Double(counts[cluster])
                square += (mean - centres[element]) * (mean - centres[element])
                centres[element] = mean
            }
            return square.squareRoot()
        }
    }

    /// Gives each empty cluster the farthest point of a cluster that has others.
    private mutating func relocateEmptyClusters() {
        var distances = (0..<states.count).map { squaredDistance(point: $0, cluster: Int(states.assignments[$0])) }
        var moved = false
        for cluster in 0..<clusters where counts[cluster] == 0 {
            var farthest: Int?
            for (point, distance) in distances.enumerated()
            where distance > 0 && counts[Int(states.assignments[point])] > 1 && distance > farthest.map({ distances[$0] }) ?? 0 {
                farthest = point
            }
            guard let farthest else { break }
            transfer(farthest, to: cluster)
            distances[farthest] = 0
            moved = true
        }
        if moved { states.forgetBounds() }
    }

    private func squaredDistance(point: Int, cluster: Int) -> Double {
        (0..<dimension).reduce(0) { sum, axis in
            let difference = Double(points[point * dimension + axis]) - centres[cluster * dimension + axis]
            return sum + difference * difference
        }
    }

    /// Moves a point's share of the sums from its cluster to another.
    private mutating func transfer(_ point: Int, to cluster: Int) {
        let old = Int(states.assignments[point])
        for axis in 0..<dimension {
            let value = Double(points[point * dimension + axis])
            sums[old * dimension + axis] -= value
            sums[cluster * dimension + axis] += value
        }
        counts[old] -= 1
        counts[cluster] += 1
        states.assignments[point] = UInt8(cluster)
    }

    /// How much centres that moved loosen the bounds of each cluster's points: the upper one by the own shift, the lower one by
    /// the largest of the others.
    private func loosening(_ shifts: [Double]) -> (rise: [Float], fall: [Float]) {
        var largest = 0, second = -1
        for cluster in 1..<max(clusters, 1) {
            if shifts[cluster] > shifts[largest] {
                second = largest
                largest = cluster
            } else if second < 0 || shifts[cluster] > shifts[second] {
                second = cluster
            }
        }
        let rise = shifts.map { Float($0) * LloydIterations.up }
        let fall = (0..<clusters).map { cluster -> Float in
            let other = cluster == largest ? second : largest
            return other < 0 ? 0 : rise[other]
        }
        return (rise, fall)
    }

    /// Half the distance from each centre to the nearest other one: points closer than that cannot change sides.
    private func halfSeparations() -> [Float] {
        (0..<clusters).map { a in
            var least = Double.infinity
            for b in 0..<clusters where b != a {
                var square = 0.0
                for axis in 0..<dimension {
                    let difference = centres[a * dimension + axis] - centres[b * dimension + axis]
                    square += difference * difference
                }
                least = min(least, square)
            }
            return Float(least.squareRoot() / 2) * LloydIterations.down
        }
    }

    /// Calls `body` with what a pass over the points needs.
    private func withPass<Result>(after shifts: [Double]?, _ body: (UnsafePointer<sower_kmeans_pass>) -> Result) -> Result {
        let (rise, fall) = loosening(shifts ?? [Double](repeating: 0, count: clusters))
        let separations = halfSeparations()
        let looseness = (0..<clusters).flatMap { cluster -> [Float] in [rise[cluster], fall[cluster], separations[cluster], 0] }
        let rounded = centres.map { Float($0) }
        return points.withUnsafeBufferPointer { points in
            rounded.withUnsafeBufferPointer { rounded in
                looseness.withUnsafeBufferPointer { looseness in
                    var pass = sower_kmeans_pass(
                        points: points.baseAddress, dimension: dimension, clusters: clusters, centres: rounded.baseAddress,
                        looseness: looseness.baseAddress, assignments: states.assignments, next: states.next, upper: states.upper,
                        lower: states.lower)
                    return body(&pass)
                }
            }
        }
    }

    /// Brings every assignment up to date, after the centres moved if they did; returns how many changed.
    private mutating func reassign(after shifts: [Double]? = nil) -> Int {
        // One thread alone moves points while they are in its cache. Several would wait for each other too often.
        let stretch = threads == 1 ? LloydIterations.grain : states.count
        let tile = 16 * dimension
        let scratch = UnsafeMutablePointer<Float>.allocate(capacity: tile * threads)
        defer { scratch.deallocate() }
        let shared = SharedSums(sums, counts, dimension: dimension)
        let changed = withPass(after: shifts) { pass in
            var changed = 0
            for start in stride(from: 0, to: states.count, by: stretch) {
                let end = min(start + stretch, states.count)
                inParallel(threads, end - start, grain: LloydIterations.grain) { range, thread in
                    sower_kmeans_reassign(level, pass, start + range.lowerBound, start + range.upperBound, scratch + tile * thread)
                }
                // Each thread looks at all of these points, and counts the same changes.
                inParallel(threads, clusters, grain: (clusters + threads - 1) / threads) { range, _ in
                    let moved = sower_kmeans_transfer(
                        level, pass, start, end, range.lowerBound, range.upperBound, shared.sums, shared.stride, shared.counts)
                    if range.lowerBound == 0 { changed += moved }
                }
            }
            return changed
        }
        (sums, counts) = shared.values
        states.acceptNext()
        return changed
    }

    /// The sum of squared distances to the centres as they are, rounded, in the order of the points.
    private func inertia() -> Double {
        withPass(after: nil) { pass in
            let stretch = min(8 * LloydIterations.grain, states.count)
            let squares = UnsafeMutablePointer<Double>.allocate(capacity: stretch)
            defer { squares.deallocate() }
            var sum = 0.0
            for start in stride(from: 0, to: states.count, by: stretch) {
                let count = min(stretch, states.count - start)
                inParallel(threads, count, grain: LloydIterations.grain) { range, _ in
                    sower_kmeans_squares(
                        level, pass, start + range.lowerBound, start + range.upperBound, squares + range.lowerBound)
                }
                for place in 0..<count { sum += squares[place] }
            }
            return sum
        }
    }
}
