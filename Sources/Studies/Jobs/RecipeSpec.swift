/// The optimizer, schedule, epochs and augmentation of one training.
///
/// Nothing is said of single parameters: weight decay and the learning rate hold for all of them, except that a Fixup
/// network's scalar biases and scales train at a tenth of the rate, as Fixup's authors have it (the engine knows them by
/// the architecture).
package struct RecipeSpec: Sendable, Equatable {
    package var epochs: Int
    package var batchSize: Int
    package var learningRate: Double
    package var momentum: Double
    /// PyTorch's `SGD(nesterov=True)`; needs a momentum above 0.
    package var nesterov: Bool
    package var weightDecay: Double
    package var schedule: ScheduleSpec
    package var augmentation: AugmentationSpec
    /// α of mixup's Beta(α, α), from which each batch's weight is drawn; `nil` for no mixup.
    ///
    /// Source: Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018, <https://arxiv.org/abs/1710.09412>.
    package var mixup: Double?

    package init(
        epochs: Int, batchSize: Int, learningRate: Double, momentum: Double, nesterov: Bool = false, weightDecay: Double,
        schedule: ScheduleSpec, augmentation: AugmentationSpec, mixup: Double? = nil
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.momentum = momentum
        self.nesterov = nesterov
        self.weightDecay = weightDecay
        self.schedule = schedule
        self.augmentation = augmentation
        self.mixup = mixup
    }
}

/// A learning-rate schedule, stepped once an epoch.
package enum ScheduleSpec: Sendable, Equatable {
    case constant
    /// PyTorch's `ReduceLROnPlateau`: the rate is multiplied by `factor` when `watch` has not improved, in the sense of
    /// `mode`, for more than `patience` epochs.
    case plateau(watch: WatchedMetric, mode: PlateauMode, factor: Double, patience: Int)
    /// PyTorch's `StepLR`: the rate is multiplied by `factor` after every `every` epochs.
    case step(every: Int, factor: Double)
    /// PyTorch's `CosineAnnealingLR` with `T_max` = the training's epochs and `eta_min` = 0:
    /// epoch e of E, from 1, has the rate lr · (1 + cos(π (e − 1) / E)) / 2.
    case cosine
}

package enum WatchedMetric: String, Sendable, Equatable, Codable, CaseIterable {
    case validationAccuracy = "validation-accuracy"
    case trainingLoss = "training-loss"
}

package enum PlateauMode: String, Sendable, Equatable, Codable, CaseIterable {
    case max, min
}

/// What happens to a training image before normalization.
package enum AugmentationSpec: Sendable, Equatable {
    case none
    /// A horizontal flip with probability ½, then a rotation drawn from ±`degrees` (nearest neighbour, black corners).
    case flipAndRotation(degrees: Double)
    /// A crop of the image's own size at a place drawn from the image with `padding` black pixels on each side, then a
    /// horizontal flip with probability ½.
    case flipAndCrop(padding: Int)
}

extension ScheduleSpec {
    /// The schedule in the words of a footnote.
    package var words: String {
        switch self {
        case .constant: return "constant"
        case .cosine: return "cosine to 0"
        case .step(let every, let factor): return "step (× \(factor) every \(every == 1 ? "epoch" : "\(every) epochs"))"
        case .plateau(let watch, let mode, let factor, let patience):
            let metric = watch.rawValue.replacing("-", with: " ")
            return "plateau (× \(factor) after more than \(patience) \(patience == 1 ? "epoch" : "epochs") without "
                + "a \(mode == .max ? "higher" : "lower") \(metric))"
        }
    }
}

extension AugmentationSpec {
    /// The augmentation in the words of a footnote.
    package var words: String {
        switch self {
        case .none: "none"
        case .flipAndRotation(let degrees): "flip and rotation ±\(degrees)°"
        case .flipAndCrop(let padding): "flip and crop after padding by \(padding) pixels"
        }
    }
}
