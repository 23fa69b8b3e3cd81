import Foundation
import Transport

/// Why a worker cannot go on.
package enum WorkerError: Error, Equatable, LocalizedError {
    /// The coordinator refused the worker; the reason says what to do about it.
    case refused(String)
    /// The coordinator has not answered for so long.
    case unreachable(String, seconds: Int)
    /// The coordinator does not know the worker's key.
    case keyRefused(String, key: PublicKey)
    /// Whoever listens there does not have the coordinator's key.
    case otherServerKey(String, expected: PublicKey)
    /// Whoever listens there does not protect its connections.
    case noCurve(String)

    package var errorDescription: String? {
        switch self {
        case .refused(let reason): "the coordinator refused this worker: \(reason)"
        case .unreachable(let endpoint, let seconds): "no word from the coordinator at \(endpoint) for \(seconds) s"
        case .keyRefused(let endpoint, let key): "the coordinator at \(endpoint) does not know this host's key, \(key), or it was revoked"
        case .otherServerKey(let endpoint, let expected):
            "\(endpoint) closes every connection during the handshake: it does not have the key that this worker expects, \(expected)"
        case .noCurve(let endpoint): "\(endpoint) does not speak sower's encrypted protocol"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .refused: "Mend that, then start the worker again."
        case .unreachable:
            "Check that `sower coordinator STUDY --listen HOST:PORT` runs there, and that PORT and PORT + 1 can be reached from here."
        // Z85 has no single quote, and much else that a shell would take for itself.
        case .keyRefused(_, let key): "On the coordinator's host: sower keys enroll \(Self.hostName) '\(key)'; then start the worker again."
        case .otherServerKey:
            "On the coordinator's host, `sower keys list` prints its key; then here: sower keys pin 'KEY'"
        case .noCurve:
            "Is that the coordinator's port, and the coordinator a sower of this version? "
                + "Start it there with: sower coordinator STUDY --listen HOST:PORT"
        }
    }

    /// This host as a name for its key, with nothing in it that such a name may not have.
    private static var hostName: String {
        let name = ProcessInfo.processInfo.hostName.split(separator: ".").first.map(String.init) ?? ""
        let text = String(name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }.prefix(60))
        return text.first.map { $0 == "-" } ?? true ? "NAME" : text
    }
}
