import Foundation
import Testing

import Studies

struct ValidationTests {
    @Test func `a short file becomes a study with every setting explicit`() throws {
        let study = try example()
        #expect(study.profile == .paper)
        #expect(study.evaluationProtocol == .independent)
        #expect(study.pretraining.pairs == 45)
        #expect(study.pretraining.recipe.epochs == 15)
        #expect(study.evaluation.pairs == 10)
        #expect(study.evaluation.replicates == 5)
        #expect(study.evaluation.recipe == study.pretraining.recipe)
        #expect(
            study.evaluation.recipe
                == RecipeSpec(
                    epochs: 15, batchSize: 128, learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4,
                    schedule: .plateau(watch: .validationAccuracy, mode: .max, factor: 0.5, patience: 5), augmentation: .none))
        #expect(study.arms.map(\.name) == ["random", "pretrained", "gabor-2", "clustered"])
        #expect(study.model == ModelSpec(architecture: "resnet18", classes: 10))
        #expect(study.deviations.isEmpty)
    }

    @Test func `the profile published-code decides schedule, augmentation, epochs and protocol`() throws {
        let study = try example { $0.profile = "published-code" }
        #expect(study.evaluationProtocol == .chained)
        #expect(study.pretraining.recipe.epochs == 25)
        #expect(study.evaluation.recipe.epochs == 15)
        #expect(study.pretraining.recipe.schedule == .plateau(watch: .trainingLoss, mode: .max, factor: 0.5, patience: 5))
        #expect(study.evaluation.recipe.schedule == .plateau(watch: .trainingLoss, mode: .max, factor: 0.2, patience: 5))
        #expect(study.evaluation.recipe.augmentation == .flipAndRotation(degrees: 15))
        #expect(study.deviations.isEmpty)
    }

    @Test func `what departs from the published study is listed`() throws {
        let study = try example {
            $0.pretraining.pairs = 12
            $0.pretraining.epochs = 4
            $0.evaluation.replicates = 2
            $0.training.batchSize = 32
            $0.evaluationProtocol = "chained"
        }
        #expect(
            study.deviations == [
                "protocol: chained instead of independent, which the profile paper implies",
                "scale: 12 pre-trained pairs instead of 45", "scale: 4 pre-training epochs instead of 15",
                "pre-training: batch size 32 instead of 128", "scale: 2 replicates instead of 5",
                "evaluation: batch size 32 instead of 128",
            ])
    }

    @Test func `data with other counts than published are a deviation, and the published counts change nothing`() throws {
        let whole = try example()
        var study = whole
        study.setImages(ImagesPerClass(training: 500, validation: 100))
        #expect(study == whole && study.digest == whole.digest)
        study.setImages(ImagesPerClass(training: 100, validation: 20))
        #expect(study.deviations == ["data: 100 training and 20 test images a class instead of 500 and 100"])
        #expect(study.digest != whole.digest)
        #expect(try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(study)) == study)
    }

    @Test func `a study that pre-trains nothing has no deviations of pre-training`() throws {
        let study = try example {
            $0.pretraining.pairs = 3
            $0.arms = [$0.arms![0]]
        }
        #expect(study.deviations.isEmpty)
        #expect(!study.needsPretraining)
    }

    @Test func `all problems come at once`() {
        let found = problems {
            $0.name = "a b"
            $0.profile = "papr"
            $0.evaluation.epochs = 501
            $0.evaluation.replicates = 0
            $0.pretraining.pairs = 6
            $0.training.learningRate = 0
            $0.training.momentum = 1
            $0.arms![2].layers = 18
            $0.arms![3].clusters = nil
        }
        #expect(
            found.map(\.path) == [
                "study", "profile", "training.learning_rate", "training.momentum", "evaluation.replicates", "evaluation.epochs",
                "arms.gabor.layers", "arms.clustered.models", "arms.clustered.clusters",
            ])
        #expect(found[1].message == "profile: \"papr\" is unknown — did you mean \"paper\"?")
        #expect(found[7].message == "arms.clustered.models is 10, but only 6 pairs are pre-trained")
        #expect(found.allSatisfy { !$0.remedy.isEmpty })
    }

    @Test func `every setting is held to its range`() {
        #expect(problems { $0.seed = -1 }.count == 1)
        #expect(problems { $0.seed = 1 << 53 }.count == 1)
        #expect(problems { $0.pretraining.pairs = 46 }.count == 1)
        #expect(problems { $0.evaluation.pairs = 46 }.count == 1)
        #expect(problems { $0.evaluation.replicates = 1001 }.count == 1)
        #expect(problems { $0.training.batchSize = 0 }.count == 1)
        #expect(problems { $0.training.batchSize = 4097 }.count == 1)
        #expect(problems { $0.training.weightDecay = -1e-9 }.count == 1)
        #expect(problems { $0.training.learningRate = .infinity }.count == 1)
        #expect(problems { $0.training.learningRate = .nan }.count == 1)
        #expect(problems { $0.arms![3].clusters = 257 }.count == 1)
        #expect(problems { $0.arms![3].models = 46 }.count == 1)
        #expect(problems { $0.arms = [] }.count == 1)
        #expect(problems { $0.model.architecture = "resnet50" }.count == 1)
        #expect(problems { $0.training.rotationDegrees = 10 }.count == 1)
        #expect(problems { $0.data!.path = nil }.count == 1)
        #expect(problems { $0.data!.seed = 3 }.count == 1)
        #expect(problems { $0.data!.format = "synthetic" }.count == 1)
        #expect(problems { $0.data = nil }.count == 1)
        #expect(problems { $0.arms![0].layers = 3 }.count == 1)
    }

    @Test func `two arms of one name, and the name of the pre-training cells, are refused`() {
        #expect(problems { $0.arms!.append($0.arms![0]) }.map(\.message) == ["two arms are called \"random\""])
        #expect(problems { $0.arms![0].name = "pretraining" }.count == 1)
    }

    @Test(arguments: ["", ".", "-x", "a/b", "ä", String(repeating: "a", count: 65)])
    func `a name that could be a path or an option is refused`(name: String) {
        #expect(!StudyLimits.isName(name))
        #expect(problems { $0.name = name }.count == 1)
    }

    @Test func `the identity of a study leaves the data's place out`() throws {
        let here = try example(), there = try example { $0.data!.path = "elsewhere" }
        #expect(here != there)
        #expect(here.digest == there.digest)
        #expect(try example { $0.seed = 2 }.digest != here.digest)
    }
}
