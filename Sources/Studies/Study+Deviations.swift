extension Study {
    /// The sentences that say where this study is not what its profile published: sizes, recipe, data, network, protocol;
    /// and which files it starts from.
    ///
    /// A table without them could be mistaken for a reproduction.
    var departuresFromPublished: [String] {
        var departures: [String] = []
        if case .synthetic(let data) = data {
            departures.append(
                "data: synthetic images, \(data.trainingPerClass) training and \(data.testPerClass) test a class, "
                    + "instead of CIFAR-100")
        }
        if model.architecture != ModelArchitecture.resnet18.rawValue {
            departures.append("network: \(model.architecture) instead of resnet18")
        }
        if let trainer {
            let files = (trainer.files ?? []).map { "\(trainer.spec.arguments[$0.argument]) with SHA-256 \($0.digest.short)…" }
            departures.append(
                "trainer: \(trainer.spec.numericClass) instead of Sower's engine"
                    + (files.isEmpty ? "" : " (\(files.joined(separator: ", ")))"))
        }
        if model.imageSize != data.imageSize {
            departures.append("network: images scaled to \(model.imageSize) pixels instead of \(data.imageSize) as they are")
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
        for arm in arms {
            switch arm.method {
            case .pretrained(head: .fresh):
                departures.append("arm \(arm.name): the classifier has the default start instead of the pre-trained model's")
            case .stateDict(let start):
                let file = start.file.map { "with SHA-256 \($0.digest.short)…" } ?? "not yet read"
                let head = start.head == .fresh ? ", its classifier by the default start" : ""
                departures.append("arm \(arm.name): starts from a state_dict file \(file)\(head)")
            default: break
            }
        }
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
        if recipe.nesterov != published.nesterov { departures.append("\(stage): Nesterov momentum instead of plain momentum") }
        compare("weight decay", recipe.weightDecay, published.weightDecay)
        compare("schedule", recipe.schedule.words, published.schedule.words)
        compare("augmentation", recipe.augmentation.words, published.augmentation.words)
        if let alpha = recipe.mixup { departures.append("\(stage): mixup with α = \(alpha) instead of none") }
        return departures
    }
}
