import Studies

/// What became of one cell of the evaluation grid.
package enum CellState: Sendable, Equatable {
    /// Trained to the end.
    case finished
    /// Given up on, with the reason of the last attempt.
    case failed(reason: String)
    /// Trained to a loss that is not a finite number: a result, but not one that has a mean.
    case diverged
    /// Not run yet, or running.
    case missing
}

/// One cell of the evaluation grid with what is known about it: all that a table needs.
package struct CellResult: Sendable, Equatable {
    package var arm: String
    /// The two superclasses, ascending.
    package var pair: [Int]
    /// 1, 2, ….
    package var replicate: Int
    package var state: CellState
    /// The recorded epochs.
    package var epochs: EpochList
    /// The class of hosts whose last digits agree, when the host reported one.
    package var numericClass: String?

    package init(
        arm: String, pair: [Int], replicate: Int, state: CellState, epochs: EpochList = [],
        numericClass: String? = nil
    ) {
        self.arm = arm
        self.pair = pair
        self.replicate = replicate
        self.state = state
        self.epochs = epochs
        self.numericClass = numericClass
    }
}

/// The measurement a table summarizes.
package enum TableMetric: String, Sendable, Equatable, Codable, CaseIterable {
    case validationAccuracy = "validation_accuracy"
    case validationTop5Accuracy = "validation_top5_accuracy"
    case validationLoss = "validation_loss"
    case trainingAccuracy = "training_accuracy"
    case trainingTop5Accuracy = "training_top5_accuracy"
    case trainingLoss = "training_loss"
    case learningRate = "learning_rate"

    /// The metric's unit: percent, nats an image, or 1 for a plain number.
    package var unit: String {
        switch self {
        case .validationAccuracy, .validationTop5Accuracy, .trainingAccuracy, .trainingTop5Accuracy: "percent"
        case .validationLoss, .trainingLoss: "nats"
        case .learningRate: "1"
        }
    }

    package func value(in epoch: EpochMetrics) -> Double {
        switch self {
        case .validationAccuracy: epoch.validationAccuracy
        case .validationTop5Accuracy: epoch.validationTop5Accuracy
        case .validationLoss: epoch.validationLoss
        case .trainingAccuracy: epoch.trainingAccuracy
        case .trainingTop5Accuracy: epoch.trainingTop5Accuracy
        case .trainingLoss: epoch.trainingLoss
        case .learningRate: epoch.learningRate
        }
    }
}
