import Digests
import Foundation

/// A study that can run: every setting explicit and in range. Made by `StudyFile.validate()`.
package struct Study: Sendable, Equatable, Codable {
    package var name: String
    package var data: DataSource
    package var model: ModelSpec
    package var profile: Profile
    package var evaluationProtocol: EvaluationProtocol
    /// The root of every seed; see `SeedDerivation`.
    package var seed: UInt64
    package var pretraining: Pretraining
    package var evaluation: Evaluation
    /// In the order in which tables print them; at least one, names unique.
    package var arms: [Arm]
    /// The program that trains in place of the engine; `nil` for the engine.
    package var trainer: ExternalTrainer?
    /// What the hosts of all jobs must be called; `nil` for anything.
    package var needs: Labels?
    /// Where the study departs from what its profile published, one sentence each: printed under every table.
    package var deviations: [String]

    package init(
        name: String, data: DataSource, model: ModelSpec, profile: Profile, evaluationProtocol: EvaluationProtocol,
        seed: UInt64, pretraining: Pretraining, evaluation: Evaluation, arms: [Arm], trainer: ExternalTrainer? = nil, needs: Labels? = nil,
        deviations: [String]
    ) {
        self.name = name
        self.data = data
        self.model = model
        self.profile = profile
        self.evaluationProtocol = evaluationProtocol
        self.seed = seed
        self.pretraining = pretraining
        self.evaluation = evaluation
        self.arms = arms
        self.trainer = trainer
        self.needs = needs
        self.deviations = deviations
    }

    /// The study's identity: SHA-256 of its canonical JSON without the paths of data and files, which say nothing about
    /// results; what the files hold is part of it, and so are needs, which change no job: a study run again with others has them.
    package var digest: Digest {
        var identity = self
        if case .cifar100 = data { identity.data = .cifar100(path: "") }
        identity.changeStateDicts { $0.path = "" }
        identity.trainer = trainer?.identity
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Validation admits finite numbers only.
        guard let json = try? encoder.encode(identity) else { preconditionFailure("a study holds only finite values") }
        return Digest(of: Array("sower study 1\n".utf8) + Array(json))
    }

    /// Whether any arm reads pre-trained models; if none does, nothing is pre-trained.
    package var needsPretraining: Bool { arms.contains { $0.method.needsPretraining } }

    /// The starts of the state-dict arms, in their order.
    package var stateDicts: [StateDictStart] {
        arms.compactMap { if case .stateDict(let start) = $0.method { start } else { nil } }
    }

    /// Changes the starts of the state-dict arms, in their order: says what their files hold, once they have been read.
    package mutating func updateStateDicts<Failure>(_ body: (inout StateDictStart) throws(Failure) -> Void) throws(Failure) {
        try changeStateDicts(body)
        deviations = departuresFromPublished
    }

    /// The trainer, once its files have been looked for.
    package mutating func setTrainer(_ trainer: ExternalTrainer) {
        self.trainer = trainer
        deviations = departuresFromPublished
    }

    private mutating func changeStateDicts<Failure>(_ body: (inout StateDictStart) throws(Failure) -> Void) throws(Failure) {
        for index in arms.indices {
            guard case .stateDict(var start) = arms[index].method else { continue }
            try body(&start)
            arms[index].method = .stateDict(start)
        }
    }
}

/// Where the images come from.
package enum DataSource: Sendable, Equatable, Codable {
    /// CIFAR-100's binary files in the folder `path`, as declared; relative to the working directory.
    case cifar100(path: String)
    /// Images made from a seed, with CIFAR-100's classes and superclasses.
    case synthetic(SyntheticData)

    /// Height and width of an image, in pixels, as the files have it.
    package var imageSize: Int { 32 }

    /// The images a fine class has; for CIFAR-100 those of the published data set.
    package var imagesPerClass: ImagesPerClass {
        switch self {
        case .cifar100: ImagesPerClass(training: 500, validation: 100)
        case .synthetic(let data): ImagesPerClass(training: data.trainingPerClass, validation: data.testPerClass)
        }
    }
}

/// The synthetic set's parameters.
package struct SyntheticData: Sendable, Equatable, Codable {
    package var seed: UInt64
    package var trainingPerClass: Int
    package var testPerClass: Int

    package init(seed: UInt64, trainingPerClass: Int, testPerClass: Int) {
        self.seed = seed
        self.trainingPerClass = trainingPerClass
        self.testPerClass = testPerClass
    }
}

/// How many images one fine class has in each split. "Validation" is the papers' word for the test split.
package struct ImagesPerClass: Sendable, Equatable, Codable {
    package var training: Int
    package var validation: Int

    package init(training: Int, validation: Int) {
        self.training = training
        self.validation = validation
    }
}

/// Which superclass pairs are pre-trained, and how.
package struct Pretraining: Sendable, Equatable, Codable {
    /// The superclasses whose pairs are candidates: 0…9.
    package var superclasses: [Int]
    /// How many of the 45 pairs are pre-trained.
    package var pairs: Int
    package var recipe: RecipeSpec

    package init(superclasses: [Int], pairs: Int, recipe: RecipeSpec) {
        self.superclasses = superclasses
        self.pairs = pairs
        self.recipe = recipe
    }
}

/// Which superclass pairs every arm is evaluated on, how often, and how.
package struct Evaluation: Sendable, Equatable, Codable {
    /// The superclasses whose pairs are candidates: 10…19, none of them seen in pre-training.
    package var superclasses: [Int]
    /// How many of the 45 pairs are drawn; the same for every arm.
    package var pairs: Int
    package var replicates: Int
    package var recipe: RecipeSpec

    package init(superclasses: [Int], pairs: Int, replicates: Int, recipe: RecipeSpec) {
        self.superclasses = superclasses
        self.pairs = pairs
        self.replicates = replicates
        self.recipe = recipe
    }
}
