import Networks
import Tensors
import Testing

/// Every architecture against PyTorch in float64: same start, same batches.
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
                case .scalarScale:
                    tensor = hashedTensor(parameter.shape, stream: stream, scale: 0.25, offset: 1)
                case .linearBias, .convolutionBias, .scalarBias, .batchNormRunningMean:
                    tensor = hashedTensor(parameter.shape, stream: stream, scale: 0.125)
                case .batchNormBatchCount:
                    return .init(name: parameter.name, value: .integer(0))
                }
                return .init(name: parameter.name, tensor: tensor)
            })
    }

    static func batch(
        _ expected: ReferenceNumbers.Case, _ shape: NetworkShape, seed: UInt64, step: Int
    ) -> Batch {
        let batch = Batch(shape: shape, capacity: expected.batch)
        let stream = seed + 2 * UInt64(step)
        func labels(_ stream: UInt64) -> [Int] {
            (0..<expected.batch).map { Int(splitmix(stream: stream, index: $0) % UInt64(shape.classes)) }
        }
        batch.set(
            hashedTensor(
                [expected.batch, shape.channels, shape.imageSize, shape.imageSize], stream: stream + 1000, scale: 1.75),
            labels: labels(stream + 1001), second: labels(stream + 3001), share: expected.mixup?.lambda ?? 1)
        return batch
    }

    struct Combination: CustomTestStringConvertible {
        var architecture: Architecture
        var backend: SegmentProduct.Backend
        var testDescription: String { "\(architecture.rawValue), \(backend)" }
    }

    /// VGG11 has 128 million weights: the slow backend is held to the smaller networks.
    static let combinations = Architecture.allCases.flatMap { architecture in
        SegmentProduct.available.filter { architecture != .vgg11 || $0 == SegmentProduct.best.backend }.map {
            Combination(architecture: architecture, backend: $0)
        }
    }

    @Test("Logits, gradients, losses of every step and the state after them are PyTorch's", arguments: combinations)
    func parity(_ combination: Combination) throws {
        let reference = try ReferenceNumbers.load(combination.architecture)
        #expect(!reference.cases.isEmpty)
        for expected in reference.cases { try check(expected, of: reference, combination) }
    }

    private func check(
        _ expected: ReferenceNumbers.Case, of reference: ReferenceNumbers, _ combination: Combination
    ) throws {
        let architecture = combination.architecture
        let shape = try NetworkShape(
            architecture: architecture, classes: expected.classes, channels: expected.channels,
            imageSize: expected.image_size)
        let factors = shape.parameters.filter { $0.rateFactor != 1 }.map { ($0.name, $0.rateFactor) }
        #expect(Dictionary(uniqueKeysWithValues: factors) == expected.rate_factors)
        let network = Network(
            shape: shape, maximumBatch: expected.batch, product: SegmentProduct(combination.backend))
        try network.load(Self.start(shape, seed: reference.seed, normBias: expected.norm_bias))
        let settings = SGDSettings(
            learningRate: reference.learning_rate, momentum: reference.momentum, weightDecay: reference.weight_decay,
            nesterov: expected.nesterov)
        for step in 0..<expected.steps {
            let batch = Self.batch(expected, shape, seed: reference.seed, step: step)
            let loss = network.computeGradients(batch).lossSum / Double(expected.batch)
            #expect(abs(loss - expected.losses[step]) / expected.losses[step] <= 1e-4, "loss of step \(step)")
            if step == 0 {
                #expect(expected.logits.error(of: network.logits(count: expected.batch)) <= 1e-4)
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
        #expect(state.entries.count { if case .float = $0.value { true } else { false } } == expected.state.count)
        for (name, digest) in expected.state {
            let error = digest.error(of: try #require(state[name]))
            #expect(error <= 1e-4, "\(name) after \(expected.steps) steps")
        }
        for entry in state.entries {
            if case .integer(let count) = entry.value { #expect(count == Int64(expected.steps), "\(entry.name)") }
        }
        var plain = expected
        plain.mixup = nil
        _ = network.evaluate(Self.batch(plain, shape, seed: reference.seed, step: expected.steps))
        #expect(expected.evaluation_logits.error(of: network.logits(count: expected.batch)) <= 1e-4)
    }
}
