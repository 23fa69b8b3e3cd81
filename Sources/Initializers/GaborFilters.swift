import Foundation
import Tensors

/// Gabor filters with random parameters, as first weights of a convolution.
///
/// With x' = x cos θ + y sin θ and y' = −x sin θ + y cos θ, the value at (x, y) is
/// exp(−(x'² + γ²y'²) / 2σ²) · cos(2πx'/λ + ψ). Columns are x and rows y, both over the grid
/// linspace(−⌊k/2⌋, ⌊k/2⌋, k points).
///
/// Source: Rivas, Rai, "Gabor filters as initializers for convolutional neural networks", LatinX in AI at ICML 2023,
/// <https://openreview.net/forum?id=4c4ABljkc1>; ranges of the clustered-initialization study's code.
package enum GaborFilters {
    /// The five parameters of a filter.
    package struct Parameters: Sendable, Equatable {
        /// σ, the width of the envelope, in pixels.
        package var sigma: Float
        /// θ, the direction of the wave, in radians.
        package var theta: Float
        /// λ, the length of the wave, in pixels.
        package var lambda: Float
        /// ψ, the phase, in radians.
        package var psi: Float
        /// γ, the envelope's aspect ratio.
        package var gamma: Float

        package init(sigma: Float, theta: Float, lambda: Float, psi: Float, gamma: Float) {
            self.sigma = sigma
            self.theta = theta
            self.lambda = lambda
            self.psi = psi
            self.gamma = gamma
        }

        /// The parameters of output filter `output`: uniform in σ 1.5…2.5, θ 0…π, λ 2…13, ψ 0…2π, γ 0.9…1.1.
        package init(seed: UInt64, output: Int) {
            var stream = RandomStream(seed: seed, substream: UInt64(output))
            sigma = stream.uniform(in: 1.5...2.5)
            theta = stream.uniform(in: 0...Float.pi)
            lambda = stream.uniform(in: 2...13)
            psi = stream.uniform(in: 0...2 * Float.pi)
            gamma = stream.uniform(in: 0.9...1.1)
        }

        /// The filter, `[side][side]`, computed in double precision.
        package func kernel(side: Int) -> [Float] {
            precondition(side > 0)
            let reach = Double(side / 2)
            let grid = (0..<side).map { side == 1 ? -reach : -reach + 2 * reach * Double($0) / Double(side - 1) }
            let sigma = Double(sigma), theta = Double(theta), gamma = Double(gamma)
            return grid.flatMap { y in
                grid.map { x in
                    let along = x * cos(theta) + y * sin(theta), across = y * cos(theta) - x * sin(theta)
                    let envelope = exp(-(along * along + gamma * gamma * across * across) / (2 * sigma * sigma))
                    return Float(envelope * cos(2 * .pi * along / Double(lambda) + Double(psi)))
                }
            }
        }
    }

    /// Weights `[O, C, K, K]`: one filter an output, the same on each of its input channels.
    ///
    /// Errors: ``InitializerError/wrongShape(what:actual:expected:)`` for any other shape.
    package static func tensor(shape: [Int], seed: UInt64) throws(InitializerError) -> Tensor {
        guard shape.count == 4, shape[2] == shape[3], shape.allSatisfy({ $0 > 0 }) else {
            throw .wrongShape(what: "the layer", actual: shape, expected: "[O, C, K, K]")
        }
        var values: [Float] = []
        values.reserveCapacity(shape.reduce(1, *))
        for output in 0..<shape[0] {
            let kernel = Parameters(seed: seed, output: output).kernel(side: shape[2])
            for _ in 0..<shape[1] { values.append(contentsOf: kernel) }
        }
        return Tensor(shape: shape, values: values)
    }
}
