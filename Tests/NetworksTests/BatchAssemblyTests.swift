import Foundation
import Networks
import Synchronization
import Tensors
import Testing

/// Writes down what is asked of it; may take its time.
private final class RecordingSource: ImageSource {
    struct Request: Equatable {
        var epoch: Int
        var indices: [Int]
    }

    let noise: TintedNoise
    let delay: UInt32
    private let list = Mutex<[Request]>([])

    init(_ noise: TintedNoise, delay: UInt32 = 0) { (self.noise, self.delay) = (noise, delay) }

    var count: Int { noise.count }
    var classes: Int { noise.classes }
    var requests: [Request] { list.withLock { $0 } }

    func fill(
        _ indices: ArraySlice<Int>, epoch: Int, images: UnsafeMutablePointer<Float>, labels: UnsafeMutablePointer<Int32>
    ) {
        list.withLock { $0.append(Request(epoch: epoch, indices: Array(indices))) }
        if delay > 0 { usleep(delay) }
        noise.fill(indices, epoch: epoch, images: images, labels: labels)
    }
}

/// Batches are put together ahead of the network: what it sees must be what a plain loop would show it.
@Suite struct BatchAssemblyTests {
    static let settings = TrainingSettings(
        epochs: 2, batchSize: 4, sgd: SGDSettings(learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4),
        schedule: .constant, orderSeed: 5)

    private static func network(size: Int) throws -> Network {
        let shape = try NetworkShape(architecture: .lenet, classes: 3, channels: 3, imageSize: size)
        let network = Network(shape: shape, maximumBatch: 4)
        try network.load(PyTorchParityTests.start(shape, seed: 1))
        return network
    }

    /// Losses of each epoch's training by a plain loop, and the weights after it.
    private static func plainLoop(_ source: TintedNoise) throws -> (losses: [Double], state: NetworkState) {
        let network = try network(size: source.size)
        let batch = Batch(shape: network.shape, capacity: 4)
        var losses: [Double] = []
        for epoch in 1...settings.epochs {
            var order = Array(0..<source.count)
            var stream = RandomStream(seed: settings.orderSeed, substream: UInt64(epoch))
            stream.shuffle(&order)
            var sum = 0.0
            for first in stride(from: 0, to: order.count, by: 4) {
                let indices = order[first..<min(first + 4, order.count)]
                batch.count = indices.count
                source.fill(indices, epoch: epoch, images: batch.images, labels: batch.labels)
                sum += network.computeGradients(batch).lossSum
                network.update(settings.sgd, learningRate: 0.01)
            }
            losses.append(sum / Double(source.count))
        }
        return (losses, network.state())
    }

    /// A source slower than the network, one about as fast, and (with larger images) a network slower than its source.
    @Test(arguments: [(1, 16, 0), (3, 16, 4000), (4, 16, 0), (5, 16, 300), (10, 16, 4000), (10, 48, 0), (22, 16, 0)])
    func `A trainer sees the batches of a plain loop`(count: Int, size: Int, delay: Int) throws {
        let noise = TintedNoise(count: count, classes: 3, size: size)
        let expected = try Self.plainLoop(noise)
        let network = try Self.network(size: size)
        let (training, validation) = (RecordingSource(noise, delay: UInt32(delay)), RecordingSource(noise))
        let trainer = Trainer(network: network, settings: Self.settings, training: training, validation: validation) { .zero }
        let outcome = try trainer.run { _, _ in }
        #expect(outcome.records.map(\.trainingLoss) == expected.losses)
        expectSame(network.state(), expected.state)

        func requests(_ order: (Int) -> [Int]) -> [RecordingSource.Request] {
            (1...2).flatMap { epoch in
                let order = order(epoch)
                return stride(from: 0, to: count, by: 4).map {
                    RecordingSource.Request(epoch: epoch, indices: Array(order[$0..<min($0 + 4, count)]))
                }
            }
        }
        #expect(validation.requests == requests { _ in Array(0..<count) })
        #expect(
            training.requests
                == requests { epoch in
                    var order = Array(0..<count)
                    var stream = RandomStream(seed: 5, substream: UInt64(epoch))
                    stream.shuffle(&order)
                    return order
                })
    }
}
