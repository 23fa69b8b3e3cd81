import ArgumentParser
import Foundation
import Initializers

struct BenchKMeansCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kmeans", abstract: "How long the kernels of a layer take to cluster.",
        discussion: """
            The points are made up, in the likeness of the kernels of several trained networks: families of shapes, each kernel with a \
            strength of its own, most of them weak. Clusterings begin at given centres (points spread over all of them: Lloyd's \
            iterations alone) or at those that greedy k-means++ finds (a whole clustering, as a cluster job does it). The digest is that of centres and \
            assignments: it depends neither on the number of threads nor on the CPU.
            """)

    @Option(help: "Points, 1 to 10000000; the default is what ten ResNet-18s have in one of their largest layers.")
    var points = 2_621_440

    @Option(help: "Coordinates of a point, 1 to 1024: for the Fourier distances a square number.")
    var dimensions = 9

    @Option(help: "Clusters, 1 to \(KMeans.clusterLimit); may be repeated.")
    var clusters: [Int] = []

    @Option(help: "Threads, 1 to 256.")
    var threads = 1

    @Option(help: "The distance of a study: \(KernelDistance.allCases.map(\.rawValue).joined(separator: ", ")).")
    var distance = KernelDistance.euclidean.rawValue

    @Option(help: "given or greedy; the default is both.")
    var start: KMeansBenchmark.Start?

    @Option(help: "The most iterations, 1 to 10000.")
    var iterations = 300

    @Option(help: "Iterations end when the centres' squared shifts sum to at most this times the mean variance of a coordinate.")
    var tolerance = 1e-4

    @Option(help: "How often each is measured; the median counts.")
    var rounds = 1

    @Option(
        help: ArgumentHelp(
            "Write points (as the distance has them) and given centres to this safetensors file, and measure nothing.", valueName: "file"))
    var export: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...10_000_000).contains(points), (1...1024).contains(dimensions), points * dimensions <= 1 << 30,
            (1...256).contains(threads), (1...10_000).contains(iterations), (1...100).contains(rounds)
        else {
            throw ValidationError(
                "expected --points 1 to 10000000 and --dimensions 1 to 1024, at most 2^30 numbers in all, --threads 1 to 256, "
                    + "--iterations 1 to 10000 and --rounds 1 to 100")
        }
        guard clusters.allSatisfy({ (1...KMeans.clusterLimit).contains($0) && $0 <= points }) else {
            throw ValidationError("expected --clusters 1 to \(KMeans.clusterLimit), and no more than points")
        }
        guard tolerance >= 0, tolerance.isFinite else { throw ValidationError("expected a --tolerance of 0 or more") }
        guard KernelDistance(rawValue: distance) != nil else {
            throw ValidationError(
                "--distance \(distance) is none of \(KernelDistance.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let side = Int(Double(dimensions).squareRoot().rounded())
        guard distance == KernelDistance.euclidean.rawValue || side * side == dimensions else {
            throw ValidationError("--distance \(distance) needs square kernels: \(dimensions) dimensions are not K×K")
        }
    }

    func run() throws {
        guard let distance = KernelDistance(rawValue: distance) else { preconditionFailure("validated above") }
        let benchmark = KMeansBenchmark(
            count: points, dimension: dimensions, distance: distance, threads: threads, iterations: iterations, tolerance: tolerance,
            rounds: rounds)
        let clusters = clusters.isEmpty ? [3, 10, 50].filter { $0 <= points } : clusters
        if let export {
            try benchmark.export(clusters: clusters, to: export)
            return
        }
        let report = try benchmark.run(clusters: clusters, starts: start.map { [$0] } ?? KMeansBenchmark.Start.allCases)
        switch output.outputMode {
        case .json: print(try JSONOutput.text(report))
        case .cli: print(report.text)
        case .quiet: break
        }
    }
}

/// The benchmark's JSON.
struct KMeansReport: Codable {
    struct Case: Codable {
        var clusters: Int
        var start: KMeansBenchmark.Start
        /// The median of the rounds, and all of them.
        var seconds: Double
        var rounds: [Double]
        /// Over all points.
        var iterations: Int
        var converged: Bool
        var inertia: Double
        var emptyClusters: Int
        /// SHA-256 of the centres and assignments.
        var digest: String
    }

    var version = 1
    var kind = "kmeans-benchmark"
    var points, dimensions, threads: Int
    var distance: String
    /// What the distance's features of all points took; not part of the times below.
    var featureSeconds: Double
    var tolerance: Double
    var iterationLimit: Int
    var cases: [Case]
    var peakMemoryMegabytes: Double

    /// For people.
    var text: String {
        let rows = cases.map { one in
            let start = one.start.rawValue.padding(toLength: 6, withPad: " ", startingAt: 0)
            let ending = one.converged ? "" : ", not converged"
            return String(format: "  k = %3d  ", one.clusters) + start
                + String(
                    format: "  %8.3f s  %3d iterations  %7.2f ms each  inertia %.6g", one.seconds, one.iterations,
                    1000 * one.seconds / Double(one.iterations), one.inertia) + ending
        }
        return
            ([
                "\(points) points of \(dimensions) numbers, \(distance), \(threads) threads; features "
                    + String(format: "%.3f s, peak memory %.0f MB", featureSeconds, peakMemoryMegabytes)
            ] + rows).joined(separator: "\n")
    }
}
