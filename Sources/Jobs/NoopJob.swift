import Studies

extension JobRunner {
    /// The made-up epochs of a no-op, each told like a training's.
    func noop(_ spec: NoopSpec, onEpoch: (EpochMetrics) throws -> Void) throws -> [EpochMetrics] {
        guard spec.epochs > 0 else { return [] }
        return try (1...spec.epochs).map { epoch in
            let metrics = EpochMetrics(
                epoch: epoch, learningRate: 0.1, trainingLoss: 1 / Double(epoch), trainingAccuracy: 50, trainingTop5Accuracy: 90,
                validationLoss: 1 / Double(epoch), validationAccuracy: 50, validationTop5Accuracy: 90, images: 0, seconds: 0)
            try onEpoch(metrics)
            return metrics
        }
    }
}
