import Tensors

/// A learned tensor: where its values, gradient and momentum lie in the flat buffers of a ``ParameterStore``.
package struct Parameter {
    let description: ParameterDescription
    let layout: WeightLayout
    /// Values, gradients and momentum of the elements that can have a gradient.
    package let values: UnsafeMutablePointer<Float>
    package let gradients: UnsafeMutablePointer<Float>
    let momentum: UnsafeMutablePointer<Float>
    let count: Int
    /// Values and momentum of the taps that never meet the image: no gradient, only decay.
    let deadValues: UnsafeMutablePointer<Float>
    let deadMomentum: UnsafeMutablePointer<Float>
    let deadCount: Int

    /// Takes values in torch's order.
    package func load(_ tensor: Tensor) {
        tensor.values.withUnsafeBufferPointer { source in
            layout.forEachElement(count: source.count) { torch, isLive, place in
                if isLive { values[place] = source[torch] } else { deadValues[place] = source[torch] }
            }
        }
    }

    /// The values in torch's order.
    package func tensor() -> Tensor { gather(live: values, dead: deadValues) }

    /// The gradient in torch's order; zero at dead taps.
    package func gradientTensor() -> Tensor { gather(live: gradients, dead: nil) }

    private func gather(live: UnsafeMutablePointer<Float>, dead: UnsafeMutablePointer<Float>?) -> Tensor {
        var tensor = Tensor(zeros: description.shape)
        tensor.values.withUnsafeMutableBufferPointer { target in
            layout.forEachElement(count: target.count) { torch, isLive, place in
                target[torch] = isLive ? live[place] : dead?[place] ?? 0
            }
        }
        return tensor
    }
}

/// A tensor that is part of the state but not learned: running statistics.
package struct StateBuffer {
    let description: ParameterDescription
    package let values: UnsafeMutablePointer<Float>
}
