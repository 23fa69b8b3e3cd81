import Foundation

/// Why `SOWER_FAILPOINTS` or its tally is refused; a fault test that tests nothing must not look like one that passed.
package enum FailpointError: Error, Equatable, LocalizedError {
    case unknownName(String)
    case twice(String)
    case malformed(entry: String)
    case cannotFail(String)
    case tally(path: String, detail: String)

    package var errorDescription: String? {
        switch self {
        case .unknownName(let name): "\(FailpointVariable.plan) names the failpoint \"\(name)\", which there is not"
        case .twice(let name): "\(FailpointVariable.plan) names the failpoint \(name) twice"
        case .malformed(let entry): "\(FailpointVariable.plan) has \"\(entry)\", expected NAME=ACTION or NAME=ACTION@HITS"
        case .cannotFail(let name): "\(FailpointVariable.plan) gives \(name) an error, but no call that could fail stands there"
        case .tally(let path, let detail): "\(FailpointVariable.tally): \(path) cannot be used: \(detail)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .unknownName(let name):
            "Unset it for a real sweep. The nearest names: "
                + Failpoint.allCases.map(\.rawValue).filter { $0.prefix(4) == name.prefix(4) }.joined(separator: ", ")
        case .twice: "Name each failpoint once."
        case .malformed:
            "Actions are kill, delay(MILLISECONDS) and error(ERRNO) with one of "
                + "\(FailpointPlan.errorNames.keys.sorted().joined(separator: ", ")); hits are N, N+ or first."
        case .cannotFail: "Use kill or delay(MILLISECONDS) there."
        case .tally: "Name a file in a folder that this user can write; it is made when it is not there."
        }
    }
}

/// The environment variables, which child processes inherit.
package enum FailpointVariable {
    /// What is to happen where (``FailpointPlan``).
    package static let plan = "SOWER_FAILPOINTS"
    /// A file that counts the passes of all processes together (``FailpointTally``).
    package static let tally = "SOWER_FAILPOINTS_TALLY"
}
