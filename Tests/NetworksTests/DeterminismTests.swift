import Networks
import Tensors
import Testing

/// Threads and instruction sets change the speed and never a bit.
@Suite struct DeterminismTests {
    struct Run: Equatable {
        var losses: [BatchResult] = []
        var gradients: NetworkState?
        var snapshot: NetworkSnapshot
        var logits: Tensor
    }

    /// Three steps with dropout, and an evaluation.
    static func run(
        _ shape: NetworkShape, batch count: Int, start: NetworkState, threads: Int, _ backend: SegmentProduct.Backend,
        gradients: Bool
    ) throws -> Run {
        let network = Network(
            shape: shape, maximumBatch: count, product: SegmentProduct(backend), threads: ThreadTeam(count: threads))
        try network.load(start)
        let settings = SGDSettings(learningRate: 0.01, momentum: 0.9, weightDecay: 1e-3, nesterov: true)
        var losses: [BatchResult] = []
        var first: NetworkState?
        for step in 0..<3 {
            network.setDropout((seed: 1, step: UInt64(step)))
            let batch = GradientDirectionTests.batch(shape, count: count, stream: 600 + 2 * UInt64(step))
            losses.append(network.computeGradients(batch))
            if gradients, step == 0 { first = network.gradients }
            network.update(settings, learningRate: 0.01)
        }
        losses.append(network.evaluate(GradientDirectionTests.batch(shape, count: count)))
        return Run(losses: losses, gradients: first, snapshot: network.snapshot, logits: network.logits(count: count))
    }

    /// One, two and three threads, and every instruction set, against one thread of the best. `quick` changes both at
    /// once.
    static func check(_ shape: NetworkShape, batch: Int, start: NetworkState, quick: Bool = false) throws {
        func run(_ threads: Int, _ backend: SegmentProduct.Backend) throws -> Run {
            try Self.run(shape, batch: batch, start: start, threads: threads, backend, gradients: !quick)
        }
        let best = SegmentProduct.best.backend
        let others = SegmentProduct.available.filter { $0 != .blas && $0 != best }
        let alone = try run(1, best)
        #expect(alone.losses.allSatisfy { $0.lossSum.isFinite && $0.lossSum > 0 })
        let hasMomentum = alone.snapshot.momentum.contains { $0 != 0 }
        #expect(hasMomentum)
        try expectSame(run(2, best), alone, "2 threads")
        if quick {
            try expectSame(run(3, others.last ?? best), alone, "3 threads, \(others)")
        } else {
            try expectSame(run(3, best), alone, "3 threads")
            for backend in others { try expectSame(run(1, backend), alone, "\(backend)") }
        }
    }

    /// Batches that fill no register and no thread evenly; maps with odd sizes, dead taps and thin channels.
    static let cases: [(architecture: Architecture, channels: Int, imageSize: Int, batch: Int)] = [
        (.resnet18, 3, 16, 5), (.customResNet18, 1, 17, 5), (.lenet, 1, 28, 5), (.lenet, 3, 19, 33),
        (.fixupResNet20, 3, 16, 5), (.fixupResNet20, 1, 9, 33),
    ]

    @Test(
        .enabled(if: SegmentProduct.best.backend != .blas, "some OpenBLAS kernels round by the shape of a product"),
        arguments: cases)
    func `Threads and instruction sets change no bit`(
        architecture: Architecture, channels: Int, imageSize: Int, batch: Int
    ) throws {
        let shape = try NetworkShape(architecture: architecture, classes: 7, channels: channels, imageSize: imageSize)
        try Self.check(shape, batch: batch, start: PyTorchParityTests.start(shape, seed: 1))
    }
}
