import Foundation

/// Why a worker cannot go on.
package enum WorkerError: Error, Equatable, LocalizedError {
    /// The coordinator refused the worker.
    case refused(String)
    /// The coordinator has not answered for so long.
    case unreachable(String, seconds: Int)

    package var errorDescription: String? {
        switch self {
        case .refused(let reason): "the coordinator refused this worker: \(reason)"
        case .unreachable(let endpoint, let seconds): "no word from the coordinator at \(endpoint) for \(seconds) s"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .refused: "Use the same build of sower on every host."
        case .unreachable: "Check that `sower coordinator STUDY --listen HOST:PORT` runs there, and that PORT and PORT + 1 can be reached from here."
        }
    }
}
