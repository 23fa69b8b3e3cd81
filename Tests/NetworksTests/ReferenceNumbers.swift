import Foundation
import Networks
import Tensors

private func fixture<Numbers: Decodable>(_ name: String) throws -> Numbers {
    guard let url = Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json") else {
        throw CocoaError(.fileNoSuchFile, userInfo: [NSFilePathErrorKey: "Fixtures/\(name).json"])
    }
    return try JSONDecoder().decode(Numbers.self, from: Data(contentsOf: url))
}

/// A fixture of `scripts/reference/networks.py`, and the numbers it is made from.
struct ReferenceNumbers: Decodable {
    struct Digest: Decodable {
        var norm: Double
        var projections: [Double]
        var entries: [Double]
    }

    struct Mixup: Decodable { var lambda: Float }

    struct Case: Decodable {
        var name: String
        var image_size, channels, classes, batch, steps: Int
        var norm_bias: Float
        var nesterov: Bool
        var rate_factors: [String: Double]
        var mixup: Mixup?
        var losses: [Double]
        var logits, evaluation_logits: Digest
        var gradients, state: [String: Digest]
    }

    var pytorch: String
    var seed: UInt64
    var learning_rate, momentum, weight_decay: Double
    var cases: [Case]

    static func load(_ architecture: Architecture) throws -> ReferenceNumbers { try fixture(architecture.rawValue) }
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
    /// Sums of all values, each with a random sign. The largest layer has 10⁸: four sums go side by side.
    private static func projections(of values: [Float], count: Int) -> [Double] {
        func four(_ first: Int) -> [Double] {
            var sums = SIMD4<Double>()
            values.withUnsafeBufferPointer { values in
                for (index, value) in values.enumerated() {
                    func signed(_ k: Int) -> Double {
                        let sign = (splitmix(stream: UInt64(7000 + first + k), index: index) & 1 ^ 1) << 63
                        return Double(bitPattern: Double(value).bitPattern ^ sign)
                    }
                    sums += SIMD4(signed(0), signed(1), signed(2), signed(3))
                }
            }
            return (0..<4).map { sums[$0] }
        }
        return Array(stride(from: 0, to: count, by: 4).flatMap(four).prefix(count))
    }

    /// The relative error of `tensor`: the larger of its projections' and its entries', both against the norm,
    /// or against `floor` where that is larger: some gradients are zero but for rounding.
    func error(of tensor: Tensor, floor: Double = 0) -> Double {
        let values = tensor.values
        let norm = max(self.norm, floor)
        var worst = abs(values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() - self.norm) / norm
        for (sum, expected) in zip(Self.projections(of: values, count: projections.count), projections) {
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

    struct Fixed: Decodable {
        var base: Double
        var step_size: Int?
        var gamma: Double?
        var rates: [Double]
    }

    var pytorch: String
    var sequences: [Sequence]
    var step, cosine: [Fixed]

    static func load() throws -> ReferenceSchedules { try fixture("schedules") }
}

/// Trajectories from `scripts/reference/sgd.py`; its docstring says what the keys are.
struct ReferenceSGD: Decodable {
    struct Case: Decodable {
        var momentum, weight_decay: Double
        var nesterov: Bool
        var gradient: String
        var weights: [[Double]]
        var momenta: [[Double]]?
    }

    var start: [Float]
    var gradients: [[Float]]
    var rates: [Double]
    var cases: [Case]

    static func load() throws -> ReferenceSGD { try fixture("sgd") }
}
