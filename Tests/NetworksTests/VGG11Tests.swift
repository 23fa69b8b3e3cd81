import Networks
import Tensors
import Testing

/// What takes 128 million weights is tested one at a time, to bound the memory.
@Suite(.serialized) struct VGG11Tests {
    static func shape(imageSize: Int = 32) throws -> NetworkShape {
        try NetworkShape(architecture: .vgg11, classes: 2, channels: 3, imageSize: imageSize)
    }

    /// Its parameters do not depend on the size of the images.
    static let start = (try? shape()).map { PyTorchParityTests.start($0, seed: 1) } ?? NetworkState()

    /// 32 pixels make one group of the 49 positions behind the pooling, 64 make nine.
    @Test(arguments: [32, 64])
    func `A loaded state comes back bit for bit`(imageSize: Int) throws {
        let shape = try Self.shape(imageSize: imageSize)
        let network = Network(shape: shape, maximumBatch: 1)
        try network.load(Self.start)
        expectSame(network.state(), Self.start)
    }

    @Test func `With dropout on, the loss changes along every gradient as it says`() throws {
        let shape = try Self.shape()
        let network = Network(shape: shape, maximumBatch: 2)
        network.setDropout((seed: 3, step: 7))
        try GradientDirectionTests.check(
            network, start: Self.start, GradientDirectionTests.batch(shape, count: 2),
            tensors: ["features.0.weight", "classifier.0.weight"])
    }

    @Test(.enabled(if: SegmentProduct.best.backend != .blas, "some OpenBLAS kernels round by the shape of a product"))
    func `Threads and instruction sets change no bit`() throws {
        try DeterminismTests.check(Self.shape(), batch: 5, start: Self.start, quick: true)
    }

    @Test func `A run with dropout and mixed images goes on from a checkpoint with the same bits`() throws {
        try CheckpointTests.check(
            CheckpointTests.Case(.vgg11, imageSize: 32, .step(every: 1, factor: 0.5), nesterov: true), start: Self.start,
            images: 5)
    }
}
