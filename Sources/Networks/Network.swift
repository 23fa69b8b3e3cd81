import CKernels
import Tensors

/// A network that can be trained on batches of up to `maximumBatch` images.
///
/// It is built with every value zero, running variances too; ``load(_:)`` gives it a start. All memory a step needs is
/// taken here. Threads change the speed and never a bit.
package final class Network {
    package let shape: NetworkShape
    package let maximumBatch: Int
    /// Runs of the same class on the same C library give the same bits: "fma" on every x86-64 with AVX2 or AVX-512.
    package let numericClass: String

    private let store: ParameterStore
    private let body: any NetworkBody
    private let threads: ThreadTeam
    private let dropout = DropoutNoise()
    private let criterion: CrossEntropy
    private let logitBuffer, logitGradient: FloatBuffer
    var timer = LayerTimer()

    package init(
        shape: NetworkShape, maximumBatch: Int, product: SegmentProduct = .best, threads: ThreadTeam = ThreadTeam()
    ) {
        precondition(maximumBatch > 0)
        self.shape = shape
        self.maximumBatch = maximumBatch
        self.threads = threads
        numericClass = product.numericClass
        store = ParameterStore(shape.parameters, architecture: shape.architecture)
        body = shape.architecture.body(
            LayerContext(
                shape: shape, store: store, workspace: Workspace(product: product, threads: threads), dropout: dropout,
                maximumBatch: maximumBatch))
        criterion = CrossEntropy(classes: shape.classes, maximumBatch: maximumBatch)
        logitBuffer = FloatBuffer(count: shape.classes * maximumBatch)
        logitGradient = FloatBuffer(count: shape.classes * maximumBatch)
    }

    // MARK: Steps

    /// Forward as in training, then backward: fills every gradient of the mean loss. Weights stay as they are.
    package func computeGradients(_ batch: Batch) -> BatchResult {
        check(batch)
        body.forward(batch.images, into: logitBuffer.pointer, batch: batch.count, timer: timer)
        let result = timer.measure(.head) {
            criterion.loss(
                logitBuffer.pointer, batch.targets, gradient: logitGradient.pointer, batch: batch.count)
        }
        body.backward(batch.images, logitsGradient: logitGradient.pointer, batch: batch.count, timer: timer)
        return result
    }

    /// One SGD step from the gradients at hand.
    package func update(_ settings: SGDSettings, learningRate: Double) {
        timer.measure(.update) { store.update(settings, learningRate: learningRate, threads: threads) }
    }

    /// Forward as in evaluation: loss and accuracy only.
    package func evaluate(_ batch: Batch) -> BatchResult {
        check(batch)
        body.evaluate(batch.images, into: logitBuffer.pointer, batch: batch.count)
        return criterion.loss(logitBuffer.pointer, batch.targets, gradient: nil, batch: batch.count)
    }

    /// Turns dropout on, drawn from this seed and step (below 2⁵⁶), or off; networks without dropout do not care.
    package func setDropout(_ key: (seed: UInt64, step: UInt64)?) { dropout.key = key }

    /// Forgets the momentum, as a new optimizer does.
    package func clearMomentum() { store.clearMomentum() }

    private func check(_ batch: Batch) {
        precondition(batch.shape == shape && batch.count > 0, "a batch of another network")
        precondition(batch.count <= maximumBatch, "\(batch.count) images in a network for \(maximumBatch)")
        batch.checkLabels()
    }

    // MARK: State

    /// Replaces every parameter and buffer and clears the momentum; throws, naming the tensor, before anything changes.
    package func load(_ state: NetworkState) throws(NetworkError) { try store.load(state) }

    /// The same, one tensor at a time; a tensor that cannot be made leaves the network half loaded.
    package func load(_ state: DeferredState) throws { try store.load(state) }

    /// Every parameter and buffer as it is now, in torchvision's names, shapes and order.
    package func state() -> NetworkState { store.state() }

    /// The same for writing to a file; see ``StreamedEntry``.
    package var streamedState: [StreamedEntry] { store.streamedState }

    /// The gradients of the last ``computeGradients(_:)``, in torchvision's names and shapes.
    package var gradients: NetworkState { store.gradientState() }

    /// Everything a training needs to go on with the same bits.
    package var snapshot: NetworkSnapshot { store.snapshot }

    /// Takes a snapshot back; throws before anything changes when it is of another network.
    package func restore(_ snapshot: NetworkSnapshot) throws(NetworkError) { try store.restore(snapshot) }

    // MARK: Work

    /// Floating-point operations on live data of one training step: two a multiply-add, forward and both gradients,
    /// without the gradient of the images. Convolutions and linear layers only.
    package func trainingOperations(batch: Int) -> Double {
        let convolutions = body.convolutions.map(\.multiplyAdds)
        let once = convolutions.reduce(0, +) + body.linearMultiplyAdds
        return 2 * Double(batch) * Double(3 * once - (convolutions.first ?? 0))
    }

    // MARK: Logits

    /// The logits `[N, classes]` of the last forward pass over `count` images.
    package func logits(count: Int) -> Tensor {
        precondition((1...maximumBatch).contains(count))
        var tensor = Tensor(zeros: [count, shape.classes])
        for image in 0..<count {
            for label in 0..<shape.classes {
                tensor.values[image * shape.classes + label] = logitBuffer.pointer[label * count + image]
            }
        }
        return tensor
    }
}
