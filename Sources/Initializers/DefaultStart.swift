import Tensors

/// The starts that torchvision's networks, PyTorch's layers and Fixup have when nothing else is asked for.
///
/// Batch normalization starts without chance: weight 1, bias 0, running mean 0, running variance 1.
///
/// Source: He et al., "Delving deep into rectifiers", ICCV 2015, <https://arxiv.org/abs/1502.01852>; torchvision
/// `ResNet.__init__` and `VGG.__init__`; PyTorch `nn.Linear.reset_parameters` and `nn.Conv2d.reset_parameters`; Zhang,
/// Dauphin and Ma, "Fixup initialization", ICLR 2019, <https://arxiv.org/abs/1901.09321>.
package enum DefaultStart {
    /// Convolution weights `[O, C, kh, kw]`: normal, variance 2 / (O·kh·kw) — Kaiming's, fan-out, gain of ReLU.
    package static func convolution(shape: [Int], seed: UInt64) -> Tensor {
        normal(shape: shape, deviation: fanOutDeviation(shape), seed: seed)
    }

    /// Convolution weights `[O, C, kh, kw]` as `nn.Conv2d` draws them: uniform in ±1/√(C·kh·kw), which is Kaiming's uniform
    /// start with a = √5.
    package static func convolutionLayer(shape: [Int], seed: UInt64) -> Tensor {
        precondition(shape.count == 4, "a convolution's weights have four dimensions, not \(shape)")
        return uniform(shape: shape, fanIn: shape[1] * shape[2] * shape[3], seed: seed)
    }

    /// Weights `[O, C, kh, kw]` of the first convolution of a residual block under Fixup: normal, Kaiming's fan-out deviation
    /// divided by √L, L = `blocks`. (Fixup's exponent −1/(2m − 2) for blocks of m = 2 layers; the second layer is zero.)
    package static func fixupConvolution(shape: [Int], blocks: Int, seed: UInt64) -> Tensor {
        precondition(blocks > 0)
        return normal(shape: shape, deviation: fanOutDeviation(shape) / Float(blocks).squareRoot(), seed: seed)
    }

    /// Weights `[outputs, inputs]` of a linear layer: uniform in ±1/√inputs.
    package static func linearWeight(shape: [Int], seed: UInt64) -> Tensor {
        precondition(shape.count == 2, "a linear layer's weights have two dimensions, not \(shape)")
        return uniform(shape: shape, fanIn: shape[1], seed: seed)
    }

    /// Weights `[outputs, inputs]` of torchvision's VGG: normal, deviation 0.01; biases are zero.
    package static func normalLinearWeight(shape: [Int], seed: UInt64) -> Tensor {
        precondition(shape.count == 2, "a linear layer's weights have two dimensions, not \(shape)")
        return normal(shape: shape, deviation: 0.01, seed: seed)
    }

    /// The `count` biases of a layer of which each output has `fanIn` inputs, as `nn.Linear` and `nn.Conv2d` draw them:
    /// uniform in ±1/√fanIn.
    package static func bias(count: Int, fanIn: Int, seed: UInt64) -> Tensor {
        uniform(shape: [count], fanIn: fanIn, seed: seed)
    }

    /// Weights of batch normalization, and its running variances: ones.
    package static func normalizationScale(count: Int) -> Tensor { Tensor(repeating: 1, shape: [count]) }

    /// Biases of batch normalization, and its running means: zeros.
    package static func normalizationShift(count: Int) -> Tensor { Tensor(zeros: [count]) }

    /// √(2 / (O·kh·kw)) for weights `[O, C, kh, kw]`.
    private static func fanOutDeviation(_ shape: [Int]) -> Float {
        precondition(shape.count == 4, "a convolution's weights have four dimensions, not \(shape)")
        return (2 / Float(shape[0] * shape[2] * shape[3])).squareRoot()
    }

    private static func normal(shape: [Int], deviation: Float, seed: UInt64) -> Tensor {
        var stream = RandomStream(seed: seed)
        return Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in deviation * stream.normal() })
    }

    private static func uniform(shape: [Int], fanIn: Int, seed: UInt64) -> Tensor {
        precondition(fanIn > 0)
        let bound = 1 / Float(fanIn).squareRoot()
        var stream = RandomStream(seed: seed)
        return Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in stream.uniform(in: -bound...bound) })
    }
}
