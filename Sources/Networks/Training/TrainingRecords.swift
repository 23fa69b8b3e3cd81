/// What a run is told: everything but the network and the images.
package struct TrainingSettings: Sendable, Equatable, Codable {
    package var epochs: Int
    package var batchSize: Int
    package var sgd: SGDSettings
    package var schedule: LearningRateSchedule
    /// Key of the streams that put the training images in order, one an epoch.
    package var orderSeed: UInt64
    /// Key of the streams dropout draws from, one a step and layer.
    package var dropoutSeed: UInt64

    package init(
        epochs: Int, batchSize: Int, sgd: SGDSettings, schedule: LearningRateSchedule, orderSeed: UInt64,
        dropoutSeed: UInt64 = 0
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.sgd = sgd
        self.schedule = schedule
        self.orderSeed = orderSeed
        self.dropoutSeed = dropoutSeed
    }
}

/// One epoch of a run.
package struct EpochRecord: Sendable, Equatable, Codable {
    /// 1-based.
    package var epoch: Int
    /// The rate this epoch was trained with.
    package var learningRate: Double
    /// Mean over the epoch's images, each as it was seen during training (before its own update).
    package var trainingLoss: Double
    /// Percent, likewise; an image mixed of two counts for each label with its share.
    package var trainingAccuracy: Double
    /// Percent of images whose label is among the five largest logits, likewise.
    package var trainingTop5Accuracy: Double
    /// Mean over the validation images after the epoch, with running statistics.
    package var validationLoss: Double
    /// Percent.
    package var validationAccuracy: Double
    /// Percent of images whose label is among the five largest logits.
    package var validationTop5Accuracy: Double
    /// Training images seen.
    package var images: Int
    /// Wall time of training and validation.
    package var seconds: Double

    package init(
        epoch: Int, learningRate: Double, trainingLoss: Double, trainingAccuracy: Double,
        trainingTop5Accuracy: Double, validationLoss: Double, validationAccuracy: Double,
        validationTop5Accuracy: Double, images: Int, seconds: Double
    ) {
        self.epoch = epoch
        self.learningRate = learningRate
        self.trainingLoss = trainingLoss
        self.trainingAccuracy = trainingAccuracy
        self.trainingTop5Accuracy = trainingTop5Accuracy
        self.validationLoss = validationLoss
        self.validationAccuracy = validationAccuracy
        self.validationTop5Accuracy = validationTop5Accuracy
        self.images = images
        self.seconds = seconds
    }
}

/// How a run ended. Divergence is a result, not an error.
package enum TrainingOutcome: Sendable, Equatable {
    case finished([EpochRecord])
    /// The loss was NaN or infinite at this step (1-based; the step after the last is validation) of this epoch.
    case diverged(epoch: Int, step: Int, [EpochRecord])

    package var records: [EpochRecord] {
        switch self {
        case .finished(let records), .diverged(_, _, let records): records
        }
    }
}

/// A run at the end of an epoch: what it needs to go on with the same bits, on any host of the same numeric class.
package struct TrainingCheckpoint: Sendable, Equatable {
    package var records: [EpochRecord]
    package var scheduler: LearningRateScheduler
    package var network: NetworkSnapshot

    package init(records: [EpochRecord], scheduler: LearningRateScheduler, network: NetworkSnapshot) {
        self.records = records
        self.scheduler = scheduler
        self.network = network
    }
}
