import CKernels
import Foundation
import Networks
import Tensors
import Testing

extension VGG11Tests {
    /// Dropout where it is used. The classifier is given weights that let the gradient of each bias tell whether dropout
    /// kept its element.
    @Suite struct DropoutTests {
        static let hidden = 4096

        /// Every activation is 1 up to the first hidden layer; the second is 1 and the mean of the first; the first logit
        /// is the mean of the second, the other is 0.
        static func network() throws -> Network {
            let shape = try VGG11Tests.shape()
            let network = Network(shape: shape, maximumBatch: 3)
            var state = NetworkState(zeros: shape)
            for parameter in shape.parameters where parameter.name.hasSuffix(".bias") {
                state[parameter.name] = Tensor(repeating: 1, shape: parameter.shape)
            }
            state["classifier.3.weight"] = Tensor(repeating: 1 / Float(hidden), shape: [hidden, hidden])
            state["classifier.6.weight"] = Tensor(
                shape: [2, hidden], values: (0..<2 * hidden).map { $0 < hidden ? 1 / Float(hidden) : 0 })
            state["classifier.6.bias"] = Tensor(zeros: [2])
            try network.load(state)
            return network
        }

        static func images(_ network: Network, _ count: Int) -> Batch {
            let batch = Batch(shape: network.shape, capacity: count)
            batch.set(Tensor(zeros: [count, 3, 32, 32]), labels: [Int](repeating: 0, count: count))
            return batch
        }

        /// What each element of both hidden layers was multiplied with in a step on one image, by the gradients.
        static func factors(_ network: Network, _ key: (seed: UInt64, step: UInt64)?) throws -> [[Double]] {
            network.setDropout(key)
            _ = network.computeGradients(images(network, 1))
            let gradients = network.gradients
            func bias(_ layer: Int) throws -> [Double] { try #require(gradients["classifier.\(layer).bias"]).values.doubles }
            // The gradient of the first logit, of a mean of 4096; then that of the mean of the first activation.
            let behindSecond = (1 / (1 + exp(-Double(network.logits(count: 1).values[0]))) - 1) / Double(hidden)
            let second = try bias(3)
            let behindFirst = second.reduce(0, +) / Double(hidden)
            return try [bias(0).map { $0 / behindFirst }, second.map { $0 / behindSecond }]
        }

        @Test func `Half is dropped and the rest doubled, by seed, step and layer`() throws {
            let network = try Self.network()
            var masks: [[Bool]] = []
            for key in [(1, 1), (1, 2), (2, 1)] as [(seed: UInt64, step: UInt64)] {
                let factors = try Self.factors(network, key)
                for layer in factors {
                    #expect(layer.allSatisfy { abs($0) < 1e-6 || abs($0 - 2) < 1e-4 })
                    masks.append(layer.map { $0 > 1 })
                }
                let means = factors.map { $0.reduce(0, +) / Double(Self.hidden) }
                #expect(abs(Double(network.logits(count: 1).values[0]) - means[1] * (1 + means[0])) < 1e-4)
            }
            // Five standard deviations of a fair coin thrown 4096 times: 160.
            for mask in masks { #expect(abs(mask.count { $0 } - Self.hidden / 2) < 160) }
            for (index, mask) in masks.enumerated() {
                for other in masks[..<index] {
                    #expect(abs(zip(mask, other).count { $0 == $1 } - Self.hidden / 2) < 160)
                }
            }
        }

        @Test func `Images of a batch are dropped apart, the same ones in the same step, and none in evaluation`() throws {
            let network = try Self.network()
            let batch = Self.images(network, 3)
            network.setDropout((1, 1))
            _ = network.computeGradients(batch)
            let logits = network.logits(count: 3).values
            #expect(Set([logits[0], logits[2], logits[4]]).count == 3)
            _ = network.evaluate(batch)
            #expect(network.logits(count: 3).values == [2, 0, 2, 0, 2, 0])
            _ = network.computeGradients(batch)
            #expect(network.logits(count: 3).values == logits)
            network.setDropout(nil)
            _ = network.computeGradients(batch)
            #expect(network.logits(count: 3).values == [2, 0, 2, 0, 2, 0])
        }
    }
}

@Suite struct ActivationTests {
    @Test(arguments: [1, 15, 16, 17, 31, 32, 33, 100])
    func `ReLU, its gradient and dropping half`(count: Int) {
        var values = numbers(count, stream: 1)
        values[0] = .nan
        let (x, d) = (FloatBuffer(values), FloatBuffer(numbers(3 * count, stream: 2)))
        sower_relu(x.pointer, count)
        #expect(x.pointer[0].isNaN)
        for i in 1..<max(count, 1) { #expect(x.pointer[i] == max(values[i], 0)) }

        let (y, before) = (FloatBuffer(numbers(3 * count, stream: 3)), d.doubles)
        var sums = [1.0, 2, 3]
        sower_relu_backward(d.pointer, y.pointer, 2, &sums, 3, count)
        let expected = zip(before, y.doubles).map { $1 > 0 ? 2 * $0 : 0 }
        #expect(d.doubles == expected)
        for c in 0..<3 {
            let sum = expected[c * count..<(c + 1) * count].reduce(0, +)
            #expect(abs(sums[c] - Double(c + 1) - sum) < 1e-5)
        }

        let bits = (0..<(count + 31) / 32).map { UInt32(truncatingIfNeeded: splitmix(stream: 4, index: $0)) }
        let z = FloatBuffer(numbers(count, stream: 5))
        let all = z.doubles
        sower_drop_half(z.pointer, bits, count)
        #expect(z.doubles == all.enumerated().map { bits[$0 / 32] >> ($0 % 32) & 1 == 1 ? 2 * $1 : 0 })
    }
}
