import Coordination
import Transport

/// What the fate of a worker's handshakes says: libzmq tries again for ever, or never again, and a person would wait in vain.
package struct HandshakeWatch {
    package enum Finding: Equatable {
        /// The coordinator does not know this host's key.
        case keyRefused
        /// Whoever listens there closes the connection: it does not have the key that this worker expects.
        case otherServerKey
        /// Whoever listens there does not speak CURVE.
        case noCurve
    }

    /// One closed handshake may be a coordinator that is just ending; so many in a row are no accident.
    static let closedLimit = 3
    /// A handshake that lasts longer was ended by the clock: the coordinator is busy or halted.
    static let closedSeconds = 3.0

    private var connected: Instant?
    private var closedInARow = 0
    /// Whether there has been a connection: what keeps it from coming back may be a tunnel whose other end is away.
    package private(set) var hasSucceeded = false

    package init() {}

    package mutating func note(_ event: ConnectionMonitor.Event, at now: Instant) -> Finding? {
        switch event {
        case .connected:
            connected = now
        case .handshakeSucceeded:
            closedInARow = 0
            hasSucceeded = true
        case .keyRefused:
            return .keyRefused
        case .protocolRefused:
            return .noCurve
        case .handshakeEnded:
            guard let connected, now - connected < Self.closedSeconds else { return nil }
            self.connected = nil
            closedInARow += 1
            if closedInARow >= Self.closedLimit {
                closedInARow = 0
                return .otherServerKey
            }
        case .disconnected:
            connected = nil
        }
        return nil
    }
}
