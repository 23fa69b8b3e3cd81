import CZeroMQ
import Foundation

/// Why frames could not be carried.
package enum TransportError: Error, Equatable, LocalizedError {
    /// The endpoint's text is not one that can be bound or connected to.
    case invalidEndpoint(String, reason: String)
    /// Another socket listens there (`EADDRINUSE`).
    case addressInUse(endpoint: String)
    /// No interface of this host has the address (`EADDRNOTAVAIL`, `ENODEV`).
    case addressNotAvailable(endpoint: String)
    /// The user may not listen there (`EACCES`, `EPERM`): a port below 1024, or a folder that is not writable.
    case permissionDenied(endpoint: String)
    /// The frame is longer than the socket's own limit; the peer would cut the connection.
    case frameTooLarge(byteCount: Int, limit: Int)
    /// A start that is refused because the self-test of CURVE has failed.
    case insecure(String)
    /// The context was shut down (`ETERM`): leave the loop and close the sockets.
    case contextTerminated
    /// Any other failed call, with its errno.
    case io(operation: String, endpoint: String?, code: Int32)

    package var errorDescription: String? {
        switch self {
        case .invalidEndpoint(let endpoint, let reason):
            "\"\(endpoint.prefix(200))\" is no endpoint: \(reason)"
        case .addressInUse(let endpoint):
            "\(endpoint) is in use: another process listens there"
        case .addressNotAvailable(let endpoint):
            "\(endpoint) cannot be used: no interface of this host has that address"
        case .permissionDenied(let endpoint):
            "\(endpoint) cannot be used: permission denied"
        case .frameTooLarge(let byteCount, let limit):
            "A frame has \(byteCount) bytes, expected at most \(limit)"
        case .insecure(let finding):
            "The connection to other hosts is not safe, so nothing was started: \(finding)"
        case .contextTerminated:
            "The ZeroMQ context was shut down"
        case .io(let operation, let endpoint, let code):
            "Could not \(operation)\(endpoint.map { " \($0)" } ?? ""): \(TransportError.text(ofErrno: code)) (errno \(code))"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .invalidEndpoint:
            "Write tcp://HOST:PORT (tcp://*:PORT to listen on every interface) or ipc:///PATH, a path of at most 107 bytes."
        case .addressInUse(let endpoint):
            "Choose another --port, or see who holds it: ss -ltnp 'sport = :\(endpoint.split(separator: ":").last ?? "")'."
        case .addressNotAvailable:
            "Listen on one of the addresses that `ip -brief address` prints, or on * for all of them."
        case .permissionDenied:
            "Choose a --port above 1023, or a folder you may write to."
        case .frameTooLarge:
            "Send the bytes in smaller chunks."
        case .insecure:
            "Start it again; if it says the same, the libzmq of this host is not one that sower can trust: apt-get install libzmq5."
        case .contextTerminated:
            "Nothing is wrong: this process is stopping."
        case .io(_, _, let code) where code == EMFILE || code == ENFILE:
            "Raise the limit of open files: ulimit -n 65536."
        case .io(_, _, let code) where code == ENOENT:
            "Create the folder of the ipc path first."
        case .io:
            "Start the command again; if it fails again, report the errno above."
        }
    }

    /// libzmq's text for an errno, its own numbers included.
    private static func text(ofErrno code: Int32) -> String {
        zmq_strerror(code).map { String(cString: $0) } ?? "unknown error"
    }

    /// The error of a failed libzmq call, from its errno.
    static func last(_ operation: String, endpoint: String? = nil) -> TransportError {
        let code = zmq_errno()
        if code == CZeroMQ.ETERM { return .contextTerminated }
        guard let endpoint else { return .io(operation: operation, endpoint: nil, code: code) }
        switch code {
        case EADDRINUSE: return .addressInUse(endpoint: endpoint)
        case EADDRNOTAVAIL, ENODEV: return .addressNotAvailable(endpoint: endpoint)
        case EACCES, EPERM: return .permissionDenied(endpoint: endpoint)
        case EINVAL: return .invalidEndpoint(endpoint, reason: "libzmq cannot read the address")
        case ENAMETOOLONG: return .invalidEndpoint(endpoint, reason: "the path is too long for a Unix socket")
        case EPROTONOSUPPORT: return .invalidEndpoint(endpoint, reason: "this libzmq does not speak the protocol")
        default: return .io(operation: operation, endpoint: endpoint, code: code)
        }
    }
}
