extension StudyFile {
    /// The study with every setting explicit; missing ones are the profile's, and the published sizes.
    ///
    /// Errors: every problem of the file at once, in the order of the lines, those without a line last.
    package func validate() throws(InvalidStudy) -> Study {
        var check = StudyCheck(file: self)
        let name = check.name(self.name, at: "study", what: "a study")
        let source = check.data(data)
        let architecture = check.choice(
            model ?? "resnet18", at: "model", from: StudyLimits.architectures) { $0 }
        let profile = check.choice(self.profile ?? "paper", at: "profile", from: Profile.allCases, name: \.rawValue) ?? .paper
        let evaluationProtocol =
            self.evaluationProtocol.map {
                check.choice($0, at: "protocol", from: EvaluationProtocol.allCases, name: \.rawValue) ?? .independent
            } ?? profile.evaluationProtocol
        let seed = check.integer(self.seed ?? 1, at: "seed", in: StudyLimits.seed)

        let pretraining = Pretraining(
            superclasses: Array(0..<10),
            pairs: check.integer(self.pretraining.pairs ?? 45, at: "pretraining.pairs", in: StudyLimits.pairs),
            recipe: check.recipe(
                profile.pretrainingRecipe, epochs: self.pretraining.epochs, at: "pretraining.epochs", training: training))
        let evaluation = Evaluation(
            superclasses: Array(10..<20),
            pairs: check.integer(self.evaluation.pairs ?? 10, at: "evaluation.pairs", in: StudyLimits.pairs),
            replicates: check.integer(
                self.evaluation.replicates ?? 5, at: "evaluation.replicates", in: StudyLimits.replicates),
            recipe: check.recipe(
                profile.evaluationRecipe, epochs: self.evaluation.epochs, at: "evaluation.epochs", training: training))
        let arms = check.arms(self.arms, pretrainedPairs: pretraining.pairs)

        guard check.problems.isEmpty, let name, let source, let architecture else {
            throw InvalidStudy(problems: check.inOrder)
        }
        var study = Study(
            name: name, data: source, model: ModelSpec(architecture: architecture, classes: 10), profile: profile,
            evaluationProtocol: evaluationProtocol, seed: UInt64(seed), pretraining: pretraining, evaluation: evaluation,
            arms: arms, deviations: [])
        study.deviations = study.departuresFromPublished
        return study
    }
}

/// Checks settings, collecting problems instead of stopping at the first.
private struct StudyCheck {
    let file: StudyFile
    var problems: [StudyProblem]
    private let unreadable: Set<String>

    init(file: StudyFile) {
        self.file = file
        problems = file.unreadable
        unreadable = Set(file.unreadable.map(\.path))
    }

    /// Problems by line; those of overrides and of what was not written come last, in the order found.
    var inOrder: [StudyProblem] {
        var seen: [StudyProblem] = []
        for problem in problems where !seen.contains(problem) { seen.append(problem) }
        return seen.enumerated().sorted {
            ($0.element.line ?? .max, $0.offset) < ($1.element.line ?? .max, $1.offset)
        }.map(\.element)
    }

    mutating func refuse(_ path: String, _ message: String, _ remedy: String) {
        // The nearest enclosing setting that was written gives the line of one that was not.
        var written = path
        var origin = file.origins[written]
        while origin == nil, let dot = written.lastIndex(of: ".") {
            written = String(written[..<dot])
            origin = file.origins[written]
        }
        problems.append(StudyProblem(path: path, origin: origin, message: message, remedy: remedy))
    }

    /// Reports a setting that must be written and is not, unless it was written illegibly.
    mutating func missing(_ path: String, _ remedy: String) {
        guard !unreadable.contains(path) else { return }
        refuse(path, "\(path) is missing", remedy)
    }

    mutating func name(_ name: String?, at path: String, what: String) -> String? {
        guard let name else {
            missing(path, "give \(what) a name, for example `\(path): my-study`")
            return nil
        }
        guard StudyLimits.isName(name) else {
            refuse(
                path, "\(path): \"\(name.prefix(80))\" cannot name \(what)",
                "use 1 to 64 of A–Z a–z 0–9 . _ - and begin with a letter, a digit or _")
            return nil
        }
        return name
    }

    mutating func integer(_ value: Int, at path: String, in range: ClosedRange<Int>) -> Int {
        if !range.contains(value) {
            refuse(path, "\(path) is \(value), outside \(range.lowerBound)…\(range.upperBound)", "choose a value in the range")
        }
        return value
    }

    mutating func number(_ value: Double, at path: String, in range: ClosedRange<Double>, words: String) -> Double {
        if !range.contains(value) { refuse(path, "\(path) is \(value), \(words)", "choose a value in the range") }
        return value
    }

    mutating func choice<Choice>(
        _ written: String, at path: String, from choices: [Choice], name: (Choice) -> String
    ) -> Choice? {
        if let choice = choices.first(where: { name($0) == written }) { return choice }
        let names = choices.map(name)
        refuse(
            path, "\(path): \"\(written.prefix(80))\" is unknown" + Spelling.suggestion(for: written, among: names),
            "choose one of: \(names.joined(separator: ", "))")
        return nil
    }

    mutating func data(_ section: StudyFile.DataSection?) -> DataSource? {
        guard let section else {
            missing("data", "write `data: {format: cifar100, path: FOLDER}` or `data: {format: synthetic}`")
            return nil
        }
        let format: String
        if let written = section.format {
            format = written
        } else {
            guard !unreadable.contains("data.format") else { return nil }
            format = section.path == nil ? "synthetic" : "cifar100"
        }
        switch choice(format, at: "data.format", from: ["cifar100", "synthetic"], name: { $0 }) {
        case "cifar100":
            for (key, value) in [
                ("seed", section.seed), ("training_per_class", section.trainingPerClass),
                ("test_per_class", section.testPerClass),
            ] where value != nil {
                refuse(
                    "data.\(key)", "data.\(key) means nothing for the format cifar100",
                    "remove it, or choose `format: synthetic`")
            }
            guard let path = section.path else {
                missing("data.path", "name the folder that holds train.bin and test.bin, or `--set data.path=FOLDER`")
                return nil
            }
            guard StudyLimits.pathBytes.contains(path.utf8.count), !path.utf8.contains(0) else {
                refuse("data.path", "data.path is longer than 4096 bytes or holds a zero byte", "choose another folder")
                return nil
            }
            return .cifar100(path: path)
        case "synthetic":
            if section.path != nil {
                refuse("data.path", "data.path means nothing for the format synthetic", "remove it, or choose `format: cifar100`")
            }
            let seed = integer(section.seed ?? 1, at: "data.seed", in: StudyLimits.seed)
            let training = integer(
                section.trainingPerClass ?? 500, at: "data.training_per_class", in: StudyLimits.imagesPerClass)
            let test = integer(section.testPerClass ?? 100, at: "data.test_per_class", in: StudyLimits.imagesPerClass)
            guard StudyLimits.seed.contains(seed) else { return nil }
            return .synthetic(SyntheticData(seed: UInt64(seed), trainingPerClass: training, testPerClass: test))
        default:
            return nil
        }
    }

    mutating func recipe(
        _ published: RecipeSpec, epochs: Int?, at path: String, training: StudyFile.TrainingSection
    ) -> RecipeSpec {
        var recipe = published
        if let epochs { recipe.epochs = integer(epochs, at: path, in: StudyLimits.epochs) }
        if let value = training.learningRate {
            recipe.learningRate = number(
                value, at: "training.learning_rate", in: StudyLimits.learningRate, words: "not above 0 and up to 10")
        }
        if let value = training.momentum {
            recipe.momentum = number(value, at: "training.momentum", in: StudyLimits.momentum, words: "outside 0…0.9999")
        }
        if let value = training.weightDecay {
            recipe.weightDecay = number(value, at: "training.weight_decay", in: StudyLimits.weightDecay, words: "outside 0…1")
        }
        if let value = training.batchSize {
            recipe.batchSize = integer(value, at: "training.batch_size", in: StudyLimits.batchSize)
        }
        var degrees = 15.0
        if let value = training.rotationDegrees {
            degrees = number(value, at: "training.rotation_degrees", in: StudyLimits.rotationDegrees, words: "outside 0…180")
        }
        if let written = training.augmentation {
            switch choice(written, at: "training.augmentation", from: ["none", "flip-and-rotation"], name: { $0 }) {
            case "flip-and-rotation": recipe.augmentation = .flipAndRotation(degrees: degrees)
            default: recipe.augmentation = .none
            }
        } else if case .flipAndRotation = recipe.augmentation {
            recipe.augmentation = .flipAndRotation(degrees: degrees)
        }
        if training.rotationDegrees != nil, recipe.augmentation == .none {
            refuse(
                "training.rotation_degrees", "training.rotation_degrees means nothing without augmentation",
                "remove it, or add `augmentation: flip-and-rotation`")
        }
        return recipe
    }
}

extension StudyCheck {
    mutating func arms(_ entries: [StudyFile.ArmEntry]?, pretrainedPairs: Int) -> [Arm] {
        guard let entries else {
            missing("arms", "list the initializations to compare, for example `arms: [random]`")
            return []
        }
        guard StudyLimits.arms.contains(entries.count) else {
            refuse(
                "arms", "\(entries.count) arms, outside \(StudyLimits.arms.lowerBound)…\(StudyLimits.arms.upperBound)",
                "list the initializations to compare, for example `arms: [random]`")
            return []
        }
        var arms: [Arm] = []
        for entry in entries {
            guard let method = method(of: entry, pretrainedPairs: pretrainedPairs) else { continue }
            guard !unreadable.contains("\(entry.path).name") else { continue }
            let written = entry.name ?? StudyCheck.defaultName(of: method)
            guard let name = name(written, at: "\(entry.path)", what: "an arm") else { continue }
            if name == StudyLimits.reservedArmName {
                refuse(entry.path, "an arm cannot be called \"\(name)\"", "choose another name; tables use this one")
            } else if arms.contains(where: { $0.name == name }) {
                refuse(entry.path, "two arms are called \"\(name)\"", "give each arm a name of its own: `name: …`")
            }
            arms.append(Arm(name: name, method: method))
        }
        return arms
    }

    private static func defaultName(of method: ArmMethod) -> String {
        switch method {
        case .random: "random"
        case .pretrained: "pretrained"
        case .gabor(let layers): "gabor-\(layers)"
        case .clustered: "clustered"
        }
    }

    private mutating func method(of entry: StudyFile.ArmEntry, pretrainedPairs: Int) -> ArmMethod? {
        let path = entry.path
        guard let written = entry.method else {
            missing("\(path).method", "add `method:` with one of: random, pretrained, gabor, clustered")
            return nil
        }
        let methods = ["random", "pretrained", "gabor", "clustered"]
        switch choice(written, at: "\(path).method", from: methods, name: { $0 }) {
        case "random":
            refuseOthers(entry, than: [])
            return .random
        case "pretrained":
            refuseOthers(entry, than: [])
            return .pretrained
        case "gabor":
            refuseOthers(entry, than: ["layers"])
            return setting(entry.layers, "\(path).layers", in: StudyLimits.layers).map { .gabor(layers: $0) }
        case "clustered":
            let distance: DistanceSpec?
            if let text = entry.distance {
                distance = choice(text, at: "\(path).distance", from: DistanceSpec.allCases, name: \.rawValue)
            } else {
                let names = DistanceSpec.allCases.map(\.rawValue).joined(separator: ", ")
                missing("\(path).distance", "add `distance:` with one of: \(names)")
                distance = nil
            }
            let models = setting(entry.models, "\(path).models", in: 1...45)
            if let models, models <= 45, models > pretrainedPairs {
                refuse(
                    "\(path).models", "\(path).models is \(models), but only \(pretrainedPairs) pairs are pre-trained",
                    "use at most \(pretrainedPairs) models, or raise pretraining.pairs")
            }
            let clusters = setting(entry.clusters, "\(path).clusters", in: StudyLimits.clusters)
            let layers = setting(entry.layers, "\(path).layers", in: StudyLimits.layers)
            guard let distance, let models, let clusters, let layers else { return nil }
            return .clustered(Clustering(distance: distance, models: models, clusters: clusters, layers: layers))
        default:
            return nil
        }
    }

    /// A setting its method cannot do without.
    private mutating func setting(_ value: Int?, _ path: String, in range: ClosedRange<Int>) -> Int? {
        guard let value else {
            missing(path, "add it: a whole number in \(range.lowerBound)…\(range.upperBound)")
            return nil
        }
        return integer(value, at: path, in: range)
    }

    /// Reports the settings that the arm's method does not have.
    private mutating func refuseOthers(_ entry: StudyFile.ArmEntry, than allowed: [String]) {
        let written = [
            ("distance", entry.distance != nil), ("models", entry.models != nil), ("clusters", entry.clusters != nil),
            ("layers", entry.layers != nil),
        ]
        for (key, isWritten) in written where isWritten && !allowed.contains(key) {
            refuse(
                "\(entry.path).\(key)", "\(entry.path).\(key) means nothing for the method \(entry.method ?? "")",
                "remove it, or choose `method: clustered`")
        }
    }
}
