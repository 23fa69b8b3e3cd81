/// What one epoch of one training measured.
package struct EpochMetrics: Sendable, Equatable, Codable {
    /// 1 for the first epoch.
    package var epoch: Int
    /// The learning rate used during the epoch.
    package var learningRate: Double
    /// Mean cross-entropy over the epoch's training images, as seen while training.
    package var trainingLoss: Double
    /// Percent of training images classified correctly, as seen while training.
    package var trainingAccuracy: Double
    /// Percent of training images whose class is among the five with the highest scores, as seen while training; 100 with
    /// five classes or fewer.
    package var trainingTop5Accuracy: Double
    /// Mean cross-entropy over the validation images (the papers' "validation": the test split).
    package var validationLoss: Double
    /// Percent of validation images classified correctly.
    package var validationAccuracy: Double
    /// Percent of validation images whose class is among the five with the highest scores; likewise.
    package var validationTop5Accuracy: Double
    /// Training images seen in the epoch.
    package var images: Int
    /// Wall time of the epoch in seconds, validation included. Never part of a table.
    package var seconds: Double

    package init(
        epoch: Int, learningRate: Double, trainingLoss: Double, trainingAccuracy: Double, trainingTop5Accuracy: Double,
        validationLoss: Double, validationAccuracy: Double, validationTop5Accuracy: Double, images: Int, seconds: Double
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
