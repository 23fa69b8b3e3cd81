import Foundation

/// The fixture `scripts/reference/kmeans.py` writes, and the points it is about.
struct ReferenceNumbers: Decodable {
    struct ClusteringCase: Decodable {
        var kind: String
        var stream, count, dimension, clusters: Int
        var sum, inertia: Double
        var single: [Double]
        var counts: [Int]
    }

    struct Transform: Decodable {
        var stream, side: Int
        var real, imaginary, magnitude, inverse_of_real: [Double]
    }

    struct Gabor: Decodable {
        var side: Int
        var sigma, theta, lambda, psi, gamma: Float
        var values: [Double]
    }

    var clusterings: [ClusteringCase]
    var transforms: [Transform]
    var gabor: [Gabor]

    static func load() throws -> ReferenceNumbers {
        let url = Bundle.module.url(forResource: "reference", withExtension: "json", subdirectory: "Fixtures")!
        return try JSONDecoder().decode(ReferenceNumbers.self, from: Data(contentsOf: url))
    }

    /// The script's `bells`: nearly normal numbers of variance 1/3, exact in single precision.
    static func bells(stream: Int, count: Int) -> [Float] {
        (0..<count).map { index in
            var z = (UInt64(index) &+ 1) &* 0x9E37_79B9_7F4A_7C15
            z = z &+ UInt64(stream) &* 0xD134_2543_DE82_EF95
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            let total = (0..<4).reduce(0) { $0 + Int(z >> UInt64(16 * $1) & 0xFFFF) }
            return Float(total - 131_070) / 65_536
        }
    }
}

extension ReferenceNumbers.ClusteringCase {
    /// The script's `points`.
    var points: [Float] {
        var values = ReferenceNumbers.bells(stream: stream, count: count * dimension)
        if kind == "separated" {
            for index in values.indices {
                let corner = index / dimension % 7, axis = index % dimension
                values[index] += Float((corner + 1) >> (axis % 3) & 1) * 16
            }
        }
        return values
    }
}
