import CKernels
import Tensors

/// A network that can be trained on batches of up to `maximumBatch` images, on one thread.
///
/// It is built with every value zero, running variances too; ``load(_:)`` gives it a start. All memory a step needs is
/// taken here. The caller writes images `[H][W][C][N]` and labels into ``images`` and ``labels``.
package final class Network {
    package let shape: NetworkShape
    package let maximumBatch: Int
    /// The batch, `[H][W][C][N]` with N = the number of images of this batch.
    package let images: UnsafeMutablePointer<Float>
    /// A label in 0..<classes for each image.
    package let labels: UnsafeMutablePointer<Int32>

    /// Runs of the same class on the same C library give the same bits: "fma" on every x86-64 with AVX2 or AVX-512.
    package let numericClass: String

    private let store: ParameterStore
    private let model: ResNet18
    private let criterion: CrossEntropy
    private let imageBuffer, logitBuffer, logitGradient: FloatBuffer
    var timer = LayerTimer()

    package init(shape: NetworkShape, maximumBatch: Int, product: SegmentProduct = .best) {
        precondition(maximumBatch > 0)
        self.shape = shape
        self.maximumBatch = maximumBatch
        numericClass = product.numericClass
        store = ParameterStore(shape.parameters, architecture: shape.architecture)
        model = ResNet18(shape: shape, store: store, workspace: Workspace(product: product), maximumBatch: maximumBatch)
        criterion = CrossEntropy(classes: shape.classes, maximumBatch: maximumBatch)
        imageBuffer = FloatBuffer(count: shape.imageSize * shape.imageSize * shape.channels * maximumBatch)
        logitBuffer = FloatBuffer(count: shape.classes * maximumBatch)
        logitGradient = FloatBuffer(count: shape.classes * maximumBatch)
        images = imageBuffer.pointer
        labels = .allocate(capacity: maximumBatch)
        labels.initialize(repeating: 0, count: maximumBatch)
    }

    deinit { labels.deallocate() }

    // MARK: Steps

    /// Forward with batch statistics, then backward: fills every gradient of the mean loss. Weights stay as they are.
    package func computeGradients(batch: Int) -> BatchResult {
        checkBatch(batch)
        model.forward(images, into: logitBuffer.pointer, batch: batch, timer: timer)
        let result = timer.measure(.head) {
            criterion.loss(logitBuffer.pointer, labels, gradient: logitGradient.pointer, batch: batch)
        }
        model.backward(images, logitsGradient: logitGradient.pointer, batch: batch, timer: timer)
        return result
    }

    /// One SGD step from the gradients at hand.
    package func update(_ settings: SGDSettings, learningRate: Double) {
        timer.measure(.update) { store.update(settings, learningRate: learningRate) }
    }

    /// Forward with running statistics: loss and accuracy only.
    package func evaluate(batch: Int) -> BatchResult {
        checkBatch(batch)
        model.evaluate(images, into: logitBuffer.pointer, batch: batch)
        return criterion.loss(logitBuffer.pointer, labels, gradient: nil, batch: batch)
    }

    /// Forgets the momentum, as a new optimizer does.
    package func clearMomentum() { store.clearMomentum() }

    /// Brings weights that no gradient reaches up to date; ``state()`` does so by itself.
    package func applyPendingUpdates() { timer.measure(.update) { store.applyPendingUpdates() } }

    private func checkBatch(_ batch: Int) {
        precondition((1...maximumBatch).contains(batch), "\(batch) images in a network for \(maximumBatch)")
        for index in 0..<batch {
            precondition((0..<shape.classes).contains(Int(labels[index])), "label \(labels[index]) out of range")
        }
    }

    // MARK: State

    /// Replaces every parameter and buffer and clears the momentum; throws, naming the tensor, before anything changes.
    package func load(_ state: NetworkState) throws(NetworkError) { try store.load(state) }

    /// Every parameter and buffer as it is now, in torchvision's names, shapes and order.
    package func state() -> NetworkState { store.state() }

    /// The gradients of the last ``computeGradients(batch:)``, in torchvision's names and shapes.
    package var gradients: NetworkState { store.gradientState() }

    // MARK: Tensors in and out

    /// Writes `[N, C, H, W]` images and their labels as the batch.
    package func setBatch(_ tensor: Tensor, labels: [Int]) {
        let expected = [labels.count, shape.channels, shape.imageSize, shape.imageSize]
        precondition(tensor.shape == expected && labels.count <= maximumBatch, "\(tensor.shape), expected \(expected)")
        sower_nchw_to_hwcn(
            tensor.values, images, labels.count, shape.channels, shape.imageSize * shape.imageSize)
        for (index, label) in labels.enumerated() { self.labels[index] = Int32(label) }
    }

    /// The logits `[N, classes]` of the last forward pass.
    package func logits(batch: Int) -> Tensor {
        checkBatch(batch)
        var tensor = Tensor(zeros: [batch, shape.classes])
        for image in 0..<batch {
            for label in 0..<shape.classes {
                tensor.values[image * shape.classes + label] = logitBuffer.pointer[label * batch + image]
            }
        }
        return tensor
    }
}
