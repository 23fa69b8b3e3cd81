/// A study as written: everything optional, texts not yet checked. `validate()` makes a `Study` of it.
package struct StudyFile: Sendable, Equatable {
    package struct DataSection: Sendable, Equatable {
        package var format: String?
        package var path: String?
        package var seed: Int?
        package var trainingPerClass: Int?
        package var testPerClass: Int?

        package init() {}
    }

    package struct ModelSection: Sendable, Equatable {
        package var architecture: String?
        package var imageSize: Int?

        package init() {}
    }

    package struct PretrainingSection: Sendable, Equatable {
        package var data: DataSection?
        package var epochs: Int?
        package var pairs: Int?

        package init() {}
    }

    package struct EvaluationSection: Sendable, Equatable {
        package var epochs: Int?
        package var pairs: Int?
        package var replicates: Int?
        package var keepPredictions: Bool?

        package init() {}
    }

    /// What pre-training and evaluation have in common; a missing setting is the profile's.
    package struct TrainingSection: Sendable, Equatable {
        package var learningRate: Double?
        package var momentum: Double?
        package var nesterov: Bool?
        package var weightDecay: Double?
        package var batchSize: Int?
        package var schedule: ScheduleSection?
        package var augmentation: String?
        package var rotationDegrees: Double?
        package var cropPadding: Int?
        package var mixup: Double?

        package init() {}
    }

    package struct ScheduleSection: Sendable, Equatable {
        package var kind: String?
        package var every: Int?
        package var factor: Double?
        package var watch: String?
        package var mode: String?
        package var patience: Int?

        package init() {}
    }

    package struct ArmEntry: Sendable, Equatable {
        /// Where the arm stands in problems: `arms.clustered`, or `arms[2]` for one that has no name.
        package var path: String
        package var name: String?
        package var method: String?
        package var distance: String?
        package var models: Int?
        package var clusters: Int?
        package var layers: Int?
        package var matching: String?
        /// The architecture of a network of the arm's own.
        package var model: String?
        /// The setting `path`.
        package var file: String?
        package var head: String?
        package var needs: [String: String]?

        package init(path: String) { self.path = path }
    }

    package var name: String?
    package var data: DataSection?
    package var model = ModelSection()
    package var profile: String?
    package var evaluationProtocol: String?
    package var seed: Int?
    package var pretraining = PretrainingSection()
    package var evaluation = EvaluationSection()
    package var training = TrainingSection()
    package var trainer: TrainerSection?
    package var needs: [String: String]?
    package var arms: [ArmEntry]?

    /// Where each setting was written, by its path.
    package var origins: [String: Origin] = [:]
    /// What could not be read at all: unknown keys, texts in place of numbers. `validate()` reports them with the rest.
    package var unreadable: [StudyProblem] = []

    package init() {}
}
