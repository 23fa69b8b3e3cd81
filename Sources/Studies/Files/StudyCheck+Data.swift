// The data of a study, and what follows from them.

extension StudyCheck {
    private static let formats = ["cifar100", "tiny-imagenet", "synthetic"]
    /// What `sower data fetch` knows and no study reads yet.
    private static let unread = ["cifar10", "mnist", "svhn"]

    /// - Parameter path: `data`, or `pretraining.data`.
    mutating func data(_ section: StudyFile.DataSection?, at path: String) -> DataSource? {
        guard let section else {
            missing(path, "write `data: {format: cifar100, path: FOLDER}` or `data: {format: synthetic}`")
            return nil
        }
        let format: String
        if let written = section.format {
            format = written
        } else {
            guard !unreadable.contains("\(path).format") else { return nil }
            format = section.path == nil ? "synthetic" : "cifar100"
        }
        if StudyCheck.unread.contains(format) {
            refuse(
                "\(path).format", "\(path).format: this version reads no studies on \(format)",
                "choose one of: \(StudyCheck.formats.joined(separator: ", ")); `sower data fetch \(format)` downloads it all the same")
            return nil
        }
        switch choice(format, at: "\(path).format", from: StudyCheck.formats, name: { $0 }) {
        case "cifar100": return folder(section, at: path, format: format, holding: "train.bin and test.bin").map { .cifar100(path: $0) }
        case "tiny-imagenet":
            return folder(section, at: path, format: format, holding: "wnids.txt, train and val").map { .tinyImageNet(path: $0) }
        case "synthetic":
            if section.path != nil {
                refuse("\(path).path", "\(path).path means nothing for the format synthetic", "remove it, or choose `format: cifar100`")
            }
            let seed = integer(section.seed ?? 1, at: "\(path).seed", in: StudyLimits.seed)
            let training = integer(
                section.trainingPerClass ?? 500, at: "\(path).training_per_class", in: StudyLimits.imagesPerClass)
            let test = integer(section.testPerClass ?? 100, at: "\(path).test_per_class", in: StudyLimits.imagesPerClass)
            guard StudyLimits.seed.contains(seed) else { return nil }
            return .synthetic(SyntheticData(seed: UInt64(seed), trainingPerClass: training, testPerClass: test))
        default:
            return nil
        }
    }

    /// The path of data that lie in files.
    private mutating func folder(
        _ section: StudyFile.DataSection, at path: String, format: String, holding content: String
    ) -> String? {
        for (key, value) in [
            ("seed", section.seed), ("training_per_class", section.trainingPerClass), ("test_per_class", section.testPerClass),
        ] where value != nil {
            refuse(
                "\(path).\(key)", "\(path).\(key) means nothing for the format \(format)", "remove it, or choose `format: synthetic`")
        }
        guard let folder = section.path else {
            missing("\(path).path", "name the folder that holds \(content), or `--set \(path).path=FOLDER`")
            return nil
        }
        guard StudyLimits.pathBytes.contains(folder.utf8.count), !folder.utf8.contains(0) else {
            refuse("\(path).path", "\(path).path is longer than 4096 bytes or holds a zero byte", "choose another folder")
            return nil
        }
        return folder
    }

    /// Other data to pre-train on than to evaluate on; `nil` where none are written.
    mutating func pretrainingData(_ section: StudyFile.DataSection?, data: DataSource?) -> DataSource? {
        guard let section, let source = self.data(section, at: "pretraining.data") else { return nil }
        guard source.hasSuperclasses else {
            refuse(
                "pretraining.data.format", "pretraining.data has no superclasses, and models are pre-trained on pairs of them",
                "choose `format: cifar100`")
            return nil
        }
        // Said twice it is said once.
        return source == data ? nil : source
    }

    mutating func evaluationProtocol(_ written: String?, profile: Profile, data: DataSource?) -> EvaluationProtocol {
        let hasPairs = data?.hasSuperclasses ?? true
        guard let written else { return hasPairs ? profile.evaluationProtocol : .independent }
        let chosen = choice(written, at: "protocol", from: EvaluationProtocol.allCases, name: \.rawValue) ?? .independent
        if chosen == .chained, !hasPairs {
            refuse(
                "protocol", "protocol chained goes from pair to pair, and these data have one task, all classes",
                "remove it: the protocol is independent")
        }
        return chosen
    }

    mutating func evaluationPairs(_ written: Int?, data: DataSource?) -> Int {
        guard data?.hasSuperclasses ?? true else {
            if written != nil {
                refuse(
                    "evaluation.pairs", "evaluation.pairs means nothing for data without superclasses: the task is all classes", "remove it"
                )
            }
            return 1
        }
        return integer(written ?? 10, at: "evaluation.pairs", in: StudyLimits.pairs)
    }

    /// What arms and trainer need of the data.
    mutating func sources(of arms: [Arm], data: DataSource?, pretraining: DataSource?, trainer: ExternalTrainer?) {
        guard let data, !data.hasSuperclasses else { return }
        if pretraining == nil, file.pretraining.data == nil, let arm = arms.first(where: \.method.needsPretraining) {
            missing(
                "pretraining.data",
                "arm \(arm.name) reads models that are pre-trained on pairs of superclasses: write "
                    + "`pretraining: {data: {format: cifar100, path: FOLDER}}`")
        }
        if trainer != nil {
            refuse("trainer", "a trainer reads CIFAR-100's files, and the data are others", "remove it: Sower's own engine trains")
        }
    }
}
