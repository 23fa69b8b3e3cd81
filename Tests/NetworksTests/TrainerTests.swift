import Networks
import Tensors
import Testing

/// Noise with a class-dependent tint: easy to learn, and every image is a function of its index.
struct TintedNoise: ImageSource {
    let count: Int
    let classes: Int
    let size: Int
    var scale: Float = 1

    func fill(
        _ indices: ArraySlice<Int>, epoch: Int, images: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int32>
    ) {
        let batch = indices.count
        for (n, index) in indices.enumerated() {
            let label = index % classes
            labels[n] = Int32(label)
            for position in 0..<size * size {
                for channel in 0..<3 {
                    let noise = hashedUniform(stream: UInt64(index), index: position * 3 + channel)
                    let tint: Float = channel == label % 3 ? 1 : -0.5
                    images[(position * 3 + channel) * batch + n] = scale * (0.5 * noise + tint)
                }
            }
        }
    }
}

@Suite struct TrainerTests {
    static func run(
        epochs: Int = 2, count: Int = 40, scale: Float = 1, orderSeed: UInt64 = 5, learningRate: Double = 0.01,
        backend: SegmentProduct.Backend = SegmentProduct.best.backend,
        onEpoch: (EpochRecord) throws -> Void = { _ in }
    ) throws -> (outcome: TrainingOutcome, state: NetworkState) {
        let shape = try NetworkShape(architecture: .resnet18, classes: 3, channels: 3, imageSize: 16)
        let network = Network(shape: shape, maximumBatch: 16, product: SegmentProduct(backend))
        try network.load(PyTorchParityTests.start(shape, seed: 1))
        let settings = TrainingSettings(
            epochs: epochs, batchSize: 16, sgd: SGDSettings(learningRate: learningRate, momentum: 0.9, weightDecay: 1e-4),
            schedule: .constant, orderSeed: orderSeed)
        var time = Duration.zero
        let trainer = Trainer(
            network: network, settings: settings,
            training: TintedNoise(count: count, classes: 3, size: 16, scale: scale),
            validation: TintedNoise(count: 20, classes: 3, size: 16, scale: scale)
        ) {
            time += .seconds(2)
            return time
        }
        return (try trainer.run { record, _ in try onEpoch(record) }, network.state())
    }

    @Test func `A run learns, and records every epoch as it ends`() throws {
        var seen: [EpochRecord] = []
        let result = try Self.run(epochs: 10) { seen.append($0) }
        #expect(result.outcome == .finished(seen))
        #expect(seen.map(\.epoch) == Array(1...10))
        #expect(seen.allSatisfy { $0.images == 40 && $0.seconds == 2 && $0.learningRate == 0.01 })
        #expect(seen[9].trainingLoss < 0.75 * seen[0].trainingLoss)
        #expect(seen[9].trainingAccuracy > seen[0].trainingAccuracy)
        // 40 images make two batches of 16 and one of 8.
        #expect(result.state.entries.contains { $0.value == .integer(30) })
    }

    @Test func `The same seeds give the same bits, another order does not`() throws {
        let first = try Self.run()
        let second = try Self.run()
        #expect(first.outcome == second.outcome)
        #expect(first.state == second.state)
        #expect(try Self.run(orderSeed: 6).state != first.state)
    }

    @Test func `AVX2 and AVX-512 give the same bits`() throws {
        let states = try SegmentProduct.available.filter { $0 != .blas }.map { try Self.run(backend: $0).state }
        #expect(states.allSatisfy { $0 == states[0] })
    }

    @Test(.enabled(if: SegmentProduct.best.backend != .blas, "some OpenBLAS kernels round by thread count"))
    func `The number of BLAS threads changes no bit`() throws {
        let one = try Self.run()
        try BLAS.setThreads(2)
        defer { try? BLAS.setThreads(1) }
        #expect(try Self.run().state == one.state)
    }

    @Test func `A run that overflows ends as diverged, with the epochs before it`() throws {
        let result = try Self.run(learningRate: 1e30)
        guard case .diverged(let epoch, let step, let records) = result.outcome else {
            Issue.record("the run finished")
            return
        }
        #expect(epoch == 1 && step > 1 && records.isEmpty)
    }

    @Test func `An error in the callback stops the run`() {
        struct Stop: Error {}
        #expect(throws: Stop.self) { try Self.run { _ in throw Stop() } }
    }

    @Test func `A batch gives each image the same logits in any company when evaluated`() throws {
        let shape = try NetworkShape(architecture: .resnet18, classes: 3, channels: 3, imageSize: 16)
        let network = Network(shape: shape, maximumBatch: 32)
        try network.load(PyTorchParityTests.start(shape, seed: 1))
        let source = TintedNoise(count: 32, classes: 3, size: 16)
        let batch = Batch(shape: shape, capacity: 32)
        func evaluate(_ count: Int) -> BatchResult {
            source.fill(Array(0..<count)[...], epoch: 1, images: batch.images, labels: batch.labels)
            batch.count = count
            return network.evaluate(batch)
        }
        let small = evaluate(3)
        let few = network.logits(count: 3).values.doubles
        let large = evaluate(32)
        #expect(relativeError(Array(network.logits(count: 32).values.doubles.prefix(9)), few) < 1e-5)
        #expect(small.lossSum < large.lossSum)
    }
}
