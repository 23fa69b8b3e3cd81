import Foundation

/// The fixture `scripts/reference/augmentation.py` writes.
struct ReferenceNumbers: Decodable {
    struct Crop: Decodable {
        var side, padding, top, left: Int
        var flips: Bool
        var sources: [Int32]
    }

    struct Resize: Decodable {
        var size: Int
        /// Row, column, value.
        var samples: [[Double]]
    }

    struct Mixed: Decodable {
        var lambda: Double
        var partner: [Int]
        var rows, mixed: [[Float]]
    }

    struct Beta: Decodable {
        var alpha: Double
        var points, probabilities: [Double]
    }

    var crops: [Crop]
    /// `[3][256]`, flat.
    var normalization: [Float]
    var resizes: [Resize]
    var mixup: Mixed
    var beta: [Beta]

    static func load() throws -> ReferenceNumbers {
        let url = Bundle.module.url(forResource: "Fixtures/augmentation", withExtension: "json")!
        return try JSONDecoder().decode(ReferenceNumbers.self, from: Data(contentsOf: url))
    }
}
