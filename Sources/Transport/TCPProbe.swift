import Foundation

/// What a look at a TCP port from outside says of it, within a time.
package enum TCPProbe {
    /// How whoever listens at a port protects its connections.
    package enum Protection: Equatable, Sendable {
        case curve
        /// ZeroMQ under another mechanism, another protocol, or a connection that is closed at once.
        case otherOrNone
        /// No connection, or no word: nothing is known.
        case unknown
    }

    /// Why no connection can be made; `nil` when one can.
    package static func problem(connectingTo host: String, port: Int, seconds: Double) -> String? {
        switch connection(to: host, port: "\(port)", seconds: seconds) {
        case .success(let descriptor):
            close(descriptor)
            return nil
        case .failure(let problem): return problem.reason
        }
    }

    /// The mechanism that a server at `tcp://HOST:PORT` names in its greeting.
    ///
    /// A client that sends its whole greeting may be cut off before it has read the server's, and then cannot tell a server of another
    /// mechanism from one with another key. Here the server gets no more than the signature and the version, to which it answers with
    /// all of its own greeting.
    ///
    /// Source: ZMTP 3.1, section 2.2 (<https://rfc.zeromq.org/spec/37/>): signature (10 bytes), version (2), mechanism (20, padded with zeros).
    package static func protection(of endpoint: String, seconds: Double) -> Protection {
        let address = endpoint.dropFirst("tcp://".count)
        guard endpoint.hasPrefix("tcp://"), let colon = address.lastIndex(of: ":") else { return .unknown }
        let host = address[..<colon].trimmingCharacters(in: ["[", "]"])
        guard case .success(let descriptor) = connection(to: host, port: String(address[address.index(after: colon)...]), seconds: seconds)
        else { return .unknown }
        defer { close(descriptor) }
        let greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3]
        guard send(descriptor, greeting, greeting.count, Int32(MSG_NOSIGNAL)) == greeting.count else { return .unknown }
        let end = ContinuousClock.now + .seconds(seconds)
        var answer: [UInt8] = []
        while answer.count < 32 {
            let left = Int32(max(0, (end - ContinuousClock.now) / .milliseconds(1)))
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, left) > 0 else { return .unknown }
            var buffer = [UInt8](repeating: 0, count: 64)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return .otherOrNone }
            answer += buffer[..<count]
        }
        let mechanism = answer[12..<32].prefix { $0 != 0 }
        return answer[0] == 0xFF && answer[9] == 0x7F && mechanism.elementsEqual("CURVE".utf8) ? .curve : .otherOrNone
    }

    private struct Problem: Error { let reason: String }

    /// An open connection, for the caller to close.
    private static func connection(to host: String, port: String, seconds: Double) -> Result<Int32, Problem> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0, let first = list else {
            return .failure(Problem(reason: "the name is not known there (\(String(cString: gai_strerror(code))))"))
        }
        defer { freeaddrinfo(list) }
        var result = Result<Int32, Problem>.failure(Problem(reason: "no address"))
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next {
            result = attempt(address.pointee, seconds: seconds)
            if case .success = result { return result }
            next = address.pointee.ai_next
        }
        return result
    }

    private static func attempt(_ address: addrinfo, seconds: Double) -> Result<Int32, Problem> {
        func failure(_ code: Int32) -> Result<Int32, Problem> { .failure(Problem(reason: String(cString: strerror(code)))) }
        let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return failure(errno) }
        var isKept = false
        defer { if !isKept { close(descriptor) } }
        if connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 {
            guard errno == EINPROGRESS else { return failure(errno) }
            var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&wait, 1, Int32(seconds * 1000)) > 0 else { return .failure(Problem(reason: "no answer")) }
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
            guard code == 0 else { return failure(code) }
        }
        isKept = true
        return .success(descriptor)
    }
}
