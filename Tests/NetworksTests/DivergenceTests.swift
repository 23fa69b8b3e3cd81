import Networks
import Tensors
import Testing

/// Images of which one is NaN from some epoch on.
private struct PoisonedNoise: ImageSource {
    let noise: TintedNoise
    var poisoned: Int?
    var fromEpoch = 1

    var count: Int { noise.count }
    var classes: Int { noise.classes }

    func fill(
        _ indices: ArraySlice<Int>, epoch: Int, images: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int32>
    ) {
        noise.fill(indices, epoch: epoch, images: images, labels: labels)
        guard let poisoned, epoch >= fromEpoch, let n = indices.firstIndex(of: poisoned) else { return }
        // The middle of the image, where no architecture's windows pass it by.
        let position = noise.size / 2 * noise.size + noise.size / 2
        images[position * 3 * indices.count + n - indices.startIndex] = .nan
    }
}

/// A run that diverges says where, and keeps the epochs before it.
@Suite struct DivergenceTests {
    static let sizes: [(Architecture, Int)] = [(.resnet18, 16), (.customResNet18, 16), (.lenet, 16), (.fixupResNet20, 8)]
    static let orderSeed: UInt64 = 5

    static func trainer(
        _ architecture: Architecture, _ size: Int, training poisoned: Int? = nil, validation: Int? = nil, fromEpoch: Int = 1
    ) throws -> Trainer {
        let shape = try NetworkShape(architecture: architecture, classes: 3, channels: 3, imageSize: size)
        let network = Network(shape: shape, maximumBatch: 4)
        try network.load(PyTorchParityTests.start(shape, seed: 1))
        let settings = TrainingSettings(
            epochs: 3, batchSize: 4, sgd: SGDSettings(learningRate: 0.001, momentum: 0.9, weightDecay: 1e-4),
            schedule: .constant, orderSeed: orderSeed)
        let noise = TintedNoise(count: 11, classes: 3, size: size)
        return Trainer(
            network: network, settings: settings,
            training: PoisonedNoise(noise: noise, poisoned: poisoned, fromEpoch: fromEpoch),
            validation: PoisonedNoise(noise: noise, poisoned: validation, fromEpoch: fromEpoch)
        ) { .zero }
    }

    /// The step (1-based) at which an epoch of batches of four sees an image.
    static func step(of image: Int, epoch: Int) -> Int {
        var order = Array(0..<11)
        var stream = RandomStream(seed: orderSeed, substream: UInt64(epoch))
        stream.shuffle(&order)
        return order.firstIndex(of: image)! / 4 + 1
    }

    @Test(arguments: sizes)
    func `A NaN in an image ends the run at the step that sees it`(_ architecture: Architecture, _ size: Int) throws {
        for (image, epoch) in [(0, 1), (3, 1), (7, 2), (9, 3)] {
            let outcome = try Self.trainer(architecture, size, training: image, fromEpoch: epoch).run { _, _ in }
            guard case .diverged(epoch, Self.step(of: image, epoch: epoch), let records) = outcome else {
                Issue.record("image \(image) from epoch \(epoch): \(outcome)")
                continue
            }
            #expect(records.map(\.epoch) == Array(1..<epoch))
        }
    }

    @Test(arguments: sizes)
    func `A NaN in validation is the step after the last`(_ architecture: Architecture, _ size: Int) throws {
        let outcome = try Self.trainer(architecture, size, validation: 6, fromEpoch: 2).run { _, _ in }
        guard case .diverged(2, 4, let records) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(records.count == 1)
    }

    @Test func `A weight that overflows diverges`() throws {
        let trainer = try Self.trainer(.lenet, 16)
        var state = trainer.network.state()
        state["ip1.weight"] = Tensor(repeating: 1e38, shape: state["ip1.weight"]!.shape)
        try trainer.network.load(state)
        guard case .diverged(1, 1, _) = try trainer.run(onEpoch: { _, _ in }) else {
            Issue.record("the run finished")
            return
        }
    }

    /// The batch that was under way when a run stopped must not be taken for the first of the next.
    @Test(arguments: 0..<11)
    func `A trainer that diverged trains another start as if nothing had happened`(image: Int) throws {
        let fresh = try Self.trainer(.lenet, 16, training: image, fromEpoch: 2)
        let start = fresh.network.state()
        let first = try fresh.run { _, _ in }
        try fresh.network.load(start)
        #expect(try fresh.run { _, _ in }.records == first.records)
        let clean = try Self.trainer(.lenet, 16)
        let outcome = try clean.run { _, _ in }
        #expect(outcome.records.count == 3 && outcome.records.prefix(1) == first.records.prefix(1))
    }
}
