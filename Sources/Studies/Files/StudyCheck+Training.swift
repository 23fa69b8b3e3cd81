extension StudyCheck {
    /// The published recipe with what the section `training` and the stage's `epochs` change of it; `imageSize` is `nil`
    /// when it is unknown.
    mutating func recipe(
        _ published: RecipeSpec, epochs: Int?, at path: String, training: StudyFile.TrainingSection, imageSize: Int?
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
        if let value = training.nesterov { recipe.nesterov = value }
        if recipe.nesterov, recipe.momentum == 0 {
            refuse(
                "training.nesterov", "training.nesterov needs a momentum, and training.momentum is 0",
                "remove `nesterov: true`, or give a momentum above 0")
        }
        if let value = training.weightDecay {
            recipe.weightDecay = number(value, at: "training.weight_decay", in: StudyLimits.weightDecay, words: "outside 0…1")
        }
        if let value = training.batchSize {
            recipe.batchSize = integer(value, at: "training.batch_size", in: StudyLimits.batchSize)
        }
        if let value = training.mixup {
            recipe.mixup = number(value, at: "training.mixup", in: StudyLimits.mixup, words: "outside 0.000001…1000000")
        }
        if let section = training.schedule { recipe.schedule = schedule(section, published: published.schedule) }
        recipe.augmentation = augmentation(training, published: published.augmentation, imageSize: imageSize)
        return recipe
    }

    private mutating func augmentation(
        _ training: StudyFile.TrainingSection, published: AugmentationSpec, imageSize: Int?
    ) -> AugmentationSpec {
        let names = ["none", "flip-rotation", "flip-crop"]
        let kind: String?
        if let written = training.augmentation {
            kind = choice(written, at: "training.augmentation", from: names, name: { $0 })
        } else {
            switch published {
            case .none: kind = "none"
            case .flipAndRotation: kind = "flip-rotation"
            case .flipAndCrop: kind = "flip-crop"
            }
        }
        let degrees = training.rotationDegrees.map {
            number($0, at: "training.rotation_degrees", in: StudyLimits.rotationDegrees, words: "outside 0…180")
        }
        let limits = StudyLimits.cropPadding
        let paddings = limits.clamped(to: limits.lowerBound...max(limits.lowerBound, (imageSize ?? .max) - 1))
        let padding = training.cropPadding.map { integer($0, at: "training.crop_padding", in: paddings) }
        guard let kind else { return published }
        let settings = [
            ("rotation_degrees", degrees != nil, "flip-rotation"), ("crop_padding", padding != nil, "flip-crop"),
        ]
        for (key, isWritten, owner) in settings where isWritten && kind != owner {
            refuse(
                "training.\(key)", "training.\(key) means nothing for the augmentation \(kind)",
                "remove it, or write `augmentation: \(owner)`")
        }
        switch kind {
        case "flip-rotation": return .flipAndRotation(degrees: degrees ?? 15)
        case "flip-crop": return .flipAndCrop(padding: padding ?? 4)
        default: return .none
        }
    }

    /// A schedule as written. What a plateau leaves open is the profile's; but a `watch` without a `mode` means the better
    /// value of what is watched: a higher accuracy, a lower loss.
    private mutating func schedule(_ section: StudyFile.ScheduleSection, published: ScheduleSpec) -> ScheduleSpec {
        let isWord = file.origins["training.schedule.kind"] == nil
        let kinds = ["constant", "plateau", "step", "cosine"]
        guard let written = section.kind else {
            missing("training.schedule.kind", "add `kind:` with one of: \(kinds.joined(separator: ", "))")
            return published
        }
        let path = isWord ? "training.schedule" : "training.schedule.kind"
        guard let kind = choice(written, at: path, from: kinds, name: { $0 }) else { return published }
        refuseOtherScheduleSettings(section, kind: kind)
        switch kind {
        case "step":
            guard let every = section.every else {
                missing("training.schedule.every", "write the epochs between steps: `schedule: {kind: step, every: 30}`")
                return published
            }
            return .step(
                every: integer(every, at: "training.schedule.every", in: StudyLimits.scheduleEpochs),
                factor: factor(section.factor ?? 0.1))
        case "cosine": return .cosine
        case "plateau": return plateau(section, published: published)
        default: return .constant
        }
    }

    private mutating func plateau(_ section: StudyFile.ScheduleSection, published: ScheduleSpec) -> ScheduleSpec {
        guard case .plateau(var watch, var mode, var factor, var patience) = published else {
            preconditionFailure("both profiles have a plateau schedule")
        }
        let path = "training.schedule"
        if let written = section.watch {
            let metric = choice(written, at: "\(path).watch", from: WatchedMetric.allCases, name: \.rawValue)
            watch = metric ?? watch
            mode = watch == .validationAccuracy ? .max : .min
        }
        if let written = section.mode {
            mode = choice(written, at: "\(path).mode", from: PlateauMode.allCases, name: \.rawValue) ?? mode
        }
        if let value = section.factor { factor = self.factor(value) }
        if let value = section.patience { patience = integer(value, at: "\(path).patience", in: StudyLimits.patience) }
        return .plateau(watch: watch, mode: mode, factor: factor, patience: patience)
    }

    /// What a schedule multiplies the rate with: a factor of 0 would end the training, one of 1 would do nothing.
    private mutating func factor(_ value: Double) -> Double {
        if !(value > 0 && value < 1) {
            let path = "training.schedule.factor"
            refuse(path, "\(path) is \(value), not between 0 and 1", "choose a value in the range")
        }
        return value
    }

    private mutating func refuseOtherScheduleSettings(_ section: StudyFile.ScheduleSection, kind: String) {
        let settings = [
            ("every", section.every != nil, ["step"]), ("factor", section.factor != nil, ["step", "plateau"]),
            ("watch", section.watch != nil, ["plateau"]), ("mode", section.mode != nil, ["plateau"]),
            ("patience", section.patience != nil, ["plateau"]),
        ]
        for (key, isWritten, owners) in settings where isWritten && !owners.contains(kind) {
            refuse(
                "training.schedule.\(key)", "training.schedule.\(key) means nothing for the schedule \(kind)",
                "remove it, or choose `kind: \(owners[0])`")
        }
    }
}
