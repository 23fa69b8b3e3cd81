import ArgumentParser
import Artifacts
import Digests
import Foundation
import Initializers
import Tensors

/// Times clusterings of made-up kernels.
struct KMeansBenchmark {
    enum Start: String, Codable, CaseIterable, ExpressibleByArgument {
        /// From centres that are points, evenly spread over all of them.
        case given
        /// From greedy k-means++ on a sample, with the defaults of a cluster job.
        case greedy
    }

    var count, dimension: Int
    var distance: KernelDistance
    var threads, iterations: Int
    var tolerance: Double
    var rounds: Int

    func run(clusters: [Int], starts: [Start]) throws -> KMeansReport {
        let kernels = madeUpKernels()
        var features: [Float] = []
        let featureSeconds = seconds { features = self.features(of: kernels) }
        var cases: [KMeansReport.Case] = []
        for clusters in clusters {
            for start in starts { cases.append(try measure(clusters: clusters, start: start, features)) }
        }
        return KMeansReport(
            points: count, dimensions: dimension, threads: threads, distance: distance.rawValue, featureSeconds: featureSeconds,
            tolerance: tolerance, iterationLimit: iterations, cases: cases, peakMemoryMegabytes: ProcessMemory.peakMegabytes)
    }

    /// Writes `points`, `[n, d]`, and for each number of clusters `start-k`, `[k, d]`.
    func export(clusters: [Int], to path: String) throws {
        let points = features(of: madeUpKernels())
        let starts = Set(clusters).sorted().map { clusters in
            SafetensorsTensor(name: "start-\(clusters)", shape: [clusters, dimension], floats: givenCentres(clusters, points))
        }
        let tensors = [SafetensorsTensor(name: "points", shape: [count, dimension], floats: points)] + starts
        try Data(SafetensorsWriter.encode(tensors)).write(to: URL(fileURLWithPath: path))
    }

    private func measure(clusters: Int, start: Start, _ points: [Float]) throws -> KMeansReport.Case {
        let kMeans = KMeans(clusters: clusters, maximumIterations: iterations, tolerance: tolerance)
        let given = givenCentres(clusters, points)
        var times: [Double] = []
        var found: Clustering?
        for _ in 0..<rounds {
            times.append(
                try seconds {
                    found =
                        switch start {
                        case .given: try kMeans.cluster(points, dimension: dimension, from: given, threads: threads)
                        case .greedy: try kMeans.cluster(points, dimension: dimension, seed: 1, threads: threads)
                        }
                })
        }
        guard let found else { preconditionFailure("there is at least one round") }
        let bytes = found.centres.withUnsafeBytes { Array($0) } + found.assignments
        return KMeansReport.Case(
            clusters: clusters, start: start, seconds: times.sorted()[times.count / 2], rounds: times, iterations: found.iterations,
            converged: found.converged, inertia: found.inertia, emptyClusters: found.counts.count { $0 == 0 },
            digest: Digest(of: bytes).description)
    }

    private func features(of kernels: [Float]) -> [Float] {
        // A Euclidean point need be no square kernel.
        distance == .euclidean
            ? kernels : distance.features(of: kernels, side: Int(Double(dimension).squareRoot().rounded()))
    }

    private func givenCentres(_ clusters: Int, _ points: [Float]) -> [Float] {
        (0..<clusters).flatMap { part in
            let point = part * count / clusters
            return points[point * dimension..<(point + 1) * dimension]
        }
    }

    /// Kernels like those of trained networks: each is one of forty shapes, or its negative, under noise of half its size,
    /// times a strength with a lognormal distribution (most kernels are weak, a few strong).
    private func madeUpKernels() -> [Float] {
        var stream = RandomStream(seed: 1)
        let shapes = 40
        let families = (0..<shapes * dimension).map { _ in stream.normal() }
        var kernels = [Float](repeating: 0, count: count * dimension)
        for kernel in 0..<count {
            let family = stream.index(below: shapes) * dimension
            let strength = 0.015 * Float(exp(0.5 * Double(stream.normal()))) * (stream.uniform() < 0.5 ? -1 : 1)
            for element in 0..<dimension {
                kernels[kernel * dimension + element] = strength * (families[family + element] + 0.5 * stream.normal())
            }
        }
        return kernels
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
