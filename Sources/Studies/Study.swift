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
    /// The images a class of the data, and of those of pre-training, has in them, once they have been read; `nil` where that is what was
    /// published, and then it is not written, so that a study of the whole data keeps the identity it always had.
    package private(set) var images: ImagesPerClass?
    package private(set) var pretrainingImages: ImagesPerClass?
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Validation admits finite numbers only.
        guard let json = try? encoder.encode(withoutPaths) else { preconditionFailure("a study holds only finite values") }
        return Digest(of: Array("sower study 1\n".utf8) + Array(json))
    }

    /// The study as its digest has it: it may be published, and a path of somebody's machine must not be.
    package var withoutPaths: Study {
        var study = self
        study.data = data.withoutPath
        study.pretraining.data = pretraining.data?.withoutPath
        study.changeStateDicts { start, _ in start.path = "" }
        study.trainer = trainer?.identity
        return study
    }

    /// The network an arm is trained on.
    package func model(of arm: Arm) -> ModelSpec { arm.model ?? model }

    /// The network of pre-training for such a network: the same, or where pre-training has other data, the same architecture with
    /// their classes and size.
    package func pretrainingModel(like model: ModelSpec) -> ModelSpec {
        guard let data = pretraining.data else { return model }
        return ModelSpec(architecture: model.architecture, classes: data.taskClasses, channels: model.channels, imageSize: data.imageSize)
    }

    /// Says how many classes the data have, once they have been read; a task that is not a pair has them all.
    package mutating func setClasses(_ count: Int) {
        guard !data.hasSuperclasses else { return }
        model.classes = count
        for index in arms.indices { arms[index].model?.classes = count }
        deviations = departuresFromPublished
    }

    /// Says how many images a class of the data has, and one of those of pre-training where they are others, once they have been read.
    package mutating func setImages(_ found: ImagesPerClass, pretraining other: ImagesPerClass? = nil) {
        images = found == data.imagesPerClass ? nil : found
        pretrainingImages = other == pretraining.data?.imagesPerClass ? nil : other
        deviations = departuresFromPublished
    }

    /// Whether any arm reads pre-trained models; if none does, nothing is pre-trained.
    package var needsPretraining: Bool { arms.contains { $0.method.needsPretraining } }

    /// The starts of the state-dict arms, in their order.
    package var stateDicts: [StateDictStart] {
        arms.compactMap { if case .stateDict(let start) = $0.method { start } else { nil } }
    }

    /// Changes the starts of the state-dict arms, in their order: says what their files hold, once they have been read. Each
    /// comes with the network of its arm.
    package mutating func updateStateDicts<Failure>(
        _ body: (inout StateDictStart, ModelSpec) throws(Failure) -> Void
    ) throws(Failure) {
        try changeStateDicts(body)
        deviations = departuresFromPublished
    }

    /// The trainer, once its files have been looked for.
    package mutating func setTrainer(_ trainer: ExternalTrainer) {
        self.trainer = trainer
        deviations = departuresFromPublished
    }

    private mutating func changeStateDicts<Failure>(
        _ body: (inout StateDictStart, ModelSpec) throws(Failure) -> Void
    ) throws(Failure) {
        for index in arms.indices {
            guard case .stateDict(var start) = arms[index].method else { continue }
            try body(&start, model(of: arms[index]))
            arms[index].method = .stateDict(start)
        }
    }
}

/// Which superclass pairs are pre-trained, and how.
package struct Pretraining: Sendable, Equatable, Codable {
    /// What is pre-trained on; `nil` for the study's own data, and then it is not written, so that older ids stay.
    package var data: DataSource?
    /// The superclasses whose pairs are candidates: 0…9.
    package var superclasses: [Int]
    /// How many of the 45 pairs are pre-trained.
    package var pairs: Int
    package var recipe: RecipeSpec

    package init(data: DataSource? = nil, superclasses: [Int], pairs: Int, recipe: RecipeSpec) {
        self.data = data
        self.superclasses = superclasses
        self.pairs = pairs
        self.recipe = recipe
    }
}

/// Which superclass pairs every arm is evaluated on, how often, and how.
package struct Evaluation: Sendable, Equatable, Codable {
    /// The superclasses whose pairs are candidates: 10…19, none of them seen in pre-training. None for data without
    /// superclasses, whose one task is all classes.
    package var superclasses: [Int]
    /// How many of the 45 pairs are drawn; the same for every arm. 1 for data without superclasses.
    package var pairs: Int
    package var replicates: Int
    package var recipe: RecipeSpec
    /// True when each evaluation leaves its predictions as an artifact; `nil` when not, so that a study without them keeps the
    /// identity it always had.
    package var keepsPredictions: Bool?

    package init(superclasses: [Int], pairs: Int, replicates: Int, recipe: RecipeSpec, keepsPredictions: Bool? = nil) {
        self.superclasses = superclasses
        self.pairs = pairs
        self.replicates = replicates
        self.recipe = recipe
        self.keepsPredictions = keepsPredictions
    }
}
