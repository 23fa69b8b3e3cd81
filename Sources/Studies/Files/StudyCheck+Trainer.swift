// An external trainer, and what jobs need of the host that runs them.

extension StudyFile {
    package struct TrainerSection: Sendable, Equatable {
        package var name: String?
        package var command: [String]?

        package init() {}
    }
}

extension StudyCheck {
    mutating func trainer(_ section: StudyFile.TrainerSection?) -> ExternalTrainer? {
        guard let section else { return nil }
        guard let command = section.command else {
            missing("trainer.command", "write the program and its arguments as a list: `trainer: {command: [python3, train.py]}`")
            return nil
        }
        guard StudyLimits.trainerArguments.contains(command.count), command[0] != "" else {
            refuse(
                "trainer.command",
                "trainer.command has \(command.count) words, expected 1 to \(StudyLimits.trainerArguments.upperBound), the first a program",
                "write the program and its arguments as a list: `command: [python3, train.py]`")
            return nil
        }
        let bytes = command.reduce(0) { $0 + $1.utf8.count }
        guard bytes <= StudyLimits.trainerBytes, !command.contains(where: { $0.utf8.contains(0) }) else {
            refuse(
                "trainer.command", "trainer.command has \(bytes) bytes, more than \(StudyLimits.trainerBytes), or holds a zero byte",
                "put long settings into a file and name that")
            return nil
        }
        guard let written = section.name else {
            guard let name = ExternalTrainer.defaultName(of: command) else {
                missing("trainer.name", "give the trainer a name, for example `trainer: {name: torch, command: […]}`")
                return nil
            }
            return ExternalTrainer(name: name, command: command)
        }
        return name(written, at: "trainer.name", what: "a trainer").map { ExternalTrainer(name: $0, command: command) }
    }

    /// True or `nil`: an external trainer hands over metrics and weights, no predictions.
    mutating func keepsPredictions(_ written: Bool?, trainer: StudyFile.TrainerSection?) -> Bool? {
        guard written == true else { return nil }
        if trainer != nil {
            refuse(
                "evaluation.keep_predictions", "evaluation.keep_predictions is true, but an external trainer hands over no predictions",
                "leave it out, or train with Sower's engine")
        }
        return true
    }

    /// Labels as they are written; `nil` for none, so that a study without them keeps the identity it always had.
    mutating func needs(_ written: [String: String]?, at path: String) -> Labels? {
        guard let written, !written.isEmpty else { return nil }
        if written.count > StudyLimits.labels {
            refuse(path, "\(path) has \(written.count) labels, at most \(StudyLimits.labels)", "ask for fewer")
        }
        for (key, value) in written.sorted(by: { $0.key < $1.key }) where !Labels.isPart(key) || !Labels.isPart(value) {
            refuse(
                "\(path).\(key)", "\(path): \"\(key.prefix(80))=\(value.prefix(80))\" is no label",
                "write `key: value` of 1 to 64 of A–Z a–z 0–9 . _ - each, as the worker's --label has it")
        }
        return Labels(written)
    }
}
