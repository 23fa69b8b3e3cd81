/// Which description of the published study the numbers follow: they differ.
package enum Profile: String, Sendable, Equatable, Codable, CaseIterable {
    /// What the paper's text says.
    case paper
    /// What the published code does, and so what produced the printed figures.
    case publishedCode = "published-code"
}

/// How one replicate's evaluation runs over the validation pairs.
package enum EvaluationProtocol: String, Sendable, Equatable, Codable, CaseIterable {
    /// Every run starts from its own initialization.
    case independent
    /// One network a replicate goes through the pairs in sorted order, its weights carried on, head included.
    case chained
}

extension Profile {
    /// The protocol the profile implies when the study names none.
    package var evaluationProtocol: EvaluationProtocol {
        switch self {
        case .paper: .independent
        case .publishedCode: .chained
        }
    }

    /// Pre-training as published: SGD 0.01, momentum 0.9, weight decay 1e-4, batches of 128.
    package var pretrainingRecipe: RecipeSpec { recipe(epochs: self == .paper ? 15 : 25, codeFactor: 0.5) }

    /// Evaluation as published: 15 epochs.
    package var evaluationRecipe: RecipeSpec { recipe(epochs: 15, codeFactor: 0.2) }

    /// The same on a data set: the published run on Tiny ImageNet had no augmentation.
    package func evaluationRecipe(on data: DataSource?) -> RecipeSpec {
        var recipe = evaluationRecipe
        if case .tinyImageNet? = data { recipe.augmentation = .none }
        return recipe
    }

    /// The schedule is PyTorch's `ReduceLROnPlateau` with patience 5 in both profiles.
    ///
    /// The paper halves the rate when validation accuracy has stopped rising. The published code watches the training
    /// loss in "max" mode, so that a falling loss counts as "no better" and the rate falls on a clock: in evaluation
    /// 0.01 for epochs 1–7, 0.002 for 8–13, 0.0004 from 14.
    private func recipe(epochs: Int, codeFactor: Double) -> RecipeSpec {
        let schedule: ScheduleSpec
        let augmentation: AugmentationSpec
        switch self {
        case .paper:
            schedule = .plateau(watch: .validationAccuracy, mode: .max, factor: 0.5, patience: 5)
            augmentation = .none
        case .publishedCode:
            schedule = .plateau(watch: .trainingLoss, mode: .max, factor: codeFactor, patience: 5)
            augmentation = .flipAndRotation(degrees: 15)
        }
        return RecipeSpec(
            epochs: epochs, batchSize: 128, learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4, schedule: schedule,
            augmentation: augmentation)
    }
}
