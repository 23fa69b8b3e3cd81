import CKernels

/// What a batch gave: the sum of its losses (not their mean) and how many images were classified correctly.
package struct BatchResult: Sendable, Equatable {
    package var lossSum: Double
    /// Images whose label has the largest logit. With mixed labels each counts with its share, so it may be fractional.
    package var correct: Double
    /// Images whose label is among the five largest logits, likewise.
    package var correctInTop5: Double

    package init(lossSum: Double, correct: Double, correctInTop5: Double) {
        self.lossSum = lossSum
        self.correct = correct
        self.correctInTop5 = correctInTop5
    }

    package static let zero = BatchResult(lossSum: 0, correct: 0, correctInTop5: 0)

    package static func += (total: inout BatchResult, batch: BatchResult) {
        total.lossSum += batch.lossSum
        total.correct += batch.correct
        total.correctInTop5 += batch.correctInTop5
    }
}

/// The labels of a batch, each in `0..<classes`.
package struct BatchLabels {
    package let first: UnsafePointer<Int32>
    /// The second label of each image and the share of the first, for images mixed of two (mixup).
    package let second: UnsafePointer<Int32>?
    package let share: Float

    package init(_ first: UnsafePointer<Int32>, second: UnsafePointer<Int32>? = nil, share: Float = 1) {
        self.first = first
        self.second = second
        self.share = share
    }
}

/// Softmax cross-entropy, mean over the batch, as torch.nn.CrossEntropyLoss; with two labels an image, the mean of both
/// losses weighted by their shares (mixup, Zhang et al. 2018, arXiv:1710.09412).
package final class CrossEntropy {
    package let classes: Int
    private let scratch: FloatBuffer

    package init(classes: Int, maximumBatch: Int) {
        self.classes = classes
        scratch = FloatBuffer(count: 2 * maximumBatch)
    }

    /// `gradient`, if not nil, receives the gradient of the mean loss with respect to the logits `[classes][N]`.
    package func loss(
        _ logits: UnsafePointer<Float>, _ labels: BatchLabels, gradient: UnsafeMutablePointer<Float>?, batch: Int
    ) -> BatchResult {
        let sum = sower_cross_entropy(
            logits, labels.first, labels.second, labels.share, classes, batch, gradient, 1 / Float(batch),
            scratch.pointer)
        func correct(top: Int) -> Double {
            let first = Double(sower_count_correct(logits, labels.first, classes, batch, top))
            guard let second = labels.second else { return first }
            let share = Double(labels.share)
            return share * first + (1 - share) * Double(sower_count_correct(logits, second, classes, batch, top))
        }
        return BatchResult(lossSum: sum, correct: correct(top: 1), correctInTop5: correct(top: 5))
    }
}
