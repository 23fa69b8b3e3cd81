import Initializers
import Tensors

/// Clusterings whose every bit is known: those of a plain k-means on one thread, without the kernels that are used now.
///
/// Finished studies hold codebooks with these bits: should a digest change, so would theirs.
enum GoldenClusterings {
    struct Case {
        var name: String
        var digest: UInt64
    }

    /// Codebooks of 3×3 and 7×7 kernels, by every distance there was.
    static func codebooks() throws -> [Case] {
        var cases: [Case] = []
        for (side, count, stream) in [(3, 4000, 80), (7, 900, 81)] {
            let kernels = strongAndWeak(stream: stream, count: count, dimension: side * side)
            for distance in [KernelDistance.euclidean, .fourierMagnitude, .fourierReal] {
                for k in [1, 2, 3, 10, 30, 50] {
                    let codebook = try KernelCodebook.cluster(
                        kernels: Tensor(shape: [count, side, side], values: kernels), distance: distance, k: k, seed: UInt64(100 + k))
                    var digest = FowlerNollVo()
                    codebook.centres.values.forEach { digest.add(UInt64($0.bitPattern)) }
                    codebook.counts.forEach { digest.add(UInt64($0)) }
                    cases.append(Case(name: "\(side)×\(side) \(distance.rawValue) \(k)", digest: digest.value))
                }
            }
        }
        return cases
    }

    /// Whole clusterings of awkward points: repeated, far from zero, on a line, too few, huge; samples smaller than the points.
    static func clusterings(threads: Int) throws -> [Case] {
        let bells = ReferenceNumbers.bells(stream: 82, count: 9 * 5000)
        let points: [(name: String, dimension: Int, values: [Float])] = [
            ("bells", 9, bells),
            ("repeated", 9, bells.map { $0.rounded() }),
            ("few distinct", 3, (0..<900).map { Float($0 / 3 % 7 * ($0 % 3)) }),
            ("far from zero", 9, bells.map { 1000 + $0 }),
            ("line", 1, bells),
            ("plane", 2, bells),
            ("huge", 9, bells.prefix(9000).map { $0 * 1e19 }),
            ("tiny", 9, bells.prefix(9000).map { $0 * 1e-22 }),
            ("four points", 9, Array(bells.prefix(36))),
            ("equal points", 9, [Float](repeating: 1, count: 900)),
        ]
        let settings = [
            KMeans(clusters: 3), KMeans(clusters: 10, maximumIterations: 5, tolerance: 0, seedingLimit: 1000),
            KMeans(clusters: 17, tolerance: 0, starts: 3, seedingLimit: 64), KMeans(clusters: 50, starts: 2),
            KMeans(clusters: 256, maximumIterations: 20, starts: 1, seedingLimit: 2000),
        ]
        return try points.flatMap { set in
            try settings.map { kMeans in
                let found = try kMeans.cluster(
                    set.values, dimension: set.dimension, seed: UInt64(kMeans.clusters), threads: threads)
                var digest = FowlerNollVo()
                found.centres.forEach { digest.add(UInt64($0.bitPattern)) }
                found.counts.forEach { digest.add(UInt64($0)) }
                found.assignments.forEach { digest.add(UInt64($0)) }
                digest.add(found.inertia.bitPattern)
                digest.add(UInt64(found.iterations))
                digest.add(found.converged ? 1 : 0)
                return Case(name: "\(set.name) \(kMeans.clusters)", digest: digest.value)
            }
        }
    }

    /// Kernels of very different strength.
    static func strongAndWeak(stream: Int, count: Int, dimension: Int) -> [Float] {
        let bells = ReferenceNumbers.bells(stream: stream, count: count * dimension)
        return bells.indices.map { bells[$0] * (($0 / dimension).isMultiple(of: 5) ? 1 : 0.125) }
    }
}

/// The 64-bit FNV-1a hash, by bytes, the lowest first.
struct FowlerNollVo {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ number: UInt64) {
        for byte in 0..<8 { value = (value ^ (number >> UInt64(8 * byte) & 255)) &* 0x100_0000_01B3 }
    }
}
