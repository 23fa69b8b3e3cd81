import Foundation

/// The fixture `scripts/reference/filters.py` writes.
struct FilterReference: Decodable {
    struct Cosine: Decodable {
        var stream, count, side, clusters, directions: Int
        var inertia: Double
        var single: [Double]
        var counts: [Int]
        var centres: [[Double]]
    }

    struct Assignment: Decodable {
        var stream, count, levels: Int
        var total: Double
        var columns: [Int]
    }

    struct Matching: Decodable {
        var stream, networks: Int
        var shape: [Int]
        var greedy, optimal: [[Int]]
    }

    var cosine: [Cosine]
    var assignment: [Assignment]
    var matching: [Matching]

    static func load() throws -> FilterReference {
        let url = Bundle.module.url(forResource: "filters", withExtension: "json", subdirectory: "Fixtures")!
        return try JSONDecoder().decode(FilterReference.self, from: Data(contentsOf: url))
    }
}

extension FilterReference.Cosine {
    /// The script's kernels.
    var kernels: [Float] {
        let area = side * side
        var kernels = ReferenceNumbers.bells(stream: stream, count: count * area)
        let axes = ReferenceNumbers.bells(stream: stream + 100, count: directions * area)
        for index in kernels.indices {
            let kernel = index / area
            if directions > 0 {
                let axis = axes[kernel % directions * area + index % area]
                kernels[index] = (axis + kernels[index] / 16) * Float(1 + kernel % 8)
            } else if kernel % 50 == 0 {
                kernels[index] = 0
            }
        }
        return kernels
    }
}

extension FilterReference.Matching {
    /// The script's filters, a list a network.
    var filters: [[Float]] {
        let size = shape.reduce(1, *), filter = size / shape[0]
        let noise = ReferenceNumbers.bells(stream: stream, count: networks * size)
        return (0..<networks).map { network in
            (0..<size).map { index in
                guard network > 0 else { return noise[index] }
                let turned = (index / filter - network * 3 % shape[0] + shape[0]) % shape[0]
                return noise[turned * filter + index % filter] + 2 * noise[network * size + index]
            }
        }
    }
}
