import Foundation
import Testing

import Studies

/// The expected values of PyTorch's defaults (StepLR's factor 0.1, RandomCrop's usual padding 4) are those of its documentation.
struct RecipeTests {
    private func recipe(_ change: (inout StudyFile.TrainingSection) -> Void) throws -> RecipeSpec {
        try example { change(&$0.training) }.evaluation.recipe
    }

    private func schedule(
        _ kind: String, _ change: (inout StudyFile.ScheduleSection) -> Void = { _ in }
    ) -> StudyFile.ScheduleSection {
        var section = StudyFile.ScheduleSection()
        section.kind = kind
        change(&section)
        return section
    }

    @Test func `every schedule can be asked for, in both stages`() throws {
        #expect(try recipe { $0.schedule = schedule("constant") }.schedule == .constant)
        #expect(try recipe { $0.schedule = schedule("cosine") }.schedule == .cosine)
        #expect(try recipe { $0.schedule = schedule("step") { $0.every = 30 } }.schedule == .step(every: 30, factor: 0.1))
        let study = try example {
            $0.profile = "published-code"
            $0.training.schedule = schedule("step") { ($0.every, $0.factor) = (2, 0.5) }
        }
        #expect(study.pretraining.recipe.schedule == .step(every: 2, factor: 0.5))
        #expect(study.evaluation.recipe.schedule == study.pretraining.recipe.schedule)
    }

    @Test func `a plateau has the profile's settings where none are written, and watches for the better`() throws {
        #expect(
            try recipe { $0.schedule = schedule("plateau") }.schedule
                == .plateau(watch: .validationAccuracy, mode: .max, factor: 0.5, patience: 5))
        #expect(
            try recipe { $0.schedule = schedule("plateau") { ($0.watch, $0.patience) = ("training-loss", 2) } }.schedule
                == .plateau(watch: .trainingLoss, mode: .min, factor: 0.5, patience: 2))
        let study = try example {
            $0.profile = "published-code"
            $0.training.schedule = schedule("plateau") { $0.patience = 3 }
        }
        #expect(study.pretraining.recipe.schedule == .plateau(watch: .trainingLoss, mode: .max, factor: 0.5, patience: 3))
        #expect(study.evaluation.recipe.schedule == .plateau(watch: .trainingLoss, mode: .max, factor: 0.2, patience: 3))
        #expect(
            try recipe { $0.schedule = schedule("plateau") { ($0.watch, $0.mode) = ("training-loss", "max") } }.schedule
                == .plateau(watch: .trainingLoss, mode: .max, factor: 0.5, patience: 5))
    }

    @Test func `Nesterov momentum, mixup and the augmentations are taken as written`() throws {
        let made = try recipe { ($0.nesterov, $0.mixup, $0.augmentation) = (true, 0.2, "flip-crop") }
        #expect(made.nesterov && made.mixup == 0.2)
        #expect(made.augmentation == .flipAndCrop(padding: 4))
        #expect(try recipe { ($0.augmentation, $0.cropPadding) = ("flip-crop", 2) }.augmentation == .flipAndCrop(padding: 2))
        #expect(try recipe { $0.augmentation = "flip-rotation" }.augmentation == .flipAndRotation(degrees: 15))
        let published = try example { ($0.profile, $0.training.augmentation) = ("published-code", "none") }
        #expect(published.evaluation.recipe.augmentation == .none)
    }

    @Test func `what is wrong with a recipe is said once, with the setting's path`() {
        func paths(_ change: (inout StudyFile.TrainingSection) -> Void) -> [String] {
            problems { change(&$0.training) }.map(\.path)
        }
        #expect(paths { ($0.nesterov, $0.momentum) = (true, 0) } == ["training.nesterov"])
        #expect(paths { $0.mixup = 1e-7 } == ["training.mixup"])
        #expect(paths { $0.mixup = 0 } == ["training.mixup"])
        #expect(paths { $0.mixup = -1 } == ["training.mixup"])
        #expect(paths { $0.mixup = .nan } == ["training.mixup"])
        #expect(paths { $0.augmentation = "flip-and-rotation" } == ["training.augmentation"])
        #expect(paths { $0.cropPadding = 4 } == ["training.crop_padding"])
        #expect(paths { ($0.augmentation, $0.cropPadding) = ("flip-crop", 32) } == ["training.crop_padding"])
        #expect(paths { ($0.augmentation, $0.cropPadding) = ("flip-crop", 31) }.isEmpty)
        #expect(paths { ($0.augmentation, $0.cropPadding) = ("flip-crop", 0) } == ["training.crop_padding"])
        #expect(
            problems {
                $0.model.imageSize = 28
                ($0.training.augmentation, $0.training.cropPadding) = ("flip-crop", 28)
            }.map(\.message) == ["training.crop_padding is 28, outside 1…27"])
        #expect(paths { ($0.augmentation, $0.rotationDegrees) = ("flip-crop", 15) } == ["training.rotation_degrees"])
        #expect(paths { $0.schedule = schedule("linear") } == ["training.schedule"])
        #expect(paths { $0.schedule = StudyFile.ScheduleSection() } == ["training.schedule.kind"])
        #expect(paths { $0.schedule = schedule("step") } == ["training.schedule.every"])
        #expect(paths { $0.schedule = schedule("step") { $0.every = 0 } } == ["training.schedule.every"])
        #expect(paths { $0.schedule = schedule("step") { ($0.every, $0.factor) = (1, 1) } } == ["training.schedule.factor"])
        #expect(paths { $0.schedule = schedule("plateau") { $0.factor = .nan } } == ["training.schedule.factor"])
        #expect(paths { $0.schedule = schedule("plateau") { $0.patience = -1 } } == ["training.schedule.patience"])
        #expect(paths { $0.schedule = schedule("plateau") { $0.mode = "up" } } == ["training.schedule.mode"])
        #expect(
            paths { $0.schedule = schedule("cosine") { ($0.every, $0.watch) = (3, "loss") } }
                == ["training.schedule.every", "training.schedule.watch"])
    }

    @Test func `every departure of a recipe is named`() throws {
        let study = try example {
            $0.arms = [$0.arms![0]]
            $0.training.nesterov = true
            $0.training.mixup = 0.2
            $0.training.augmentation = "flip-crop"
            $0.training.schedule = schedule("step") { $0.every = 30 }
        }
        #expect(
            study.deviations == [
                "evaluation: Nesterov momentum instead of plain momentum",
                "evaluation: schedule step (× 0.1 every 30 epochs) instead of plateau "
                    + "(× 0.5 after more than 5 epochs without a higher validation accuracy)",
                "evaluation: augmentation flip and crop after padding by 4 pixels instead of none",
                "evaluation: mixup with α = 0.2 instead of none",
            ])
        #expect(try example { $0.training.schedule = schedule("plateau") }.deviations.isEmpty)
        #expect(try example { $0.training.schedule = schedule("cosine") }.deviations.count == 2)
    }

    @Test func `a recipe's JSON holds what is new only where it is used`() throws {
        func json(_ recipe: RecipeSpec) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return String(decoding: try encoder.encode(recipe), as: UTF8.self)
        }
        var recipe = RecipeSpec(
            epochs: 3, batchSize: 4, learningRate: 0.5, momentum: 0.25, weightDecay: 0, schedule: .constant, augmentation: .none)
        let plain = """
            {"augmentation":{"kind":"none"},"batchSize":4,"epochs":3,"learningRate":0.5,"momentum":0.25,\
            "schedule":{"kind":"constant"},"weightDecay":0}
            """
        #expect(try json(recipe) == plain)
        (recipe.nesterov, recipe.mixup) = (true, 0.5)
        (recipe.schedule, recipe.augmentation) = (.step(every: 2, factor: 0.25), .flipAndCrop(padding: 4))
        #expect(
            try json(recipe) == """
                {"augmentation":{"kind":"flip-and-crop","padding":4},"batchSize":4,"epochs":3,"learningRate":0.5,"mixup":0.5,\
                "momentum":0.25,"nesterov":true,"schedule":{"every":2,"factor":0.25,"kind":"step"},"weightDecay":0}
                """)
        for schedule in [.cosine, recipe.schedule] as [ScheduleSpec] {
            recipe.schedule = schedule
            #expect(try JSONDecoder().decode(RecipeSpec.self, from: Data(json(recipe).utf8)) == recipe)
        }
        for broken in ["\"every\":2", "\"mixup\":0.5", "\"padding\":4"] {
            let text = try json(
                {
                    var step = recipe; step.schedule = .step(every: 2, factor: 0.25); return step
                }())
            let zeroed = text.replacing(broken, with: broken.prefix { $0 != ":" } + ":0")
            #expect(zeroed != text)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(RecipeSpec.self, from: Data(zeroed.utf8)) }
        }
    }
}
