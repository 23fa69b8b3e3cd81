import Tensors

/// Trains a network: epochs of shuffled batches, each followed by validation.
package struct Trainer {
    package let network: Network
    package let settings: TrainingSettings
    private let training, validation: any ImageSource
    private let now: () -> Duration

    /// `now` is a monotonic clock, read at the ends of epochs only.
    package init(
        network: Network, settings: TrainingSettings, training: any ImageSource, validation: any ImageSource,
        now: @escaping () -> Duration
    ) {
        precondition((1...network.maximumBatch).contains(settings.batchSize))
        precondition(training.count > 0 && validation.count > 0)
        precondition(training.classes <= network.shape.classes && validation.classes <= network.shape.classes)
        self.network = network
        self.settings = settings
        self.training = training
        self.validation = validation
        self.now = now
    }

    /// Runs all epochs with a fresh optimizer, handing each record to `onEpoch`, which may throw to stop the run.
    package func run(onEpoch: (EpochRecord) throws -> Void) throws -> TrainingOutcome {
        var scheduler = LearningRateScheduler(settings.schedule, learningRate: settings.sgd.learningRate)
        var records: [EpochRecord] = []
        network.clearMomentum()
        for epoch in stride(from: 1, through: settings.epochs, by: 1) {
            let start = now()
            let steps = (training.count + settings.batchSize - 1) / settings.batchSize
            let trained: BatchResult
            switch train(epoch: epoch, learningRate: scheduler.learningRate) {
            case .success(let result): trained = result
            case .failure(let divergence): return .diverged(epoch: epoch, step: divergence.step, records)
            }
            let validated = validate(epoch: epoch)
            guard validated.lossSum.isFinite else { return .diverged(epoch: epoch, step: steps + 1, records) }
            let (trainingCount, validationCount) = (Double(training.count), Double(validation.count))
            let record = EpochRecord(
                epoch: epoch, learningRate: scheduler.learningRate,
                trainingLoss: trained.lossSum / trainingCount,
                trainingAccuracy: 100 * Double(trained.correct) / trainingCount,
                validationLoss: validated.lossSum / validationCount,
                validationAccuracy: 100 * Double(validated.correct) / validationCount,
                images: training.count, seconds: (now() - start) / .seconds(1))
            records.append(record)
            try onEpoch(record)
            scheduler.finishEpoch(
                trainingLoss: record.trainingLoss, validationAccuracy: record.validationAccuracy)
        }
        return .finished(records)
    }

    private struct Divergence: Error { let step: Int }

    private func train(epoch: Int, learningRate: Double) -> Result<BatchResult, Divergence> {
        // The order depends on the seed and the epoch alone, so it is the same whatever ran before.
        var order = Array(0..<training.count)
        var stream = RandomStream(seed: settings.orderSeed, substream: UInt64(epoch))
        stream.shuffle(&order)
        var total = BatchResult(lossSum: 0, correct: 0)
        for (step, first) in stride(from: 0, to: order.count, by: settings.batchSize).enumerated() {
            let batch = order[first..<min(first + settings.batchSize, order.count)]
            training.fill(batch, epoch: epoch, images: network.images, labels: network.labels)
            let result = network.computeGradients(batch: batch.count)
            guard result.lossSum.isFinite else { return .failure(Divergence(step: step + 1)) }
            network.update(settings.sgd, learningRate: learningRate)
            total.lossSum += result.lossSum
            total.correct += result.correct
        }
        network.applyPendingUpdates()
        return .success(total)
    }

    private func validate(epoch: Int) -> BatchResult {
        let order = Array(0..<validation.count)
        var total = BatchResult(lossSum: 0, correct: 0)
        for first in stride(from: 0, to: order.count, by: settings.batchSize) {
            let batch = order[first..<min(first + settings.batchSize, order.count)]
            validation.fill(batch, epoch: epoch, images: network.images, labels: network.labels)
            let result = network.evaluate(batch: batch.count)
            total.lossSum += result.lossSum
            total.correct += result.correct
        }
        return total
    }
}
