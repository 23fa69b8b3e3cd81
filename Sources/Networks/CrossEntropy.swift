import CKernels

/// What a batch gave: the sum of its losses (not their mean) and how many images were classified correctly.
package struct BatchResult: Sendable, Equatable {
    package var lossSum: Double
    package var correct: Int
}

/// Softmax cross-entropy, mean over the batch, as torch.nn.CrossEntropyLoss.
package final class CrossEntropy {
    package let classes: Int
    private let scratch: FloatBuffer

    package init(classes: Int, maximumBatch: Int) {
        self.classes = classes
        scratch = FloatBuffer(count: 2 * maximumBatch)
    }

    /// `gradient`, if not nil, receives the gradient of the mean loss with respect to the logits `[classes][N]`.
    package func loss(
        _ logits: UnsafePointer<Float>, _ labels: UnsafePointer<Int32>, gradient: UnsafeMutablePointer<Float>?,
        batch: Int
    ) -> BatchResult {
        var correct = 0
        let sum = sower_cross_entropy(
            logits, labels, classes, batch, gradient, 1 / Float(batch), scratch.pointer, &correct)
        return BatchResult(lossSum: sum, correct: correct)
    }
}
