extension StudyFile {
    /// The study with every setting explicit; missing ones are the profile's, and the published sizes.
    ///
    /// Errors: every problem of the file at once, in the order of the lines, those without a line last.
    package func validate() throws(InvalidStudy) -> Study {
        var check = StudyCheck(file: self)
        let name = check.name(self.name, at: "study", what: "a study")
        let source = check.data(data, at: "data")
        let model = check.model(self.model, data: source)
        let profile = check.choice(self.profile ?? "paper", at: "profile", from: Profile.allCases, name: \.rawValue) ?? .paper
        let evaluationProtocol = check.evaluationProtocol(self.evaluationProtocol, profile: profile, data: source)
        let seed = check.integer(self.seed ?? 1, at: "seed", in: StudyLimits.seed)

        let pretrainingSource = check.pretrainingData(self.pretraining.data, data: source)
        let pretraining = Pretraining(
            data: pretrainingSource, superclasses: Array(0..<10),
            pairs: check.integer(self.pretraining.pairs ?? 45, at: "pretraining.pairs", in: StudyLimits.pairs),
            recipe: check.recipe(
                profile.pretrainingRecipe, epochs: self.pretraining.epochs, at: "pretraining.epochs", training: training,
                imageSize: pretrainingSource?.imageSize ?? model?.imageSize))
        let evaluation = Evaluation(
            superclasses: source?.hasSuperclasses == false ? [] : Array(10..<20),
            pairs: check.evaluationPairs(self.evaluation.pairs, data: source),
            replicates: check.integer(
                self.evaluation.replicates ?? 5, at: "evaluation.replicates", in: StudyLimits.replicates),
            recipe: check.recipe(
                profile.evaluationRecipe(on: source), epochs: self.evaluation.epochs, at: "evaluation.epochs", training: training,
                imageSize: model?.imageSize),
            keepsPredictions: check.keepsPredictions(self.evaluation.keepPredictions, trainer: self.trainer))
        let trainer = check.trainer(self.trainer)
        let needs = check.needs(self.needs, at: "needs")
        let arms = check.arms(
            self.arms, model: model, pretrainedPairs: pretraining.pairs,
            replacesHead: source.map { $0.taskClasses != (pretrainingSource ?? $0).taskClasses } ?? false)
        check.sources(of: arms, data: source, pretraining: pretrainingSource, trainer: trainer)

        guard check.problems.isEmpty, let name, let source, let model else {
            throw InvalidStudy(problems: check.inOrder)
        }
        var study = Study(
            name: name, data: source,
            model: ModelSpec(architecture: model.architecture.rawValue, classes: source.taskClasses, imageSize: model.imageSize),
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

    /// The network, and the size images are given to it in: the data's own where none is written.
    mutating func model(
        _ section: StudyFile.ModelSection, data: DataSource?
    ) -> (architecture: ModelArchitecture, imageSize: Int)? {
        // Written as one word, the setting is `model` itself.
        let path = file.origins["model.architecture"] == nil ? "model" : "model.architecture"
        let written = section.architecture ?? ModelArchitecture.resnet18.rawValue
        let architecture = choice(written, at: path, from: ModelArchitecture.allCases, name: \.rawValue)
        let size = section.imageSize.map { integer($0, at: "model.image_size", in: StudyLimits.imageSize) } ?? data?.imageSize
        guard let architecture, let size else { return nil }
        imageSize(size, isEnoughFor: architecture, at: "model.image_size")
        return (architecture, size)
    }

    mutating func imageSize(_ size: Int, isEnoughFor architecture: ModelArchitecture, at path: String) {
        guard StudyLimits.imageSize.contains(size), size < architecture.minimumImageSize else { return }
        refuse(
            path,
            "model.image_size is \(size), but \(architecture.rawValue) needs images of at least "
                + "\(architecture.minimumImageSize) pixels",
            "choose \(architecture.minimumImageSize) or more, or another architecture")
    }
}
