import CKernels
import Tensors

/// Images `[H][W][C][N]` and their labels, ready for a network. N = ``count`` may be anything up to the capacity.
package final class Batch: @unchecked Sendable {
    // Unchecked: memory that one thread fills and then another reads; who hands a batch over does not touch it again
    // until it comes back.
    package let shape: NetworkShape
    package let capacity: Int
    package var count = 0
    package let images: UnsafeMutablePointer<Float>
    /// A label in `0..<classes` an image.
    package let labels: UnsafeMutablePointer<Int32>
    /// Second labels, and the share of the first: see ``BatchLabels``.
    package let secondLabels: UnsafeMutablePointer<Int32>
    package var share: Float = 1
    private let buffer: FloatBuffer

    package init(shape: NetworkShape, capacity: Int) {
        self.shape = shape
        self.capacity = capacity
        buffer = FloatBuffer(count: shape.imageSize * shape.imageSize * shape.channels * capacity)
        images = buffer.pointer
        labels = .allocate(capacity: capacity)
        labels.initialize(repeating: 0, count: capacity)
        secondLabels = .allocate(capacity: capacity)
        secondLabels.initialize(repeating: 0, count: capacity)
    }

    deinit {
        labels.deallocate()
        secondLabels.deallocate()
    }

    var targets: BatchLabels {
        share == 1 ? BatchLabels(labels) : BatchLabels(labels, second: secondLabels, share: share)
    }

    /// Traps on a label that is none: it would read outside the logits.
    func checkLabels() {
        for index in 0..<count {
            precondition((0..<shape.classes).contains(Int(labels[index])), "label \(labels[index]) out of range")
            if share != 1 {
                precondition((0..<shape.classes).contains(Int(secondLabels[index])), "label \(secondLabels[index]) out of range")
            }
        }
    }

    /// Takes `[N, C, H, W]` images and their labels; with second labels, those and the share of the first.
    package func set(_ tensor: Tensor, labels: [Int], second: [Int]? = nil, share: Float = 1) {
        let expected = [labels.count, shape.channels, shape.imageSize, shape.imageSize]
        precondition(tensor.shape == expected && labels.count <= capacity, "\(tensor.shape), expected \(expected)")
        count = labels.count
        sower_nchw_to_hwcn(tensor.values, images, count, shape.channels, shape.imageSize * shape.imageSize)
        for (index, label) in labels.enumerated() { self.labels[index] = Int32(label) }
        self.share = share
        for (index, label) in (second ?? []).enumerated() { secondLabels[index] = Int32(label) }
    }
}
