import Tensors

/// A layer whose filters can change places without changing what the network computes, and what has to move with them.
///
/// Source: the clustered-initialization study, section 2.4.2.
package struct PermutableLayer: Sendable, Equatable {
    /// The filters, `[O, C, K, K]`.
    package let weight: String
    /// What has one number a filter: weight, bias, running mean and running variance of the batch norm, `[O]` each.
    package let vectors: [String]
    /// The weights whose input channels are the filters' outputs, `[…, O, …, …]`.
    package let consumers: [String]

    init(_ convolution: String, norm: String, consumers: String...) {
        weight = convolution + ".weight"
        vectors = ["weight", "bias", "running_mean", "running_var"].map { "\(norm).\($0)" }
        self.consumers = consumers.map { $0 + ".weight" }
    }

    /// The tensors that a permutation changes.
    package var tensors: [String] { [weight] + vectors + consumers }
}

extension NetworkShape {
    /// The first layers, in order, whose filters can change places.
    ///
    /// In the custom ResNet-18: layers 1 to 5, in front of which no residual sum stands (the fifth one's channels are read twice, by
    /// the first convolution of stage 2 and by its shortcut), and layer 6, inside the first block of stage 2. Layer 7 is added to
    /// the shortcut. Pooling, ReLU and batch norm look at each channel alone.
    package var permutableLayers: [PermutableLayer] {
        guard architecture == .customResNet18 else { return [] }
        return [
            PermutableLayer("conv1", norm: "bn1", consumers: "layer1.0.conv1"),
            PermutableLayer("layer1.0.conv1", norm: "layer1.0.bn1", consumers: "layer1.0.conv2"),
            PermutableLayer("layer1.0.conv2", norm: "layer1.0.bn2", consumers: "layer1.1.conv1"),
            PermutableLayer("layer1.1.conv1", norm: "layer1.1.bn1", consumers: "layer1.1.conv2"),
            PermutableLayer("layer1.1.conv2", norm: "layer1.1.bn2", consumers: "layer2.0.conv1", "layer2.0.downsample.0"),
            PermutableLayer("layer2.0.conv1", norm: "layer2.0.bn1", consumers: "layer2.0.conv2"),
        ]
    }
}

extension NetworkState {
    /// Puts the filter that is at place `order[i]` of a layer at place `i`, with all that belongs to it; the state must hold the
    /// layer's tensors, and `order` each place once.
    package mutating func permute(_ layer: PermutableLayer, by order: [Int]) {
        precondition(order.sorted() == Array(order.indices), "an order names every place once")
        for name in [layer.weight] + layer.vectors { permute(name, axis: 0, by: order) }
        for name in layer.consumers { permute(name, axis: 1, by: order) }
    }

    private mutating func permute(_ name: String, axis: Int, by order: [Int]) {
        guard let tensor = self[name] else { preconditionFailure("the state has no tensor \(name)") }
        precondition(tensor.shape.count > axis && tensor.shape[axis] == order.count, "\(name) has the shape \(tensor.shape)")
        let block = tensor.shape[(axis + 1)...].reduce(1, *)
        var values: [Float] = []
        values.reserveCapacity(tensor.count)
        for outer in 0..<tensor.shape[..<axis].reduce(1, *) {
            for place in order {
                let start = (outer * order.count + place) * block
                values.append(contentsOf: tensor.values[start..<start + block])
            }
        }
        self[name] = Tensor(shape: tensor.shape, values: values)
    }
}
