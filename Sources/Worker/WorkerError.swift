import Foundation

/// Why a worker cannot go on.
package enum WorkerError: Error, Equatable, LocalizedError {
    /// The coordinator refused the worker.
    case refused(String)

    package var errorDescription: String? {
        switch self {
        case .refused(let reason): "the coordinator refused this worker: \(reason)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .refused: "Use the same build of sower on every host."
        }
    }
}
