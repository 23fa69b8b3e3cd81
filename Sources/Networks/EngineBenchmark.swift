import Tensors

/// Measures training and inference on made-up data.
package enum EngineBenchmark {
    /// Encoded, what `scripts/bench/engine.py` reads.
    package struct Result: Sendable, Codable {
        package var trainingImagesPerSecond: Double
        package var inferenceImagesPerSecond: Double
        /// Median over the steps.
        package var millisecondsPerStep: Double
        /// Mean milliseconds a training step spends in each kind of work.
        package var split: [String: Double]
        package var numericClass: String
    }

    /// Trains `steps` batches, after two to warm up, then evaluates as many.
    package static func run(
        shape: NetworkShape, batch: Int, steps: Int, product: SegmentProduct = .best, now: @escaping () -> Duration
    ) throws(NetworkError) -> Result {
        let network = Network(shape: shape, maximumBatch: batch, product: product)
        try network.load(start(shape))
        var stream = RandomStream(seed: 1)
        for index in 0..<(shape.imageSize * shape.imageSize * shape.channels * batch) {
            network.images[index] = stream.normal()
        }
        for index in 0..<batch { network.labels[index] = Int32(index % shape.classes) }
        let settings = SGDSettings(learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4)
        func step() {
            _ = network.computeGradients(batch: batch)
            network.update(settings, learningRate: settings.learningRate)
        }
        for _ in 0..<2 { step() }
        let timer = LayerTimer(now: now)
        network.timer = timer
        let training = median(of: steps, now: now, step)
        let inference = median(of: steps, now: now) { _ = network.evaluate(batch: batch) }
        return Result(
            trainingImagesPerSecond: Double(batch) / training, inferenceImagesPerSecond: Double(batch) / inference,
            millisecondsPerStep: training * 1000,
            split: Dictionary(
                uniqueKeysWithValues: timer.totals.map { ($0.rawValue, $1 / .milliseconds(1) / Double(steps)) }),
            numericClass: network.numericClass)
    }

    private static func median(of count: Int, now: () -> Duration, _ body: () -> Void) -> Double {
        let times = (0..<count).map { _ in
            let start = now()
            body()
            return (now() - start) / .seconds(1)
        }
        return times.sorted()[count / 2]
    }

    /// Kaiming-like numbers, so that activations neither vanish nor explode.
    private static func start(_ shape: NetworkShape) -> NetworkState {
        var stream = RandomStream(seed: 2)
        return NetworkState(
            entries: shape.parameters.map { parameter in
                var tensor = Tensor(zeros: parameter.shape)
                switch parameter.kind {
                case .convolutionWeight, .linearWeight:
                    let scale = (2 / Float(parameter.count / parameter.shape[0])).squareRoot()
                    for index in tensor.values.indices { tensor.values[index] = scale * stream.normal() }
                case .batchNormWeight, .batchNormRunningVariance:
                    tensor = Tensor(repeating: 1, shape: parameter.shape)
                case .batchNormBatchCount: return .init(name: parameter.name, value: .integer(0))
                case .linearBias, .batchNormBias, .batchNormRunningMean: break
                }
                return .init(name: parameter.name, tensor: tensor)
            })
    }
}
