/// Lloyd's iterations over one set of points, with Hamerly's bounds.
///
/// Invariants between steps: `sums` and `counts` belong to `assignments`; `upper` is at least the distance of a point to
/// its centre and `lower` at most its distance to any other centre.
struct LloydIterations {
    private let points: [Float]
    private let dimension: Int
    private let clusters: Int
    /// The centres, `[k][dimension]`.
    private(set) var centres: [Double]
    private(set) var iterations = 0
    private(set) var converged = false

    private var assignments: [UInt8]
    private var upper: [Float]
    private var lower: [Float]
    private var sums: [Double]
    private var counts: [Int]

    // Rounding must not make a bound wrong: what bounds from above is rounded up, and from below, down.
    private static let up: Float = 1.00001
    private static let down: Float = 0.99999

    init(_ points: [Float], dimension: Int, centres: [Double]) {
        self.points = points
        self.dimension = dimension
        self.centres = centres
        clusters = centres.count / dimension
        let count = points.count / dimension
        assignments = [UInt8](repeating: 0, count: count)
        upper = [Float](repeating: .infinity, count: count)
        lower = [Float](repeating: 0, count: count)
        counts = [Int](repeating: 0, count: clusters)
        sums = [Double](repeating: 0, count: centres.count)
        counts[0] = count
        for start in stride(from: 0, to: points.count, by: dimension) {
            for axis in 0..<dimension { sums[axis] += Double(points[start + axis]) }
        }
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
            loosen(by: shifts)
            if reassign() == 0 {
                converged = true
                return
            }
        }
    }

    /// Assigns every point to the nearest of the centres as they are, and adds up the squared distances.
    mutating func finish() -> Clustering {
        for point in upper.indices {
            upper[point] = .infinity
            lower[point] = 0
        }
        _ = reassign()
        var inertia = 0.0
        let rounded = centres.map { Float($0) }
        points.withUnsafeBufferPointer { points in
            for (point, cluster) in assignments.enumerated() {
                var distance = 0.0
                for axis in 0..<dimension {
                    let centre = rounded[Int(cluster) * dimension + axis]
                    let difference = Double(points[point * dimension + axis]) - Double(centre)
                    distance += difference * difference
                }
                inertia += distance
            }
        }
        return Clustering(
            centres: rounded, counts: counts, assignments: assignments, inertia: inertia, iterations: iterations,
            converged: converged)
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
        var distances = assignments.indices.map { squaredDistance(point: $0, cluster: Int(assignments[$0])) }
        var moved = false
        for cluster in 0..<clusters where counts[cluster] == 0 {
            var farthest: Int?
            for (point, distance) in distances.enumerated()
            where distance > 0 && counts[Int(assignments[point])] > 1 && distance > farthest.map({ distances[$0] }) ?? 0 {
                farthest = point
            }
            guard let farthest else { break }
            transfer(farthest, to: cluster)
            distances[farthest] = 0
            moved = true
        }
        guard moved else { return }
        for point in upper.indices {
            upper[point] = .infinity
            lower[point] = 0
        }
    }

    private func squaredDistance(point: Int, cluster: Int) -> Double {
        (0..<dimension).reduce(0) { sum, axis in
            let difference = Double(points[point * dimension + axis]) - centres[cluster * dimension + axis]
            return sum + difference * difference
        }
    }

    /// Moves a point's share of the sums from its cluster to another.
    private mutating func transfer(_ point: Int, to cluster: Int) {
        let old = Int(assignments[point])
        for axis in 0..<dimension {
            let value = Double(points[point * dimension + axis])
            sums[old * dimension + axis] -= value
            sums[cluster * dimension + axis] += value
        }
        counts[old] -= 1
        counts[cluster] += 1
        assignments[point] = UInt8(cluster)
    }

    /// Keeps the bounds true after the centres moved: the own one by its shift, the others by the largest of theirs.
    private mutating func loosen(by shifts: [Double]) {
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
        assignments.withUnsafeBufferPointer { assignments in
            upper.withUnsafeMutableBufferPointer { upper in
                lower.withUnsafeMutableBufferPointer { lower in
                    for point in assignments.indices {
                        let cluster = Int(assignments[point])
                        upper[point] += rise[cluster]
                        lower[point] -= fall[cluster]
                    }
                }
            }
        }
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

    /// Brings every assignment up to date; returns how many changed.
    private mutating func reassign() -> Int {
        let separations = halfSeparations()
        let rounded = centres.map { Float($0) }
        let dimension = dimension
        var changed = 0
        var pending = PendingPoints(dimension: dimension)
        points.withUnsafeBufferPointer { points in
            rounded.withUnsafeBufferPointer { rounded in
                for point in 0..<points.count / dimension {
                    let cluster = Int(assignments[point])
                    let safe = max(lower[point], separations[cluster])
                    if upper[point] < safe { continue }
                    if upper[point] < .infinity {
                        var square: Float = 0
                        for axis in 0..<dimension {
                            let difference = points[point * dimension + axis] - rounded[cluster * dimension + axis]
                            square += difference * difference
                        }
                        upper[point] = square.squareRoot() * LloydIterations.up
                        if upper[point] < safe { continue }
                    }
                    pending.append(point, points)
                    if pending.isFull { changed += settle(&pending, rounded) }
                }
                if !pending.isEmpty { changed += settle(&pending, rounded) }
            }
        }
        return changed
    }

    /// Compares the pending points with every centre, sets their assignments and bounds; returns how many changed.
    private mutating func settle(_ pending: inout PendingPoints, _ centres: UnsafeBufferPointer<Float>) -> Int {
        let found = pending.nearestTwo(of: centres)
        var changed = 0
        for lane in 0..<pending.count {
            let point = Int(pending.indices[lane])
            upper[point] = found.nearest[lane].squareRoot() * LloydIterations.up
            lower[point] = found.second[lane].squareRoot() * LloydIterations.down
            let cluster = Int(found.cluster[lane])
            if cluster != Int(assignments[point]) {
                transfer(point, to: cluster)
                changed += 1
            }
        }
        pending.removeAll()
        return changed
    }
}
