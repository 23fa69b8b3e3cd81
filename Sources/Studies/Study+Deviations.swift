extension Study {
    /// The sentences that say where this study is not what its profile published: sizes, recipe, data, network, protocol;
    /// and which files it starts from.
    ///
    /// A table without them could be mistaken for a reproduction.
    var departuresFromPublished: [String] { departures(from: profile) }

    /// Where this study is not what produced the printed figures, whose profile is `published-code`.
    package var departuresFromPublishedFigures: [String] {
        let ofProfile = "profile: paper instead of published-code (each replicate draws its own source models and Gabor filters)"
        return (profile == .publishedCode ? [] : [ofProfile]) + departures(from: .publishedCode)
    }

    private func departures(from profile: Profile) -> [String] {
        var departures: [String] = []
        if case .synthetic(let data) = data { departures.append("data: \(data.words)") }
        if let images { departures.append("data: \(images.words(insteadOf: self.data))") }
        if !data.hasSuperclasses, model.classes != data.taskClasses {
            departures.append("data: \(model.classes) classes instead of \(data.taskClasses)")
        }
        if needsPretraining, case .synthetic(let data)? = pretraining.data { departures.append("pre-training: \(data.words)") }
        if needsPretraining, let pretrainingImages, let data = pretraining.data {
            departures.append("pre-training: \(pretrainingImages.words(insteadOf: data))")
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
        if data.hasSuperclasses, evaluationProtocol != profile.evaluationProtocol {
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
        if data.hasSuperclasses, evaluation.pairs != 10 { departures.append("scale: \(evaluation.pairs) evaluation pairs instead of 10") }
        if evaluation.replicates != 5 { departures.append("scale: \(evaluation.replicates) replicates instead of 5") }
        departures += Study.departures(of: evaluation.recipe, from: profile.evaluationRecipe(on: data), stage: "evaluation")
        for arm in arms {
            if let network = arm.model?.architecture, !Study.isPublished(arm.method, on: network) {
                departures.append("arm \(arm.name): network \(network) instead of \(ModelArchitecture.resnet18.rawValue)")
            }
            switch arm.method {
            case .clustered(let clustering) where clustering.distance == .cosine:
                departures.append("arm \(arm.name): clustered by the cosine distance, which its authors tried and published nothing of")
            case .aligned(let alignment) where alignment.matching == .optimal:
                departures.append("arm \(arm.name): filters matched at the least total distance instead of greedily")
            case .pretrained(head: .fresh) where model.classes != pretrainingModel(like: model).classes || !data.hasSuperclasses:
                departures.append(
                    "arm \(arm.name): models of \(pretrainingModel(like: model).classes) classes, "
                        + "their classifier replaced by the default start, as published")
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

    /// Whether the paper has the method on a network: aligned filters and their baseline are on the custom ResNet-18.
    private static func isPublished(_ method: ArmMethod, on network: String) -> Bool {
        switch (ModelArchitecture(rawValue: network), method) {
        case (.resnet18, _), (.customResNet18, .random), (.customResNet18, .aligned): true
        default: false
        }
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

extension ImagesPerClass {
    fileprivate func words(insteadOf data: DataSource) -> String {
        let published = data.imagesPerClass
        return "\(training) training and \(validation) test images a class instead of \(published.training) and \(published.validation)"
    }
}

extension SyntheticData {
    fileprivate var words: String {
        "synthetic images, \(trainingPerClass) training and \(testPerClass) test a class, instead of CIFAR-100"
    }
}
