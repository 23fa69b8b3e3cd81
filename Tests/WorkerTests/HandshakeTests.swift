import Coordination
import Foundation
import Testing
import Transport
import Worker

@Suite struct HandshakeWatchTests {
    private func findings(_ events: [(Double, ConnectionMonitor.Event)]) -> [HandshakeWatch.Finding] {
        var watch = HandshakeWatch()
        return events.compactMap { watch.note($1, at: Instant(seconds: $0)) }
    }

    @Test func `one connection that is closed may be a coordinator that ends, several in a row are another server`() {
        let closed = { (time: Double) in
            [(time, ConnectionMonitor.Event.connected), (time + 0.1, .handshakeEnded), (time + 0.1, .disconnected)]
        }
        #expect(findings(closed(0) + closed(1)).isEmpty)
        #expect(findings(closed(0) + closed(1) + closed(2)) == [.otherServerKey])
        #expect(findings(closed(0) + closed(1) + [(1.5, .connected), (1.6, .handshakeSucceeded)] + closed(2) + closed(3)).isEmpty)
    }

    @Test func `a handshake that the clock has ended is a coordinator that is busy or halted`() {
        #expect(findings((0..<20).flatMap { [(Double($0) * 6, .connected), (Double($0) * 6 + 5, .handshakeEnded)] }).isEmpty)
        #expect(findings([(0, .handshakeEnded), (0, .handshakeEnded), (0, .handshakeEnded)]).isEmpty, "nothing was connected")
    }

    @Test func `a refusal in words is certain at once`() {
        #expect(findings([(0, .connected), (0.1, .keyRefused)]) == [.keyRefused])
        #expect(findings([(0, .connected), (0.1, .protocolRefused)]) == [.noCurve])
    }
}

/// A worker that will never be let in: it must end soon, and say what mends it.
@Suite struct HandshakeTests {
    private let worker = KeyPair.generate(), server = KeyPair.generate()
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-handshake-" + String(UUID().uuidString.prefix(8))

    /// How a worker ends that connects to `endpoint`.
    private func ending(at endpoint: String, expecting key: PublicKey) -> (any Error)? {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let deadline = ContinuousClock.now + .seconds(60)
        do {
            let loop = try WorkerLoop(
                WorkerLoop.Settings(
                    controlEndpoint: endpoint, dataEndpoint: endpoint, curve: CurveClient(identity: worker, server: key),
                    hello: Hello(worker: "w1", host: "lab1", processID: 1, slots: 1, isCentral: false, numericClass: "v1", attempts: []),
                    storePath: folder, runnerExecutable: "/bin/false", runnerArguments: [], runnerEnvironment: [:], lifeline: nil,
                    log: { _ in }))
            _ = try loop.run { ContinuousClock.now > deadline ? 3 : 0 }
            return nil
        } catch {
            return error
        }
    }

    @Test func `a worker whose key is unknown names it, and the command that enrolls it`() throws {
        let context = try ZeroMQContext()
        let curve = CurveServer(identity: server, authorized: [])
        let zap = try ZapHandler(context: context) { curve.isAuthorized($0) }
        defer { zap.stop() }
        let router = try RouterSocket(context: context, curve: curve)
        try router.bind(to: "tcp://127.0.0.1:*")
        let endpoint = try router.lastEndpoint
        let error = ending(at: endpoint, expecting: server.publicKey) as? WorkerError
        #expect(error == .keyRefused(endpoint, key: worker.publicKey))
        #expect(error?.errorDescription?.contains("\(worker.publicKey)") == true)
        #expect(
            error?.recoverySuggestion?.contains("sower keys enroll") == true
                && error?.recoverySuggestion?.contains("'\(worker.publicKey)'") == true)
    }

    @Test func `a worker that expects another coordinator says so`() throws {
        let context = try ZeroMQContext()
        let curve = CurveServer(identity: server, authorized: [worker.publicKey])
        let zap = try ZapHandler(context: context) { curve.isAuthorized($0) }
        defer { zap.stop() }
        let router = try RouterSocket(context: context, curve: curve)
        try router.bind(to: "tcp://127.0.0.1:*")
        let endpoint = try router.lastEndpoint, expected = KeyPair.generate().publicKey
        let error = ending(at: endpoint, expecting: expected) as? WorkerError
        #expect(error == .otherServerKey(endpoint, expected: expected))
        #expect(error?.recoverySuggestion?.contains("sower keys pin") == true)
    }

    @Test func `a worker at a port that does not encrypt says so`() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        let endpoint = try router.lastEndpoint
        #expect(ending(at: endpoint, expecting: server.publicKey) as? WorkerError == .noCurve(endpoint))
        #expect(try router.receive() == nil, "it has spoken in the clear")
    }

    /// What libzmq's server does as well when it is the faster one: it knows the other side's mechanism before it has named its own.
    @Test(arguments: [[], [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3]] as [[UInt8]])
    func `so does one at a port that closes each connection before it has named a mechanism`(greeting: [UInt8]) throws {
        let port = try ClosingPort(greeting: greeting)
        #expect(ending(at: port.endpoint, expecting: server.publicKey) as? WorkerError == .noCurve(port.endpoint))
    }
}

/// Takes every connection on loopback, says `greeting`, reads as much and closes it.
private final class ClosingPort {
    let endpoint: String
    private let listener: Int32
    private let hasEnded = DispatchSemaphore(value: 0)

    init(greeting: [UInt8]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, address, &size) == 0
            }
        }
        try #require(isOpen)
        self.listener = listener
        endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        Thread { [hasEnded] in
            while case let peer = accept(listener, nil, nil), peer >= 0 {
                _ = send(peer, greeting, greeting.count, Int32(MSG_NOSIGNAL))
                var heard = [UInt8](repeating: 0, count: max(greeting.count, 1))
                _ = recv(peer, &heard, heard.count, greeting.isEmpty ? Int32(MSG_DONTWAIT) : Int32(MSG_WAITALL))
                close(peer)
            }
            hasEnded.signal()
        }.start()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        hasEnded.wait()
        close(listener)
    }
}
