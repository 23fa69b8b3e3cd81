import Tensors

/// Measures training and inference on made-up data.
package enum EngineBenchmark {
    package struct Result: Sendable, Equatable {
        /// Medians over the steps.
        package var secondsPerTrainingStep, secondsPerInferenceStep: Double
        /// Mean milliseconds a training step spends in each kind of work.
        package var split: [LayerKind: Double]
        /// Floating-point operations on live data of a training step.
        package var operationsPerStep: Double
        package var numericClass: String
    }

    /// Trains batches, after two to warm up, then evaluates as many: `steps` of each, or, when it is nil, at least three
    /// and for about three seconds.
    package static func run(
        shape: NetworkShape, batch count: Int, steps: Int?, threads: Int = 1, product: SegmentProduct = .best,
        now: @escaping () -> Duration
    ) throws -> Result {
        let network = Network(
            shape: shape, maximumBatch: count, product: product, threads: ThreadTeam(count: threads))
        try network.load(start(shape))
        let batch = Batch(shape: shape, capacity: count)
        var stream = RandomStream(seed: 1)
        for index in 0..<(shape.imageSize * shape.imageSize * shape.channels * count) {
            batch.images[index] = stream.normal()
        }
        for index in 0..<count { batch.labels[index] = Int32(index % shape.classes) }
        batch.count = count
        let settings = SGDSettings(learningRate: 1e-3, momentum: 0.9, weightDecay: 1e-4)
        var step: UInt64 = 0
        func train() {
            network.setDropout((1, step))
            step += 1
            _ = network.computeGradients(batch)
            network.update(settings, learningRate: settings.learningRate)
        }
        for _ in 0..<2 { train() }
        let timer = LayerTimer(now: now)
        network.timer = timer
        let training = times(steps, now: now, train)
        network.timer = LayerTimer()
        let inference = times(steps, now: now) { _ = network.evaluate(batch) }
        return Result(
            secondsPerTrainingStep: median(training), secondsPerInferenceStep: median(inference),
            split: timer.totals.mapValues { $0 / .milliseconds(1) / Double(training.count) },
            operationsPerStep: network.trainingOperations(batch: count), numericClass: network.numericClass)
    }

    /// OpenBLAS's sgemm on square matrices of 2048, in floating-point operations a second: what live work is compared
    /// with. Best of three.
    package static func sgemmOperationsPerSecond(now: () -> Duration) -> Double {
        let n = 2048
        let (a, b, c) = (FloatBuffer(count: n * n), FloatBuffer(count: n * n), FloatBuffer(count: n * n))
        for index in 0..<n * n {
            a.pointer[index] = Float(index % 7) - 3
            b.pointer[index] = Float(index % 5) - 2
        }
        let times = withExtendedLifetime((a, b, c)) {
            (0..<4).map { _ in
                let start = now()
                BLAS.multiply(
                    a.pointer, .plain, stride: n, b.pointer, stride: n, into: c.pointer, stride: n, rows: n, columns: n,
                    inner: n, beta: 0)
                return (now() - start) / .seconds(1)
            }
        }
        return 2 * Double(n * n * n) / times.dropFirst().min()!
    }

    private static func times(_ count: Int?, now: () -> Duration, _ body: () -> Void) -> [Double] {
        var times: [Double] = []
        let begin = now()
        while count.map({ times.count < $0 }) ?? (times.count < 3 || now() - begin < .seconds(3)) {
            let start = now()
            body()
            times.append((now() - start) / .seconds(1))
        }
        return times
    }

    private static func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }

    /// Kaiming-like numbers, so that activations neither vanish nor explode.
    private static func start(_ shape: NetworkShape) -> DeferredState {
        DeferredState(
            entries: shape.parameters.enumerated().map { index, parameter in
                guard parameter.kind != .batchNormBatchCount else {
                    return DeferredState.Entry(name: parameter.name, shape: nil) { .integer(0) }
                }
                return DeferredState.Entry(name: parameter.name, shape: parameter.shape) { start(parameter, number: index) }
            })
    }

    private static func start(_ parameter: ParameterDescription, number: Int) -> Tensor {
        var tensor = Tensor(zeros: parameter.shape)
        switch parameter.kind {
        case .convolutionWeight, .linearWeight:
            // Uniform numbers of Kaiming's variance: drawn faster than normal ones, and there may be 10⁸.
            var stream = RandomStream(seed: 2, substream: UInt64(number))
            let bound = (6 / Float(parameter.count / parameter.shape[0])).squareRoot()
            for index in tensor.values.indices { tensor.values[index] = stream.uniform(in: -bound...bound) }
        case .batchNormWeight, .batchNormRunningVariance, .scalarScale:
            tensor = Tensor(repeating: 1, shape: parameter.shape)
        case .linearBias, .convolutionBias, .batchNormBias, .batchNormRunningMean, .batchNormBatchCount, .scalarBias: break
        }
        return tensor
    }
}
