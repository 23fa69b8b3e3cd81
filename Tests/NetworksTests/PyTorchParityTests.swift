import Networks
import Tensors
import Testing

/// ResNet-18 against PyTorch in float64: same start, same batches.
@Suite struct PyTorchParityTests {
    /// The script's start, in state_dict order.
    static func start(_ shape: NetworkShape, seed: UInt64, normBias: Float = 0) -> NetworkState {
        NetworkState(
            entries: shape.parameters.enumerated().map { index, parameter in
                let stream = seed + UInt64(index)
                let tensor: Tensor
                switch parameter.kind {
                case .convolutionWeight:
                    let fan = Double(parameter.shape[0] * parameter.shape[2] * parameter.shape[3])
                    tensor = hashedTensor(parameter.shape, stream: stream, scale: Float((6 / fan).squareRoot()))
                case .linearWeight:
                    let bound = Float((1 / Double(parameter.shape[1])).squareRoot())
                    tensor = hashedTensor(parameter.shape, stream: stream, scale: bound)
                case .batchNormWeight, .batchNormRunningVariance:
                    tensor = hashedTensor(parameter.shape, stream: stream, scale: 0.25, offset: 1)
                case .batchNormBias:
                    tensor = hashedTensor(parameter.shape, stream: stream, scale: 0.125, offset: normBias)
                case .linearBias, .batchNormRunningMean:
                    tensor = hashedTensor(parameter.shape, stream: stream, scale: 0.125)
                case .batchNormBatchCount:
                    return .init(name: parameter.name, value: .integer(0))
                }
                return .init(name: parameter.name, tensor: tensor)
            })
    }

    static func setBatch(_ network: Network, batch: Int, seed: UInt64, step: Int) {
        let shape = network.shape
        let images = hashedTensor(
            [batch, shape.channels, shape.imageSize, shape.imageSize], stream: seed + 1000 + 2 * UInt64(step),
            scale: 1.75)
        let labels = (0..<batch).map {
            Int(splitmix(stream: seed + 1001 + 2 * UInt64(step), index: $0) % UInt64(shape.classes))
        }
        network.setBatch(images, labels: labels)
    }

    @Test("Logits, gradients, ten losses and the state after them are PyTorch's", arguments: [0, 1], SegmentProduct.available)
    func parity(caseIndex: Int, backend: SegmentProduct.Backend) throws {
        let reference = try ReferenceNumbers.load()
        let expected = reference.cases[caseIndex]
        let shape = try NetworkShape(
            architecture: .resnet18, classes: expected.classes, channels: expected.channels,
            imageSize: expected.image_size)
        let network = Network(
            shape: shape, maximumBatch: expected.batch, product: SegmentProduct(backend))
        try network.load(Self.start(shape, seed: reference.seed, normBias: expected.norm_bias))
        let settings = SGDSettings(
            learningRate: reference.learning_rate, momentum: reference.momentum, weightDecay: reference.weight_decay)
        for step in 0..<expected.steps {
            Self.setBatch(network, batch: expected.batch, seed: reference.seed, step: step)
            let loss = network.computeGradients(batch: expected.batch).lossSum / Double(expected.batch)
            #expect(abs(loss - expected.losses[step]) / expected.losses[step] <= 1e-4, "loss of step \(step)")
            if step == 0 {
                #expect(expected.logits.error(of: network.logits(batch: expected.batch)) <= 1e-4)
                let gradients = network.gradients
                #expect(gradients.entries.count == expected.gradients.count)
                for (name, digest) in expected.gradients {
                    let error = digest.error(of: try #require(gradients[name]), floor: 0.01)
                    #expect(error <= 1e-3, "gradient of \(name)")
                }
            }
            network.update(settings, learningRate: settings.learningRate)
        }
        let state = network.state()
        for (name, digest) in expected.state {
            let error = digest.error(of: try #require(state[name]))
            #expect(error <= 1e-4, "\(name) after \(expected.steps) steps")
        }
        for entry in state.entries {
            if case .integer(let count) = entry.value { #expect(count == Int64(expected.steps), "\(entry.name)") }
        }
        Self.setBatch(network, batch: expected.batch, seed: reference.seed, step: expected.steps)
        _ = network.evaluate(batch: expected.batch)
        #expect(expected.evaluation_logits.error(of: network.logits(batch: expected.batch)) <= 1e-4)
    }
}
