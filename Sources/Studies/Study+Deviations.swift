extension Study {
    /// The sentences that say where this study is not what its profile published: sizes, recipe, data, protocol.
    ///
    /// A table without them could be mistaken for a reproduction.
    var departuresFromPublished: [String] {
        var departures: [String] = []
        if case .synthetic(let data) = data {
            departures.append(
                "data: synthetic images, \(data.trainingPerClass) training and \(data.testPerClass) test a class, "
                    + "instead of CIFAR-100")
        }
        if evaluationProtocol != profile.evaluationProtocol {
            departures.append(
                "protocol: \(evaluationProtocol.rawValue) instead of \(profile.evaluationProtocol.rawValue), "
                    + "which the profile \(profile.rawValue) implies")
        }
        if needsPretraining {
            if pretraining.pairs != 45 {
                departures.append("scale: \(pretraining.pairs) pre-trained pairs instead of 45")
            }
            departures += Study.departures(of: pretraining.recipe, from: profile.pretrainingRecipe, stage: "pre-training")
        }
        if evaluation.pairs != 10 { departures.append("scale: \(evaluation.pairs) evaluation pairs instead of 10") }
        if evaluation.replicates != 5 { departures.append("scale: \(evaluation.replicates) replicates instead of 5") }
        departures += Study.departures(of: evaluation.recipe, from: profile.evaluationRecipe, stage: "evaluation")
        return departures
    }

    private static func departures(of recipe: RecipeSpec, from published: RecipeSpec, stage: String) -> [String] {
        var departures: [String] = []
        func compare<Value: Equatable>(_ what: String, _ actual: Value, _ expected: Value) {
            if actual != expected { departures.append("\(stage): \(what) \(actual) instead of \(expected)") }
        }
        if recipe.epochs != published.epochs {
            departures.append("scale: \(recipe.epochs) \(stage) epochs instead of \(published.epochs)")
        }
        compare("batch size", recipe.batchSize, published.batchSize)
        compare("learning rate", recipe.learningRate, published.learningRate)
        compare("momentum", recipe.momentum, published.momentum)
        compare("weight decay", recipe.weightDecay, published.weightDecay)
        compare("augmentation", recipe.augmentation.words, published.augmentation.words)
        return departures
    }
}

extension AugmentationSpec {
    /// The augmentation in the words of a footnote.
    package var words: String {
        switch self {
        case .none: "none"
        case .flipAndRotation(let degrees): "flip and rotation ±\(degrees)°"
        }
    }
}
