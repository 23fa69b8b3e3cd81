import Foundation
import Studies

/// Why a study file gave no study. Holds every problem that could be found, not only the first.
package enum StudyFileError: Error, Sendable, Equatable {
    /// The text is not one plain YAML document within the limits; nothing in it was taken as a setting.
    case unreadable(source: String, StudyProblem)
    /// An argument of the command line could not be applied to the file.
    case argument(source: String, [StudyProblem])
    /// The settings do not make a study.
    case invalid(source: String, [StudyProblem])

    /// The problems, in the order of the lines.
    package var problems: [StudyProblem] {
        switch self {
        case .unreadable(_, let problem): [problem]
        case .argument(_, let problems), .invalid(_, let problems): problems
        }
    }

    private var source: String {
        switch self {
        case .unreadable(let source, _), .argument(let source, _), .invalid(let source, _): source
        }
    }
}

extension StudyFileError: LocalizedError {
    /// Every problem with its place and remedy, two lines each.
    package var errorDescription: String? { StudyProblem.text(of: problems, source: source) }

    package var recoverySuggestion: String? {
        "correct \(problems.count == 1 ? "it" : "the \(problems.count) problems") and check with: sower plan \(source)"
    }
}

extension StudyFileError: CustomStringConvertible {
    package var description: String { errorDescription ?? "" }
}
