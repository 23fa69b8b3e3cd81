/// One thing that is wrong with a study as written: what, where, and what to do about it.
package struct StudyProblem: Sendable, Equatable {
    /// The setting by its dotted path, arms by their names: `arms.clustered.models`. Empty for the file as a whole.
    package var path: String
    /// Where it was written; `nil` when it was not written at all.
    package var origin: Origin?
    /// What is wrong, with the actual and the expected value.
    package var message: String
    /// The next thing to do.
    package var remedy: String

    package init(path: String, origin: Origin?, message: String, remedy: String) {
        self.path = path
        self.origin = origin
        self.message = message
        self.remedy = remedy
    }

    /// The line of the study file, counted from 1; `nil` for arguments and for what was not written.
    package var line: Int? {
        if case .line(let line)? = origin { line } else { nil }
    }

    /// The problem in two lines: `study.yaml:12: message`, then the remedy, indented.
    package func text(source: String) -> String {
        let place =
            switch origin {
            case .line(let line)?: "\(source):\(line)"
            case .argument(let text)?: text
            case nil: source
            }
        return "\(place): \(message)\n  \(remedy)"
    }

    /// As many as a person reads at a time, and the number of the others.
    package static func text(of problems: [StudyProblem], source: String) -> String {
        let rest = problems.count - shownCount
        let texts = problems.prefix(shownCount).map { $0.text(source: source) }
        return (texts + (rest > 0 ? ["\(source): and \(rest) problems more"] : [])).joined(separator: "\n")
    }

    private static let shownCount = 20
}

/// A study that cannot run, with every problem found, in the order in which the file has them.
package struct InvalidStudy: Error, Sendable, Equatable {
    package var problems: [StudyProblem]

    package init(problems: [StudyProblem]) { self.problems = problems }
}
