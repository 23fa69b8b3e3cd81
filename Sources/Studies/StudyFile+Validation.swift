extension StudyFile {
    /// The study with every setting explicit; missing ones are the profile's, and the published sizes.
    ///
    /// Errors: every problem of the file at once, in the order of the lines, those without a line last.
    package func validate() throws(InvalidStudy) -> Study {
        var check = StudyCheck(file: self)
        let name = check.name(self.name, at: "study", what: "a study")
        let source = check.data(data)
        let model = check.model(self.model, data: source)
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
                profile.pretrainingRecipe, epochs: self.pretraining.epochs, at: "pretraining.epochs", training: training,
                imageSize: model?.imageSize))
        let evaluation = Evaluation(
            superclasses: Array(10..<20),
            pairs: check.integer(self.evaluation.pairs ?? 10, at: "evaluation.pairs", in: StudyLimits.pairs),
            replicates: check.integer(
                self.evaluation.replicates ?? 5, at: "evaluation.replicates", in: StudyLimits.replicates),
            recipe: check.recipe(
                profile.evaluationRecipe, epochs: self.evaluation.epochs, at: "evaluation.epochs", training: training,
                imageSize: model?.imageSize))
        let trainer = check.trainer(self.trainer)
        let needs = check.needs(self.needs, at: "needs")
        let arms = check.arms(self.arms, architecture: model?.architecture, pretrainedPairs: pretraining.pairs)

        guard check.problems.isEmpty, let name, let source, let model else {
            throw InvalidStudy(problems: check.inOrder)
        }
        var study = Study(
            name: name, data: source,
            model: ModelSpec(architecture: model.architecture.rawValue, classes: 10, imageSize: model.imageSize),
            profile: profile, evaluationProtocol: evaluationProtocol, seed: UInt64(seed), pretraining: pretraining,
            evaluation: evaluation, arms: arms, trainer: trainer, needs: needs, deviations: [])
        study.deviations = study.departuresFromPublished
        return study
    }
}

/// Checks settings, collecting problems instead of stopping at the first.
struct StudyCheck {
    let file: StudyFile
    var problems: [StudyProblem]
    let unreadable: Set<String>

    init(file: StudyFile) {
        self.file = file
        problems = file.unreadable
        unreadable = Set(file.unreadable.map(\.path))
    }

    /// Problems by line; those of arguments and of what was not written come last, in the order found.
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

    /// The network, and the size images are given to it in: the data's own where none is written.
    mutating func model(
        _ section: StudyFile.ModelSection, data: DataSource?
    ) -> (architecture: ModelArchitecture, imageSize: Int)? {
        // Written as one word, the setting is `model` itself.
        let path = file.origins["model.architecture"] == nil ? "model" : "model.architecture"
        let written = section.architecture ?? ModelArchitecture.resnet18.rawValue
        let architecture = choice(written, at: path, from: ModelArchitecture.allCases, name: \.rawValue)
        let limits = StudyLimits.imageSize
        let size = section.imageSize.map { integer($0, at: "model.image_size", in: limits) } ?? data?.imageSize
        guard let architecture, let size else { return nil }
        if limits.contains(size), size < architecture.minimumImageSize {
            refuse(
                "model.image_size",
                "model.image_size is \(size), but \(architecture.rawValue) needs images of at least "
                    + "\(architecture.minimumImageSize) pixels",
                "choose \(architecture.minimumImageSize) or more, or another architecture")
        }
        return (architecture, size)
    }
}
