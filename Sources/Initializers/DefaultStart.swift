import Tensors

/// The start torchvision's ResNets and PyTorch's layers have when nothing else is asked for.
///
/// Batch normalization starts without chance: weight 1, bias 0, running mean 0, running variance 1.
///
/// Source: He et al., "Delving deep into rectifiers", ICCV 2015, <https://arxiv.org/abs/1502.01852>; torchvision
/// `ResNet.__init__`; PyTorch `nn.Linear.reset_parameters`.
package enum DefaultStart {
    /// Convolution weights `[O, C, kh, kw]`: normal, variance 2 / (O·kh·kw) — Kaiming's, fan-out, gain of ReLU.
    package static func convolution(shape: [Int], seed: UInt64) -> Tensor {
        precondition(shape.count == 4, "a convolution's weights have four dimensions, not \(shape)")
        let deviation = (2 / Float(shape[0] * shape[2] * shape[3])).squareRoot()
        var stream = RandomStream(seed: seed)
        return Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in deviation * stream.normal() })
    }

    /// Weights `[outputs, inputs]` of a linear layer: uniform in ±1/√inputs.
    package static func linearWeight(shape: [Int], seed: UInt64) -> Tensor {
        precondition(shape.count == 2, "a linear layer's weights have two dimensions, not \(shape)")
        return uniform(shape: shape, fanIn: shape[1], seed: seed)
    }

    /// The `count` biases of a linear layer of `fanIn` inputs: uniform in ±1/√fanIn.
    package static func linearBias(count: Int, fanIn: Int, seed: UInt64) -> Tensor {
        uniform(shape: [count], fanIn: fanIn, seed: seed)
    }

    /// Weights of batch normalization, and its running variances: ones.
    package static func normalizationScale(count: Int) -> Tensor { Tensor(repeating: 1, shape: [count]) }

    /// Biases of batch normalization, and its running means: zeros.
    package static func normalizationShift(count: Int) -> Tensor { Tensor(zeros: [count]) }

    private static func uniform(shape: [Int], fanIn: Int, seed: UInt64) -> Tensor {
        precondition(fanIn > 0)
        let bound = 1 / Float(fanIn).squareRoot()
        var stream = RandomStream(seed: seed)
        return Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in stream.uniform(in: -bound...bound) })
    }
}
