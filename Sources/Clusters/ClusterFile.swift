import Foundation
import Studies
import StudyFiles

// The gate through which cluster files enter: YAML in, a checked cluster out.

/// A cluster from the text of a file; `sourceName` stands in error messages.
///
/// Errors: `ClusterFileError` with all problems found.
package func decode(text: String, sourceName: String) throws(ClusterFileError) -> Cluster {
    do throws(InvalidStudy) {
        let document = YAMLGate.Document(name: "cluster file", beginning: "begin with `coordinator: {host: HOST, port: 17610}`")
        var check = ClusterCheck()
        return try check.cluster(YAMLGate.tree(of: text, as: document))
    } catch {
        throw ClusterFileError(source: sourceName, problems: error.problems)
    }
}

/// Why a cluster file gave no cluster: every problem that could be found.
package struct ClusterFileError: LocalizedError, Sendable, Equatable {
    package var source: String
    package var problems: [StudyProblem]

    /// The problems with their lines and remedies, two lines each.
    package var errorDescription: String? { StudyProblem.text(of: problems, source: source) }

    package var recoverySuggestion: String? {
        "correct \(problems.count == 1 ? "it" : "the \(problems.count) problems") and check with: sower doctor --cluster \(source)"
    }
}
