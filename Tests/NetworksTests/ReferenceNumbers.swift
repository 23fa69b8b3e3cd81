import Foundation
import Tensors

/// The fixture `scripts/reference/resnet18.py` writes, and the numbers it is made from.
struct ReferenceNumbers: Decodable {
    struct Digest: Decodable {
        var norm: Double
        var projections: [Double]
        var entries: [Double]
    }

    struct Case: Decodable {
        var name: String
        var image_size, channels, classes, batch, steps: Int
        var norm_bias: Float
        var losses: [Double]
        var logits, evaluation_logits: Digest
        var gradients, state: [String: Digest]
    }

    var pytorch: String
    var seed: UInt64
    var learning_rate, momentum, weight_decay: Double
    var cases: [Case]

    static func load() throws -> ReferenceNumbers {
        let url = Bundle.module.url(forResource: "Fixtures/resnet18", withExtension: "json")!
        return try JSONDecoder().decode(ReferenceNumbers.self, from: Data(contentsOf: url))
    }
}

/// splitmix64 of a numbered stream, as in the script.
func splitmix(stream: UInt64, index: Int) -> UInt64 {
    var z = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    z &+= stream &* 0xD134_2543_DE82_EF95
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}

/// A number in [-1, 1), as in the script.
func hashedUniform(stream: UInt64, index: Int) -> Float {
    Float(Double(splitmix(stream: stream, index: index) >> 40) / 0x1p23 - 1)
}

func hashedTensor(_ shape: [Int], stream: UInt64, scale: Float = 1, offset: Float = 0) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(
        shape: shape, values: (0..<count).map { offset + scale * hashedUniform(stream: stream, index: $0) })
}

extension ReferenceNumbers.Digest {
    /// The relative error of `tensor`: the larger of its projections' and its entries', both against the norm,
    /// or against `floor` where that is larger: some gradients are zero but for rounding.
    func error(of tensor: Tensor, floor: Double = 0) -> Double {
        let values = tensor.values
        let norm = max(self.norm, floor)
        var worst = abs(values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() - self.norm) / norm
        for (k, expected) in projections.enumerated() {
            var sum = 0.0
            for (index, value) in values.enumerated() {
                sum += splitmix(stream: UInt64(7000 + k), index: index) & 1 == 1 ? Double(value) : -Double(value)
            }
            // A projection of the difference is about as long as the difference itself.
            worst = max(worst, abs(sum - expected) / norm)
        }
        var difference = 0.0
        var length = 0.0
        for (k, expected) in entries.enumerated() {
            let index = Int(splitmix(stream: 7100, index: k) % UInt64(values.count))
            difference += (Double(values[index]) - expected) * (Double(values[index]) - expected)
            length += expected * expected
        }
        // Sampled entries may all be small next to the rest, so they are measured against their share of the norm too.
        let share = norm * norm * Double(entries.count) / Double(values.count)
        return max(worst, (difference / max(length, share, 1e-60)).squareRoot())
    }
}

/// Learning rates from `scripts/reference/schedules.py`.
struct ReferenceSchedules: Decodable {
    struct Sequence: Decodable {
        var mode: String
        var factor: Double
        var patience: Int
        var values, rates: [Double]
    }

    var pytorch: String
    var sequences: [Sequence]

    static func load() throws -> ReferenceSchedules {
        let url = Bundle.module.url(forResource: "Fixtures/schedules", withExtension: "json")!
        return try JSONDecoder().decode(ReferenceSchedules.self, from: Data(contentsOf: url))
    }
}
