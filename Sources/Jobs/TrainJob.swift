import Coordination
import Datasets
import Networks
import Studies

extension ImageSubset: ImageSource {}

extension JobRunner {
    /// Trains one network on the task of `spec`.
    func train(
        _ spec: TrainSpec, data: CIFAR100Folder, inputs: JobInputs, onEpoch: (EpochMetrics) throws -> Void
    ) throws -> Produced {
        let shape = try NetworkShape(spec.model)
        let training = try ImageSubset(
            data, split: .training, superclasses: spec.superclasses, augmentation: Augmentation(spec.recipe.augmentation),
            seed: spec.seeds.augmentation)
        let validation = try ImageSubset(data, split: .test, superclasses: spec.superclasses)
        guard training.classes == shape.classes else {
            throw JobError.malformedInput(
                name: data.path,
                reason: "superclasses \(spec.superclasses) have \(training.classes) classes, the network \(shape.classes)")
        }
        let network = Network(shape: shape, maximumBatch: spec.recipe.batchSize)
        try network.load(NetworkStart.state(spec.start, shape: shape, seed: spec.seeds.weights, inputs: inputs))
        let trainer = Trainer(
            network: network,
            settings: TrainingSettings(
                epochs: spec.recipe.epochs, batchSize: spec.recipe.batchSize,
                sgd: SGDSettings(
                    learningRate: spec.recipe.learningRate, momentum: spec.recipe.momentum,
                    weightDecay: spec.recipe.weightDecay),
                schedule: LearningRateSchedule(spec.recipe.schedule), orderSeed: spec.seeds.order),
            training: training, validation: validation, now: clock)
        let outcome = try trainer.run { try onEpoch(EpochMetrics($0)) }
        let epochs = outcome.records.map(EpochMetrics.init)
        if case .diverged(let epoch, let step, _) = outcome {
            return Produced(outcome: .diverged(epoch: epoch, step: step), epochs: epochs)
        }
        guard spec.keepsWeights else { return Produced(epochs: epochs) }
        return Produced(
            epochs: epochs, artifact: ("weights", StateDictFile.encode(network.state(), metadata: ["format": "pt"])))
    }
}

extension EpochMetrics {
    init(_ record: EpochRecord) {
        self.init(
            epoch: record.epoch, learningRate: record.learningRate, trainingLoss: record.trainingLoss,
            trainingAccuracy: record.trainingAccuracy, validationLoss: record.validationLoss,
            validationAccuracy: record.validationAccuracy, images: record.images, seconds: record.seconds)
    }
}

extension Augmentation {
    init(_ spec: AugmentationSpec) {
        switch spec {
        case .none: self = .none
        case .flipAndRotation(let degrees): self = .flipAndRotation(degrees: Float(degrees))
        }
    }
}

extension LearningRateSchedule {
    init(_ spec: ScheduleSpec) {
        switch spec {
        case .constant:
            self = .constant
        case .plateau(let watch, let mode, let factor, let patience):
            self = .reduceOnPlateau(
                watch: watch == .trainingLoss ? .trainingLoss : .validationAccuracy, mode: mode == .max ? .max : .min,
                factor: factor, patience: patience)
        }
    }
}
