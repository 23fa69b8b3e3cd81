import Foundation

/// Three strangers at a coordinator's door, before the door is opened: each must be refused, and a guest let in.
///
/// An option that is forgotten, or that another libzmq reads otherwise, lets everybody in without a word; so the question is put
/// to real sockets, on loopback, at every start. Takes a few milliseconds.
package enum CurveSelfTest {
    /// What the guest and the strangers say.
    private enum Caller: UInt8, CaseIterable {
        case unknownKey = 1, noCurve, wrongServerKey, guest

        var words: String {
            switch self {
            case .unknownKey: "a client with an unknown key"
            case .noCurve: "a client without CURVE"
            case .wrongServerKey: "a client that expects another server key"
            case .guest: "a client with an authorized key"
            }
        }
    }

    private static let seconds = 10.0

    /// Throws `.insecure` when one of the four is not treated as it must be.
    ///
    /// - Parameters:
    ///   - router: a socket like those that workers will connect to, bound to nothing yet; closed afterwards.
    ///   - server: its side of CURVE. A key that nobody else has is authorized in the meantime.
    package static func run(context: ZeroMQContext, router: RouterSocket, server: CurveServer) throws(TransportError) {
        let guest = KeyPair.generate()
        let others = server.authorized
        server.authorized = others.union([guest.publicKey])
        defer {
            server.authorized = others
            router.close()
        }
        try router.bind(to: "tcp://127.0.0.1:*")
        let endpoint = try router.lastEndpoint
        for caller in Caller.allCases {
            let curve: CurveClient? =
                switch caller {
                case .unknownKey: CurveClient(identity: .generate(), server: server.identity.publicKey)
                case .noCurve: nil
                case .wrongServerKey: CurveClient(identity: guest, server: KeyPair.generate().publicKey)
                case .guest: CurveClient(identity: guest, server: server.identity.publicKey)
                }
            let dealer = try DealerSocket(context: context, curve: curve)
            let monitor = try ConnectionMonitor(dealer)
            defer {
                monitor.close()
                dealer.close()
            }
            try dealer.connect(to: endpoint)
            _ = try dealer.send([caller.rawValue])
            let isAdmitted = try outcome(router, monitor, guest: caller == .guest ? guest.publicKey : nil)
            guard let isAdmitted else { throw .insecure("\(caller.words) was neither admitted nor refused within \(Int(seconds)) s") }
            guard isAdmitted == (caller == .guest) else { throw .insecure("\(caller.words) was \(isAdmitted ? "admitted" : "refused")") }
        }
    }

    /// Whether the caller was heard, or its handshake failed; `nil` when neither has happened.
    private static func outcome(_ router: RouterSocket, _ monitor: ConnectionMonitor, guest: PublicKey?) throws(TransportError) -> Bool? {
        var poller = Poller<Int>()
        poller.watch(router, as: 0, for: .read)
        poller.watch(monitor, as: 1, for: .read)
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            _ = try poller.wait(timeoutMilliseconds: 100)
            if let (peer, _) = try router.receive() { return guest == nil || peer.key == guest }
            while let event = try monitor.receive() {
                switch event {
                case .keyRefused, .protocolRefused, .handshakeEnded: return false
                // A stranger whose handshake succeeds is in, whether or not its words are passed on.
                case .handshakeSucceeded where guest == nil: return true
                case .handshakeSucceeded, .connected, .disconnected: continue
                }
            }
        }
        return nil
    }
}
