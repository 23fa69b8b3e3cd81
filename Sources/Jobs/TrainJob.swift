import Artifacts
import Coordination
import Datasets
import Networks
import Studies

extension ImageSubset: ImageSource {}
extension Mixup: BatchMixing {}

extension JobRunner {
    /// Trains one network on the task of `spec`, from its beginning or from a checkpoint of the same job.
    func train(
        _ spec: TrainSpec, data: any ImageDataset, inputs: JobInputs, checkpoints: Checkpoints,
        onEpoch: (EpochMetrics) throws -> Void
    ) throws -> Produced {
        let shape = try NetworkShape(spec.model)
        let training = try ImageSubset(
            data, split: .training, superclasses: spec.superclasses, imageSize: shape.imageSize,
            augmentation: Augmentation(spec.recipe.augmentation), seed: spec.seeds.augmentation)
        let validation = try ImageSubset(
            data, split: .test, superclasses: spec.superclasses, imageSize: shape.imageSize)
        try training.requireInput(channels: shape.channels, imageSize: shape.imageSize)
        guard training.classes == shape.classes else {
            throw JobError.malformedInput(
                name: data.path,
                reason: "\(spec.taskWords) \(training.classes) classes, the network \(shape.classes)")
        }
        let network = Network(shape: shape, maximumBatch: spec.recipe.batchSize, threads: threads)
        // A checkpoint that is not this job's is as good as none.
        let checkpoint = try? checkpoints.resume.map { try CheckpointFile.decode($0, job: checkpoints.job) }
        if checkpoint == nil {
            try network.load(NetworkStart.state(spec.start, shape: shape, seed: spec.seeds.weights, inputs: inputs))
        }
        let trainer = Trainer(
            network: network, settings: TrainingSettings(spec), training: training, validation: validation,
            mixing: try spec.recipe.mixup.map { try Mixup(alpha: $0, seed: spec.seeds.mixup) }, now: clock)
        var lastCheckpoint = clock()
        let outcome = try trainer.run(from: checkpoint) { record, snapshot in
            try onEpoch(EpochMetrics(record))
            guard let interval = checkpoints.interval, record.epoch < spec.recipe.epochs, clock() - lastCheckpoint >= interval
            else { return }
            try checkpoints.publish(record.epoch, snapshot())
            lastCheckpoint = clock()
        }
        let epochs = outcome.records.map(EpochMetrics.init)
        if case .diverged(let epoch, let step, _) = outcome {
            return Produced(outcome: .diverged(epoch: epoch, step: step), epochs: epochs)
        }
        var stored: [ArtifactNotice] = []
        if spec.keepsWeights {
            let weights = try StateDictFile.put(network, into: inputs.store, metadata: ["format": "pt"])
            stored.append(ArtifactNotice(name: "weights", digest: weights.digest, size: UInt64(weights.size)))
        }
        if spec.keepsPredictions == true {
            let file = PredictionsFile(predicted: trainer.predictions(), of: validation)
            let predictions = try putWhenThereIsRoom(file.encoded, in: inputs.store)
            stored.append(
                ArtifactNotice(name: PredictionsFile.artifactName, digest: predictions.digest, size: UInt64(predictions.size)))
        }
        return Produced(epochs: epochs, stored: stored)
    }
}

/// What a training does about checkpoints: where it goes on, and how often it leaves one.
struct Checkpoints {
    var job: JobID
    /// The last checkpoint of an earlier attempt at the job.
    var resume: SafetensorsFile?
    /// The least time between two; nil for none.
    var interval: Duration?
    /// Takes a checkpoint after an epoch.
    var publish: (_ epoch: Int, TrainingCheckpoint) throws -> Void
}

extension TrainSpec {
    /// The subject of a sentence about the task's classes.
    var taskWords: String { superclasses.isEmpty ? "the data set has" : "superclasses \(superclasses) have" }
}

extension TrainSeeds {
    /// Streams of their own, so that neither repeats what another user of its seed draws.
    var dropout: UInt64 { SeedDerivation(root: order).seed("dropout") }
    var mixup: UInt64 { SeedDerivation(root: augmentation).seed("mixup") }
}

extension TrainingSettings {
    init(_ spec: TrainSpec) {
        let recipe = spec.recipe
        self.init(
            epochs: recipe.epochs, batchSize: recipe.batchSize,
            sgd: SGDSettings(
                learningRate: recipe.learningRate, momentum: recipe.momentum, weightDecay: recipe.weightDecay,
                nesterov: recipe.nesterov),
            schedule: LearningRateSchedule(recipe.schedule, epochs: recipe.epochs), orderSeed: spec.seeds.order,
            dropoutSeed: spec.seeds.dropout)
    }
}

extension EpochMetrics {
    init(_ record: EpochRecord) {
        self.init(
            epoch: record.epoch, learningRate: record.learningRate, trainingLoss: record.trainingLoss,
            trainingAccuracy: record.trainingAccuracy, trainingTop5Accuracy: record.trainingTop5Accuracy,
            validationLoss: record.validationLoss, validationAccuracy: record.validationAccuracy,
            validationTop5Accuracy: record.validationTop5Accuracy, images: record.images, seconds: record.seconds)
    }
}

extension Augmentation {
    init(_ spec: AugmentationSpec) {
        switch spec {
        case .none: self = .none
        case .flipAndRotation(let degrees): self = .flipAndRotation(degrees: Float(degrees))
        case .flipAndCrop(let padding): self = .flipAndCrop(padding: padding)
        }
    }
}

extension LearningRateSchedule {
    init(_ spec: ScheduleSpec, epochs: Int) {
        switch spec {
        case .constant:
            self = .constant
        case .plateau(let watch, let mode, let factor, let patience):
            self = .reduceOnPlateau(
                watch: watch == .trainingLoss ? .trainingLoss : .validationAccuracy, mode: mode == .max ? .max : .min,
                factor: factor, patience: patience)
        case .step(let every, let factor):
            self = .step(every: every, factor: factor)
        case .cosine:
            self = .cosine(epochs: epochs)
        }
    }
}
