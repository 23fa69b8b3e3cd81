import Tensors

/// Trains a network: epochs of shuffled batches, each followed by validation.
package struct Trainer {
    package let network: Network
    package let settings: TrainingSettings
    private let training, validation: any ImageSource
    private let mixing: (any BatchMixing)?
    private let assembler: BatchAssembler
    private let now: () -> Duration

    /// `now` is a monotonic clock, read at the ends of epochs only.
    package init(
        network: Network, settings: TrainingSettings, training: any ImageSource, validation: any ImageSource,
        mixing: (any BatchMixing)? = nil, now: @escaping () -> Duration
    ) {
        precondition((1...network.maximumBatch).contains(settings.batchSize))
        precondition(training.count > 0 && validation.count > 0)
        precondition(training.classes <= network.shape.classes && validation.classes <= network.shape.classes)
        self.network = network
        self.settings = settings
        self.training = training
        self.validation = validation
        self.mixing = mixing
        self.now = now
        assembler = BatchAssembler(shape: network.shape, batchSize: settings.batchSize)
    }

    /// Runs all epochs with a fresh optimizer, or those after a checkpoint with the optimizer in it.
    ///
    /// - Parameters:
    ///   - checkpoint: where to go on; its network takes the place of this one's.
    ///   - onEpoch: is handed each new record, and a function that makes a checkpoint of the run at this moment; may throw
    ///     to stop the run.
    package func run(
        from checkpoint: TrainingCheckpoint? = nil,
        onEpoch: (EpochRecord, _ checkpoint: () -> TrainingCheckpoint) throws -> Void
    ) throws -> TrainingOutcome {
        var scheduler = LearningRateScheduler(settings.schedule, learningRate: settings.sgd.learningRate)
        var records: [EpochRecord] = []
        if let checkpoint {
            try network.restore(checkpoint.network)
            (scheduler, records) = (checkpoint.scheduler, checkpoint.records)
        } else {
            network.clearMomentum()
        }
        for epoch in stride(from: records.count + 1, through: settings.epochs, by: 1) {
            let start = now()
            let trained: BatchResult
            switch train(epoch: epoch, learningRate: scheduler.learningRate) {
            case .success(let result): trained = result
            case .failure(let divergence): return .diverged(epoch: epoch, step: divergence.step, records)
            }
            let validated = validate(epoch: epoch)
            guard validated.lossSum.isFinite else {
                let steps = (training.count + settings.batchSize - 1) / settings.batchSize
                return .diverged(epoch: epoch, step: steps + 1, records)
            }
            let (trainingCount, validationCount) = (Double(training.count), Double(validation.count))
            let record = EpochRecord(
                epoch: epoch, learningRate: scheduler.learningRate,
                trainingLoss: trained.lossSum / trainingCount,
                trainingAccuracy: 100 * trained.correct / trainingCount,
                trainingTop5Accuracy: 100 * trained.correctInTop5 / trainingCount,
                validationLoss: validated.lossSum / validationCount,
                validationAccuracy: 100 * validated.correct / validationCount,
                validationTop5Accuracy: 100 * validated.correctInTop5 / validationCount, images: training.count,
                seconds: (now() - start) / .seconds(1))
            records.append(record)
            scheduler.finishEpoch(
                trainingLoss: record.trainingLoss, validationAccuracy: record.validationAccuracy)
            try onEpoch(record) {
                TrainingCheckpoint(records: records, scheduler: scheduler, network: network.snapshot)
            }
        }
        return .finished(records)
    }

    /// The class with the largest logit of every validation image, in the source's order, by the network as it is; of equal ones
    /// the lowest, as accuracy counts.
    package func predictions() -> [Int] {
        let pass = BatchAssembler.Pass(
            source: validation, mixing: nil, order: Array(0..<validation.count), batchSize: settings.batchSize, epoch: 1)
        var predicted: [Int] = []
        predicted.reserveCapacity(validation.count)
        assembler.run(pass) { batch, _ in
            _ = network.evaluate(batch)
            let logits = network.logits(count: batch.count)
            let classes = logits.shape[1]
            for image in 0..<batch.count {
                let own = logits.values[image * classes..<(image + 1) * classes]
                var best = own.startIndex
                for index in own.indices where own[index] > own[best] { best = index }
                predicted.append(best - own.startIndex)
            }
            return true
        }
        return predicted
    }

    private struct Divergence: Error { let step: Int }

    private func train(epoch: Int, learningRate: Double) -> Result<BatchResult, Divergence> {
        // The order depends on the seed and the epoch alone, so it is the same whatever ran before.
        var order = Array(0..<training.count)
        var stream = RandomStream(seed: settings.orderSeed, substream: UInt64(epoch))
        stream.shuffle(&order)
        let pass = BatchAssembler.Pass(
            source: training, mixing: mixing, order: order, batchSize: settings.batchSize, epoch: epoch)
        var total = BatchResult.zero
        var divergence: Divergence?
        assembler.run(pass) { batch, number in
            network.setDropout((settings.dropoutSeed, UInt64(epoch) << 32 | UInt64(number)))
            let result = network.computeGradients(batch)
            guard result.lossSum.isFinite else {
                divergence = Divergence(step: number + 1)
                return false
            }
            network.update(settings.sgd, learningRate: learningRate)
            total += result
            return true
        }
        return divergence.map { .failure($0) } ?? .success(total)
    }

    private func validate(epoch: Int) -> BatchResult {
        let pass = BatchAssembler.Pass(
            source: validation, mixing: nil, order: Array(0..<validation.count), batchSize: settings.batchSize,
            epoch: epoch)
        var total = BatchResult.zero
        assembler.run(pass) { batch, _ in
            total += network.evaluate(batch)
            return true
        }
        return total
    }
}
