import Foundation

/// How the learning rate falls during a run; stepped once an epoch.
package enum LearningRateSchedule: Sendable, Equatable, Codable {
    package enum Watched: String, Sendable, Codable { case validationAccuracy, trainingLoss }
    package enum Mode: String, Sendable, Codable { case max, min }

    case constant

    /// torch.optim.lr_scheduler.ReduceLROnPlateau: multiply by `factor` once the watched value has not improved on its
    /// best for more than `patience` epochs, then start counting again.
    ///
    /// `threshold` is relative (torch's default mode `rel`, 1e-4); no cooldown, no minimum.
    case reduceOnPlateau(watch: Watched, mode: Mode, factor: Double, patience: Int, threshold: Double = 1e-4)

    /// torch.optim.lr_scheduler.StepLR: multiply by `factor` after every `every` epochs.
    case step(every: Int, factor: Double)

    /// torch.optim.lr_scheduler.CosineAnnealingLR to zero over `epochs`, without restarts (Loshchilov & Hutter 2017,
    /// arXiv:1608.03983): rate·(1 + cos(π·t/epochs))/2 after t epochs.
    case cosine(epochs: Int)
}

/// The state of a schedule: the learning rate of the next epoch.
package struct LearningRateScheduler: Sendable, Equatable, Codable {
    package private(set) var learningRate: Double
    private let schedule: LearningRateSchedule
    private let firstRate: Double
    private var finishedEpochs = 0
    private var best: Double?
    private var epochsWithoutImprovement = 0
    /// torch leaves the rate alone when a plateau would change it by less.
    private static let smallestChange = 1e-8

    package init(_ schedule: LearningRateSchedule, learningRate: Double) {
        self.schedule = schedule
        self.learningRate = learningRate
        firstRate = learningRate
    }

    /// Takes note of a finished epoch.
    package mutating func finishEpoch(trainingLoss: Double, validationAccuracy: Double) {
        finishedEpochs += 1
        switch schedule {
        case .constant:
            break
        case .reduceOnPlateau(let watch, let mode, let factor, let patience, let threshold):
            let value = watch == .trainingLoss ? trainingLoss : validationAccuracy
            watchPlateau(value, mode: mode, factor: factor, patience: patience, threshold: threshold)
        case .step(let every, let factor):
            if finishedEpochs % every == 0 { learningRate *= factor }
        case .cosine(let epochs):
            let share = min(Double(finishedEpochs) / Double(epochs), 1)
            learningRate = firstRate * (1 + cos(.pi * share)) / 2
        }
    }

    private mutating func watchPlateau(
        _ value: Double, mode: LearningRateSchedule.Mode, factor: Double, patience: Int, threshold: Double
    ) {
        if improves(value, mode: mode, threshold: threshold) {
            best = value
            epochsWithoutImprovement = 0
        } else {
            epochsWithoutImprovement += 1
        }
        guard epochsWithoutImprovement > patience else { return }
        epochsWithoutImprovement = 0
        let reduced = learningRate * factor
        if learningRate - reduced > Self.smallestChange { learningRate = reduced }
    }

    private func improves(_ value: Double, mode: LearningRateSchedule.Mode, threshold: Double) -> Bool {
        guard let best else { return !value.isNaN }
        return switch mode {
        case .max: value > best * (1 + threshold)
        case .min: value < best * (1 - threshold)
        }
    }
}
