/// How the learning rate falls during a run.
package enum LearningRateSchedule: Sendable, Equatable, Codable {
    package enum Watched: String, Sendable, Codable { case validationAccuracy, trainingLoss }
    package enum Mode: String, Sendable, Codable { case max, min }

    case constant

    /// torch.optim.lr_scheduler.ReduceLROnPlateau: multiply by `factor` once the watched value has not improved on its
    /// best for more than `patience` epochs, then start counting again.
    ///
    /// `threshold` is relative (torch's default mode `rel`, 1e-4); no cooldown, no minimum.
    case reduceOnPlateau(watch: Watched, mode: Mode, factor: Double, patience: Int, threshold: Double = 1e-4)
}

/// The state of a schedule: the learning rate of the next epoch.
package struct LearningRateScheduler: Sendable, Equatable {
    package private(set) var learningRate: Double
    private let schedule: LearningRateSchedule
    private var best: Double?
    private var epochsWithoutImprovement = 0
    /// torch leaves the rate alone when it would change by less.
    private static let smallestChange = 1e-8

    package init(_ schedule: LearningRateSchedule, learningRate: Double) {
        self.schedule = schedule
        self.learningRate = learningRate
    }

    /// Takes note of a finished epoch.
    package mutating func finishEpoch(trainingLoss: Double, validationAccuracy: Double) {
        guard case .reduceOnPlateau(let watch, let mode, let factor, let patience, let threshold) = schedule else {
            return
        }
        let value = watch == .trainingLoss ? trainingLoss : validationAccuracy
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
