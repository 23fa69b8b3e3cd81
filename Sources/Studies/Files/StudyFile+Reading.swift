extension StudyFile {
    /// The keys of each section, in the order in which a study file is usually written.
    package enum Keys {
        package static let study = [
            "study", "data", "model", "profile", "protocol", "seed", "pretraining", "evaluation", "training", "trainer", "needs", "arms",
        ]
        package static let data = ["format", "path", "seed", "training_per_class", "test_per_class"]
        package static let model = ["architecture", "image_size"]
        package static let pretraining = ["data", "pairs", "epochs"]
        package static let evaluation = ["pairs", "replicates", "epochs", "keep_predictions"]
        package static let training = [
            "learning_rate", "momentum", "nesterov", "weight_decay", "batch_size", "schedule", "augmentation",
            "rotation_degrees", "crop_padding", "mixup",
        ]
        package static let schedule = ["kind", "every", "factor", "watch", "mode", "patience"]
        package static let arm = [
            "name", "method", "model", "distance", "models", "clusters", "layers", "matching", "path", "head", "needs",
        ]
        package static let trainer = ["name", "command"]
    }

    /// Reads a tree as a study; whatever cannot be read is kept in `unreadable`.
    package init(_ root: StudyNode) {
        var reader = SettingReader(what: "a study")
        let top = reader.section(root, at: "", keys: Keys.study)
        name = reader.text(top, "study", at: "")
        data = reader.data(top["data"], at: "data")
        let modelSection = reader.section(top["model"], orWord: "architecture", at: "model", keys: Keys.model)
        model.architecture = reader.text(modelSection, "architecture", at: "model")
        model.imageSize = reader.integer(modelSection, "image_size", at: "model")
        profile = reader.text(top, "profile", at: "")
        evaluationProtocol = reader.text(top, "protocol", at: "")
        seed = reader.integer(top, "seed", at: "")

        let pretrainingSection = reader.section(top["pretraining"], at: "pretraining", keys: Keys.pretraining)
        pretraining.data = reader.data(pretrainingSection["data"], at: "pretraining.data")
        pretraining.epochs = reader.integer(pretrainingSection, "epochs", at: "pretraining")
        pretraining.pairs = reader.integer(pretrainingSection, "pairs", at: "pretraining")

        let evaluationSection = reader.section(top["evaluation"], at: "evaluation", keys: Keys.evaluation)
        evaluation.epochs = reader.integer(evaluationSection, "epochs", at: "evaluation")
        evaluation.pairs = reader.integer(evaluationSection, "pairs", at: "evaluation")
        evaluation.replicates = reader.integer(evaluationSection, "replicates", at: "evaluation")
        evaluation.keepPredictions = reader.truth(evaluationSection, "keep_predictions", at: "evaluation")

        let trainingSection = reader.section(top["training"], at: "training", keys: Keys.training)
        training.learningRate = reader.number(trainingSection, "learning_rate", at: "training")
        training.momentum = reader.number(trainingSection, "momentum", at: "training")
        training.nesterov = reader.truth(trainingSection, "nesterov", at: "training")
        training.weightDecay = reader.number(trainingSection, "weight_decay", at: "training")
        training.batchSize = reader.integer(trainingSection, "batch_size", at: "training")
        training.augmentation = reader.text(trainingSection, "augmentation", at: "training")
        training.rotationDegrees = reader.number(trainingSection, "rotation_degrees", at: "training")
        training.cropPadding = reader.integer(trainingSection, "crop_padding", at: "training")
        training.mixup = reader.number(trainingSection, "mixup", at: "training")
        if let node = trainingSection["schedule"] {
            let path = "training.schedule"
            let section = reader.section(node, orWord: "kind", at: path, keys: Keys.schedule)
            var schedule = ScheduleSection()
            schedule.kind = reader.text(section, "kind", at: path)
            schedule.every = reader.integer(section, "every", at: path)
            schedule.factor = reader.number(section, "factor", at: path)
            schedule.watch = reader.text(section, "watch", at: path)
            schedule.mode = reader.text(section, "mode", at: path)
            schedule.patience = reader.integer(section, "patience", at: path)
            training.schedule = schedule
        }

        if let node = top["trainer"] {
            let section = reader.section(node, at: "trainer", keys: Keys.trainer)
            var trainer = TrainerSection()
            trainer.name = reader.text(section, "name", at: "trainer")
            trainer.command = reader.texts(section, "command", at: "trainer")
            self.trainer = trainer
        }
        needs = reader.labels(top, "needs", at: "")
        arms = reader.arms(top["arms"])
        origins = reader.origins
        unreadable = reader.problems
    }
}

extension SettingReader {
    fileprivate mutating func data(_ node: StudyNode?, at path: String) -> StudyFile.DataSection? {
        guard let node else { return nil }
        let section = section(node, at: path, keys: StudyFile.Keys.data)
        var data = StudyFile.DataSection()
        data.format = text(section, "format", at: path)
        data.path = text(section, "path", at: path)
        data.seed = integer(section, "seed", at: path)
        data.trainingPerClass = integer(section, "training_per_class", at: path)
        data.testPerClass = integer(section, "test_per_class", at: path)
        return data
    }

    fileprivate mutating func arms(_ node: StudyNode?) -> [StudyFile.ArmEntry]? {
        guard let node else { return nil }
        guard case .list(let elements) = node.content else {
            problems.append(
                StudyProblem(
                    path: "arms", origin: origins["arms"] ?? node.origin, message: "arms must be a list, found \(node.kind)",
                    remedy: "write one arm a line: `- random`, or `- {name: …, method: …}`"))
            return nil
        }
        return elements.enumerated().map { index, element in
            let path = "arms" + (element.armName.map { ".\($0.prefix(80))" } ?? "[\(index + 1)]")
            var arm = StudyFile.ArmEntry(path: path)
            if case .scalar(let method) = element.content, !method.isEmpty {
                arm.method = method
                note(path, at: element.origin)
                return arm
            }
            let section = section(element, at: path, keys: StudyFile.Keys.arm)
            arm.name = text(section, "name", at: path)
            arm.method = text(section, "method", at: path)
            arm.distance = text(section, "distance", at: path)
            arm.models = integer(section, "models", at: path)
            arm.clusters = integer(section, "clusters", at: path)
            arm.layers = integer(section, "layers", at: path)
            arm.matching = text(section, "matching", at: path)
            arm.model = text(section, "model", at: path)
            arm.file = text(section, "path", at: path)
            arm.head = text(section, "head", at: path)
            arm.needs = labels(section, "needs", at: path)
            return arm
        }
    }
}
