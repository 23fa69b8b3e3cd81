import Networks
import Tensors
import Testing

/// The wiring of whole networks: the loss must change along a gradient as the gradient says.
@Suite struct GradientDirectionTests {
    /// For each named tensor, moves it both ways along its gradient g, each element weighted with a random factor in
    /// [0, 2), and compares the change of the mean loss with Σ g·direction.
    ///
    /// The step changes the loss by about `change` of itself, large against float32's rounding (`noise` of it) and small
    /// against the curvature; where the gradient is small, it moves the tensor by no more than 0.0003.
    static func check(
        _ network: Network, start: NetworkState, _ batch: Batch, tensors: [String], change: Double = 5e-5,
        tolerance: Double = 0.03, noise: Double = 5e-7
    ) throws {
        func loss(_ state: NetworkState) throws -> Double {
            try network.load(state)
            return network.computeGradients(batch).lossSum / Double(batch.count)
        }
        let size = try loss(start)
        let gradients = network.gradients
        for (number, name) in tensors.enumerated() {
            let gradient = try #require(gradients[name])
            let direction = gradient.values.enumerated().map {
                $1 * (1 + hashedUniform(stream: UInt64(100 + number), index: $0))
            }
            let slope = zip(gradient.values, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            #expect(slope > 0, "\(name) has no gradient")
            let length = direction.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            let step = min(change * size / slope, 0.0003 / length)
            let (above, below) = try (
                loss(start.moved(name, along: direction, by: step)), loss(start.moved(name, along: direction, by: -step))
            )
            let (measured, expected) = (above - below, 2 * step * slope)
            #expect(
                abs(measured - expected) <= tolerance * expected + noise * size,
                "\(name): the loss changed by \(measured), by the gradient \(expected)")
        }
    }

    /// Images and labels from a numbered stream.
    static func batch(_ shape: NetworkShape, count: Int, stream: UInt64 = 500) -> Batch {
        let batch = Batch(shape: shape, capacity: count)
        batch.set(
            hashedTensor([count, shape.channels, shape.imageSize, shape.imageSize], stream: stream, scale: 1.75),
            labels: (0..<count).map { Int(splitmix(stream: stream + 1, index: $0) % UInt64(shape.classes)) })
        return batch
    }

    static let shapes: [(architecture: Architecture, channels: Int, imageSize: Int)] = [
        (.lenet, 1, 28), (.lenet, 3, 19), (.fixupResNet20, 3, 16), (.fixupResNet20, 1, 9), (.customResNet18, 3, 16),
        (.resnet18, 3, 16),
    ]

    @Test(arguments: shapes)
    func `The loss changes along every gradient as it says`(
        architecture: Architecture, channels: Int, imageSize: Int
    ) throws {
        let shape = try NetworkShape(architecture: architecture, classes: 5, channels: channels, imageSize: imageSize)
        let network = Network(shape: shape, maximumBatch: 6)
        var names = shape.parameters.filter(\.isLearned).map(\.name)
        // Eleven million weights are loaded for each tensor: a few of every kind.
        if architecture == .resnet18 || architecture == .customResNet18 {
            names = [
                "conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer1.1.bn2.bias", "layer2.0.conv2.weight",
                "layer2.0.downsample.0.weight", "layer3.0.downsample.1.weight", "layer4.1.conv2.weight", "fc.bias",
            ]
        }
        try Self.check(
            network, start: PyTorchParityTests.start(shape, seed: 1), Self.batch(shape, count: 6), tensors: names)
    }
}

extension NetworkState {
    /// The state with one tensor moved by step·direction.
    func moved(_ name: String, along direction: [Float], by step: Double) -> NetworkState {
        var state = self
        guard let index = entries.firstIndex(where: { $0.name == name }), case .float(var tensor) = entries[index].value else {
            return state
        }
        for place in tensor.values.indices {
            tensor.values[place] = Float(Double(tensor.values[place]) + step * Double(direction[place]))
        }
        state.entries[index].value = .float(tensor)
        return state
    }
}
