import CKernels
import Tensors

/// Sets half of the elements to zero and doubles the rest, in training only: torch.nn.Dropout(0.5) (Srivastava et al.
/// 2014).
///
/// Which elements depends on the seed, the step and the layer alone. Behind a ReLU the backward pass needs no mask: an
/// element has a gradient if and only if it came out positive, see ``backwardFactor``.
final class Dropout {
    private let layer: UInt64
    private unowned let noise: DropoutNoise
    private var bits: [UInt32] = []

    /// `layer` is a number of its own among the dropout layers of a network.
    init(layer: UInt64, noise: DropoutNoise) {
        self.layer = layer
        self.noise = noise
    }

    /// Drops half of `count` elements in place; nothing when the network's dropout is off.
    func forward(_ x: UnsafeMutablePointer<Float>, count: Int) {
        guard let (seed, step) = noise.key else { return }
        var stream = RandomStream(seed: seed, substream: step << 8 | layer)
        bits.removeAll(keepingCapacity: true)
        for _ in 0..<(count + 31) / 32 { bits.append(stream.nextUInt32()) }
        sower_drop_half(x, bits, count)
    }

    /// What a gradient is multiplied with where the output is positive.
    var backwardFactor: Float { noise.key == nil ? 1 : 2 }
}

/// What the dropout layers of a network draw from.
package final class DropoutNoise {
    /// The seed, and the number of the step, below 2⁵⁶; nil turns dropout off.
    var key: (seed: UInt64, step: UInt64)?

    package init() {}
}
