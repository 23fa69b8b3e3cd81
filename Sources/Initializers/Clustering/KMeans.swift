import CKernels
import Dispatch
import Tensors

/// Lloyd's k-means in single precision, from k-means++ starts.
///
/// Starts are tried on at most ``seedingLimit`` of the points (evenly spread, drawn from the seed): each is a greedy
/// k-means++ choice followed by Lloyd's iterations, and the one of least inertia goes on with all points. Iterations
/// use Hamerly's bounds, so a point far from changing sides is not read. Sums, shifts and inertia are kept in double
/// precision. The result depends on the points, their order and the seed only.
///
/// An emptied cluster is given the point farthest from its centre, as in scikit-learn. With fewer distinct points than
/// clusters, the clusters left over have no member and repeat an earlier centre. Ties go to the lower cluster number.
///
/// Memory: 10 bytes a point besides the points. Cost of an iteration: at most one pass over the points.
///
/// Source: Arthur, Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007; Hamerly, "Making k-means even
/// faster", SDM 2010, <https://doi.org/10.1137/1.9781611972801.12>; defaults of scikit-learn 1.9's `KMeans`.
///
/// Differs: scikit-learn tries one start (`n_init="auto"`) and chooses it among all points.
package struct KMeans: Sendable, Hashable {
    /// The most clusters: assignments are bytes.
    package static let clusterLimit = 256

    /// The number of clusters, 1…256.
    package var clusters: Int
    /// The most iterations over all points.
    package var maximumIterations: Int
    /// Iterations stop when the centres' squared shifts sum to at most this times the mean variance of a coordinate.
    package var tolerance: Double
    /// The number of starts tried.
    package var starts: Int
    /// The most points starts are tried on.
    package var seedingLimit: Int

    package init(
        clusters: Int, maximumIterations: Int = 300, tolerance: Double = 1e-4, starts: Int = 4, seedingLimit: Int = 65_536
    ) {
        precondition(maximumIterations > 0 && tolerance >= 0 && starts > 0 && seedingLimit > 0)
        self.clusters = clusters
        self.maximumIterations = maximumIterations
        self.tolerance = tolerance
        self.starts = starts
        self.seedingLimit = seedingLimit
    }

    /// Clusters `points`, `[n][dimension]`. The number of threads changes no bit.
    ///
    /// Errors: ``InitializerError/noPoints``, ``InitializerError/clusterCount(actual:limit:)`` and
    /// ``InitializerError/notFinite(point:coordinate:)``.
    package func cluster(
        _ points: [Float], dimension: Int, seed: UInt64, threads: Int = 1
    ) throws(InitializerError) -> Clustering {
        try check(points, dimension: dimension)
        let shiftLimit = shiftLimit(points, dimension: dimension)
        let sample = SeedingSample(KMeans.sample(points, dimension: dimension, limit: seedingLimit, seed: seed), dimension: dimension)
        let tried = tryStarts(on: sample, seed: seed, shiftLimit: shiftLimit, threads: threads)
        // The first of equals.
        let best = tried.dropFirst().reduce(tried[0]) { $1.inertia < $0.inertia ? $1 : $0 }
        return iterate(points, dimension: dimension, from: best.centres, shiftLimit: shiftLimit, threads: threads)
    }

    /// Clusters `points`, `[n][dimension]`, from the given centres, `[clusters][dimension]`: Lloyd's iterations alone.
    ///
    /// Errors: as above.
    package func cluster(
        _ points: [Float], dimension: Int, from centres: [Float], threads: Int = 1
    ) throws(InitializerError) -> Clustering {
        try check(points, dimension: dimension)
        precondition(centres.count == clusters * dimension)
        return iterate(
            points, dimension: dimension, from: centres.map { Double($0) }, shiftLimit: shiftLimit(points, dimension: dimension),
            threads: threads)
    }

    private func check(_ points: [Float], dimension: Int) throws(InitializerError) {
        precondition(dimension > 0 && points.count.isMultiple(of: dimension))
        guard !points.isEmpty else { throw .noPoints }
        guard (1...KMeans.clusterLimit).contains(clusters) else {
            throw .clusterCount(actual: clusters, limit: KMeans.clusterLimit)
        }
        guard sower_all_finite(sower_product_level(), points, points.count) != 0 else {
            let place = points.firstIndex { !$0.isFinite }!
            throw .notFinite(point: place / dimension, coordinate: place % dimension)
        }
    }

    private func shiftLimit(_ points: [Float], dimension: Int) -> Double {
        tolerance * KMeans.meanVariance(points, dimension: dimension)
    }

    private func iterate(
        _ points: [Float], dimension: Int, from centres: [Double], shiftLimit: Double, threads: Int
    ) -> Clustering {
        var iterations = LloydIterations(points, dimension: dimension, centres: centres, threads: threads)
        iterations.run(maximum: maximumIterations, shiftLimit: shiftLimit)
        return iterations.finish()
    }

    /// The outcome of every start, in order; threads share the starts.
    private func tryStarts(
        on sample: SeedingSample, seed: UInt64, shiftLimit: Double, threads: Int
    ) -> [(centres: [Double], inertia: Double)] {
        var outcomes = [(centres: [Double], inertia: Double)](repeating: ([], 0), count: starts)
        outcomes.withUnsafeMutableBufferPointer { outcomes in
            nonisolated(unsafe) let outcomes = outcomes
            let parts = min(threads, starts)
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                for start in stride(from: part, to: starts, by: parts) {
                    var stream = RandomStream(seed: seed, substream: 1 + UInt64(start))
                    let chosen = sample.greedyStart(clusters: clusters, stream: &stream)
                    var iterations = LloydIterations(sample.points, dimension: sample.dimension, centres: chosen, threads: 1)
                    iterations.run(maximum: maximumIterations, shiftLimit: shiftLimit)
                    outcomes[start] = (iterations.centres, iterations.finish().inertia)
                }
            }
        }
        return outcomes
    }
}

/// What k-means found.
package struct Clustering: Sendable, Equatable {
    /// The centres, `[k][dimension]`.
    package var centres: [Float]
    /// The number of points of each cluster.
    package var counts: [Int]
    /// The cluster of each point: the one whose centre is nearest.
    package var assignments: [UInt8]
    /// The sum of squared distances from each point to its centre.
    package var inertia: Double
    /// The iterations done over all points.
    package var iterations: Int
    /// Whether iterations ended before their limit.
    package var converged: Bool
}
