import Digests
import Testing

import Studies

/// Studies whose evaluation data have no superclasses, and whose models are pre-trained on other data.
struct TinyImageNetStudyTests {
    private let images = Digest(of: "tiny"), pairs = Digest(of: "cifar")

    private func file(_ change: (inout StudyFile) -> Void = { _ in }) -> StudyFile {
        var file = exampleFile()
        file.data?.format = "tiny-imagenet"
        file.data?.path = "tiny"
        var data = StudyFile.DataSection()
        (data.format, data.path) = ("cifar100", "cifar")
        file.pretraining.data = data
        file.profile = "published-code"
        file.arms?[3].models = 6
        change(&file)
        return file
    }

    private func study(_ change: (inout StudyFile) -> Void = { _ in }) throws -> Study { try file(change).validate() }

    private func problem(_ change: (inout StudyFile) -> Void) -> String? {
        do throws(InvalidStudy) {
            _ = try file(change).validate()
            return nil
        } catch {
            return error.problems.first?.message
        }
    }

    private func plan(_ study: Study) -> StudyPlan {
        study.expand(
            dataset: images, imagesPerClass: ImagesPerClass(training: 500, validation: 50),
            pretraining: (pairs, ImagesPerClass(training: 500, validation: 100)))
    }

    private func trainings(_ plan: StudyPlan, _ stage: Stage) -> [TrainSpec] {
        plan.jobs.filter { $0.stage == stage }.compactMap { if case .train(let spec) = $0.spec { spec } else { nil } }
    }

    @Test func `evaluation has one task of all classes, pre-training its own data and network`() throws {
        let study = try study()
        #expect(study.evaluationProtocol == .independent && study.evaluationPairs == [[]] && study.evaluation.superclasses.isEmpty)
        #expect(study.model == ModelSpec(architecture: "resnet18", classes: 200, imageSize: 64))
        #expect(study.pretrainingModel(like: study.model) == ModelSpec(architecture: "resnet18", classes: 10, imageSize: 32))
        let plan = plan(study)
        let evaluations = trainings(plan, .evaluate), pretrainings = trainings(plan, .pretrain)
        #expect(evaluations.count == 4 * 5 && pretrainings.count == 45)
        #expect(evaluations.allSatisfy { $0.dataset == images && $0.superclasses.isEmpty && $0.model == study.model && !$0.keepsWeights })
        #expect(
            pretrainings.allSatisfy {
                $0.dataset == pairs && $0.superclasses.count == 2 && $0.model == study.pretrainingModel(like: study.model)
            })
        // The published run on Tiny ImageNet had no augmentation, its pre-training had.
        #expect(evaluations.allSatisfy { $0.recipe.augmentation == .none && $0.recipe.epochs == 15 })
        #expect(pretrainings.allSatisfy { $0.recipe.augmentation == .flipAndRotation(degrees: 15) && $0.recipe.epochs == 25 })
        #expect(plan.cost.trainingImages == 20 * 15 * 100_000 + 45 * 25 * 5000)
        #expect(plan.cells.filter { $0.stage == .evaluate }.map(\.pair) == [[Int]](repeating: [], count: 20))
        #expect(Study.name(of: []) == "all" && plan.jobs.contains { $0.label == "evaluate random all replicate 1" })
        for case .cluster(let spec) in plan.jobs.map(\.spec) {
            #expect(spec.model == study.pretrainingModel(like: study.model) && spec.sources.count == 6)
        }
        for case .sample(let spec) in plan.jobs.map(\.spec) { #expect(spec.model == study.model) }
    }

    @Test func `the published code takes models 6i to 6i+5 in replicate i, the paper draws them`() throws {
        let study = try study()
        let chosen = (1...5).map { study.sourcePairs(count: 6, replicate: $0) }
        #expect(chosen.allSatisfy { Set($0).count == 6 && $0 == $0.sorted { $0.lexicographicallyPrecedes($1) } })
        #expect(Set(chosen.flatMap(\.self)).count == 30, "no model serves two replicates")
        #expect(Set((1...15).flatMap { study.sourcePairs(count: 6, replicate: $0) }).count == 45, "after the end, from the beginning")
        let paper = try self.study { $0.profile = "paper" }
        #expect((1...5).map { paper.sourcePairs(count: 6, replicate: $0) } != chosen)
        // On CIFAR-100 one list serves every replicate.
        let usual = try example { $0.profile = "published-code" }
        #expect(usual.sourcePairs(count: 6, replicate: 1) == usual.sourcePairs(count: 6, replicate: 3))
    }

    @Test func `the pre-trained models' classifier is replaced, and tables say so`() throws {
        let study = try study()
        #expect(study.arms[1].method == .pretrained(head: .fresh))
        #expect(study.deviations == ["arm pretrained: models of 10 classes, their classifier replaced by the default start, as published"])
        #expect(problem { $0.arms?[1].head = "keep" }?.contains("other classes") == true)
        var small = study
        small.setClasses(10)
        #expect(small.deviations.count == 2 && small.deviations[0] == "data: 10 classes instead of 200")
        var usual = try example()
        let before = usual
        usual.setClasses(100)
        #expect(usual == before, "a pair has ten classes whatever the data set holds")
    }

    @Test func `what makes no sense there is refused`() {
        #expect(problem { $0.pretraining.data = nil }?.contains("pretraining.data is missing") == true)
        #expect(problem { $0.pretraining.data?.format = "tiny-imagenet" }?.contains("no superclasses") == true)
        #expect(problem { $0.evaluation.pairs = 3 }?.contains("means nothing") == true)
        #expect(problem { $0.evaluationProtocol = "chained" }?.contains("one task") == true)
        #expect(problem { $0.data?.seed = 1 }?.contains("means nothing for the format tiny-imagenet") == true)
        #expect(problem { $0.data?.path = nil }?.contains("data.path is missing") == true)
        #expect(problem { $0.pretraining.data?.path = nil }?.contains("pretraining.data.path is missing") == true)
        for format in ["cifar10", "mnist", "svhn"] {
            #expect(problem { $0.data?.format = format }?.contains("reads no studies on \(format)") == true)
        }
        #expect(problem { $0.data?.format = "tiny-imagnet" }?.contains("is unknown") == true)
        var trainer = StudyFile.TrainerSection()
        trainer.command = ["python3", "train.py"]
        #expect(problem { $0.trainer = trainer }?.contains("CIFAR-100's files") == true)
        #expect(
            problem {
                $0.pretraining.data = nil; $0.arms = [$0.arms![0]]
            } == nil, "who reads no models needs no data for them")
    }

    @Test func `paths are no part of the identity, other data to pre-train on are`() throws {
        let digest = try study().digest
        #expect(
            try study {
                $0.data?.path = "/x"; $0.pretraining.data?.path = "/y"
            }.digest == digest)
        #expect(
            try study {
                $0.pretraining.data?.format = "synthetic"; $0.pretraining.data?.path = nil
            }.digest != digest)
        let usual = try example()
        #expect(try example { $0.pretraining.data = $0.data } == usual, "said twice it is said once")
    }

    @Test func `pre-training on other data with superclasses is possible everywhere`() throws {
        let study = try example {
            var data = StudyFile.DataSection()
            (data.format, data.trainingPerClass, data.testPerClass) = ("synthetic", 50, 10)
            $0.pretraining.data = data
        }
        #expect(study.arms[1].method == .pretrained(head: .keep))
        #expect(study.deviations == ["pre-training: synthetic images, 50 training and 10 test a class, instead of CIFAR-100"])
    }
}
