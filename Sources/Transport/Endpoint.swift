/// The check of an endpoint's text before libzmq sees it, so that the error can say what is wrong.
enum Endpoint {
    /// The longest path of a Unix socket in bytes: `sockaddr_un.sun_path` has 108 with the closing zero.
    static let maximumPathBytes = 107

    /// Whether an address is one of this host's own that no other host can reach. `[::ffff:…]` is how libzmq writes IPv4.
    private static func isLoopback(_ host: Substring) -> Bool {
        let mapped = "[::ffff:"
        let address = host.hasPrefix(mapped) && host.hasSuffix("]") ? host.dropFirst(mapped.count).dropLast() : host
        return host == "[::1]" || address.hasPrefix("127.") && address.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
    }

    /// Throws `.invalidEndpoint` unless the text is `tcp://HOST:PORT` or `ipc://PATH`.
    ///
    /// `inproc://` is refused: libzmq applies no frame limit to it. Without CURVE a TCP address must be this host's loopback:
    /// nothing of a sweep crosses a network in the clear.
    static func check(_ endpoint: String, binding: Bool, isSecured: Bool) throws(TransportError) {
        func refuse(_ reason: String) -> TransportError { .invalidEndpoint(endpoint, reason: reason) }
        guard endpoint.utf8.count <= 512 else { throw refuse("it is longer than 512 bytes") }
        guard !endpoint.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else {
            throw refuse("it contains a space or a control character")
        }
        if endpoint.hasPrefix("ipc://") {
            let path = endpoint.dropFirst(6)
            guard !path.isEmpty else { throw refuse("the path is missing") }
            guard path.utf8.count <= maximumPathBytes else {
                throw refuse("the path has \(path.utf8.count) bytes, expected at most \(maximumPathBytes)")
            }
        } else if endpoint.hasPrefix("tcp://") {
            let address = endpoint.dropFirst(6)
            guard let colon = address.lastIndex(of: ":") else { throw refuse("the port is missing") }
            guard colon > address.startIndex else { throw refuse("the host is missing") }
            let port = address[address.index(after: colon)...]
            guard isSecured || isLoopback(address[..<colon]) else { throw refuse("a socket without CURVE keeps to 127.0.0.1") }
            if binding && (port == "*" || port == "0") { return }
            guard port.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(port), (1...65535).contains(number) else {
                throw refuse("the port is \"\(port)\", expected a number from 1 to 65535")
            }
        } else {
            throw refuse("it starts with neither tcp:// nor ipc://")
        }
    }
}
