import Foundation
import Testing
import Transport

/// One coordinator's door and its handler, closed with this object.
final class Door {
    let context: ZeroMQContext
    let server: CurveServer
    let router: RouterSocket
    let endpoint: String
    private let zap: ZapHandler

    init(authorized: [KeyPair], options: SocketOptions = .control) throws {
        let context = try ZeroMQContext()
        let server = CurveServer(identity: .generate(), authorized: Set(authorized.map(\.publicKey)))
        zap = try ZapHandler(context: context) { server.isAuthorized($0) }
        router = try RouterSocket(context: context, options: options, curve: server)
        try router.bind(to: "tcp://127.0.0.1:*")
        endpoint = try router.lastEndpoint
        self.context = context
        self.server = server
    }

    deinit {
        router.close()
        zap.stop()
    }

    func dealer(_ pair: KeyPair, expecting server: PublicKey? = nil, options: SocketOptions = .control) throws -> DealerSocket {
        let dealer = try DealerSocket(
            context: context, options: options, curve: CurveClient(identity: pair, server: server ?? self.server.identity.publicKey))
        return dealer
    }

    /// What becomes of the handshake of a dealer that says something: the first event that decides.
    func fate(of dealer: DealerSocket) throws -> ConnectionMonitor.Event? {
        let monitor = try ConnectionMonitor(dealer)
        defer { monitor.close() }
        try dealer.connect(to: endpoint)
        _ = try dealer.send([1])
        return try eventually {
            guard let event = try monitor.receive(), event != .connected, event != .disconnected else { return nil }
            return event
        }
    }
}

@Suite struct CurveTests {
    @Test func `an authorized key is heard, and known by its key, both ways and in both forms of a frame`() throws {
        let worker = KeyPair.generate(), other = KeyPair.generate()
        let door = try Door(authorized: [worker, other], options: .data)
        for pair in [worker, other] {
            let dealer = try door.dealer(pair, options: .data)
            try dealer.connect(to: door.endpoint)
            let long = [UInt8](repeating: 7, count: SocketOptions.data.maximumFrameBytes)
            _ = try dealer.send(long)
            let (peer, frame) = try #require(try eventually { try door.router.receive() })
            #expect(peer.key == pair.publicKey && frame == long)
            #expect(try door.router.send(long, to: peer) == .sent)
            #expect(try eventually { try dealer.receive() } == long)
            _ = try dealer.send([1])
            let (same, buffer) = try #require(try eventually { try door.router.receiveBuffer() })
            #expect(same == peer && buffer.withBytes { Array($0) } == [1])
            #expect(try door.router.send(try FrameBuffer(head: [2], payloadCount: 0) { _ in }, to: peer) == .sent)
            #expect(try eventually { try dealer.receive() } == [2])
        }
    }

    /// libzmq's CURVE without a handler, or without a domain, admits everybody.
    @Test func `fact 3, an unknown key, a client without CURVE and one that expects another server are refused, each with its own event`()
        throws
    {
        let worker = KeyPair.generate()
        let door = try Door(authorized: [worker])
        #expect(try door.fate(of: try door.dealer(.generate())) == .keyRefused)
        #expect(try door.fate(of: try DealerSocket(context: door.context)) == .protocolRefused)
        #expect(try door.fate(of: try door.dealer(worker, expecting: KeyPair.generate().publicKey)) == .handshakeEnded)
        #expect(try door.fate(of: try door.dealer(worker)) == .handshakeSucceeded)
        #expect(try eventually { try door.router.receive() }?.peer.key == worker.publicKey)
        #expect(try door.router.receive() == nil, "a stranger's words were passed on")
    }

    @Test func `fact 3, without a handler nobody is let in`() throws {
        let context = try ZeroMQContext()
        let worker = KeyPair.generate()
        let server = CurveServer(identity: .generate(), authorized: [worker.publicKey])
        let router = try RouterSocket(context: context, curve: server)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealer = try DealerSocket(context: context, curve: CurveClient(identity: worker, server: server.identity.publicKey))
        let monitor = try ConnectionMonitor(dealer)
        try dealer.connect(to: try router.lastEndpoint)
        _ = try dealer.send([1])
        #expect(try eventually { try monitor.receive().flatMap { $0 == .connected ? nil : $0 } } == .handshakeEnded)
        #expect(try router.receive() == nil)
        monitor.close()
    }

    /// After a poll the routing-id frame has lost the "User-Id".
    @Test func `fact 4, the key of a message is known after a poll has looked at it`() throws {
        let worker = KeyPair.generate()
        let door = try Door(authorized: [worker])
        let dealer = try door.dealer(worker)
        try dealer.connect(to: door.endpoint)
        var poller = Poller<Int>()
        poller.watch(door.router, as: 0, for: .read)
        for round in 0..<3 {
            _ = try dealer.send([UInt8(round)])
            #expect(try eventually { try poller.wait(timeoutMilliseconds: 100).isEmpty ? nil : true } == true)
            #expect(try poller.wait(timeoutMilliseconds: 0).count == 1)
            #expect(try door.router.receive()?.peer.key == worker.publicKey)
        }
        #expect(door.router.unauthorizedCount == 0)
    }

    @Test func `a key that is taken out is neither heard nor spoken to from then on, connected or not`() throws {
        let worker = KeyPair.generate(), other = KeyPair.generate()
        let door = try Door(authorized: [worker, other])
        let dealer = try door.dealer(worker)
        try dealer.connect(to: door.endpoint)
        _ = try dealer.send([1])
        let (peer, _) = try #require(try eventually { try door.router.receive() })
        // One message is under way when the key goes.
        _ = try dealer.send([2])
        usleep(100_000)
        door.server.authorized.remove(worker.publicKey)
        #expect(try door.router.send([3], to: peer) == .unreachable)
        #expect(try door.router.receive() == nil)
        #expect(door.router.unauthorizedCount == 1)
        _ = try dealer.send([4])
        #expect(try eventually { try door.router.receiveBuffer() == nil && door.router.unauthorizedCount == 2 ? true : nil } == true)
        #expect(try dealer.receive() == nil)
        #expect(try door.fate(of: try door.dealer(worker)) == .keyRefused)
        #expect(try door.fate(of: try door.dealer(other)) == .handshakeSucceeded)
    }

    @Test func `without CURVE a socket keeps to this host`() throws {
        let context = try ZeroMQContext()
        for endpoint in ["tcp://*:20001", "tcp://192.0.2.1:20001", "tcp://lab0:20001", "tcp://127.evil.example:20001", "tcp://[::]:20001"] {
            #expect(throws: TransportError.self) { try RouterSocket(context: context).bind(to: endpoint) }
            #expect(throws: TransportError.self) { try DealerSocket(context: context).connect(to: endpoint) }
        }
        try DealerSocket(context: context).connect(to: "tcp://127.0.0.1:20001")
    }

    @Test func `a context has one handler`() throws {
        let context = try ZeroMQContext()
        let first = try ZapHandler(context: context) { _ in false }
        #expect(throws: TransportError.addressInUse(endpoint: "inproc://zeromq.zap.01")) {
            _ = try ZapHandler(context: context) { _ in true }
        }
        first.stop()
        first.stop()
    }
}

@Suite struct CurveSelfTestTests {
    private let server = CurveServer(identity: .generate(), authorized: [KeyPair.generate().publicKey])

    @Test func `a sound door passes, and lets nobody else in afterwards`() throws {
        let context = try ZeroMQContext()
        let keys = server.authorized
        let zap = try ZapHandler(context: context) { [server] in server.isAuthorized($0) }
        defer { zap.stop() }
        for options in [SocketOptions.control, .data] {
            try CurveSelfTest.run(context: context, router: RouterSocket(context: context, options: options, curve: server), server: server)
        }
        #expect(server.authorized == keys)
    }

    /// A monitor that is closed the wrong way round halts libzmq's I/O thread once in a while.
    @Test(arguments: 0..<2) func `it passes every time`(run: Int) throws {
        for _ in 0..<50 {
            let context = try ZeroMQContext()
            let zap = try ZapHandler(context: context) { [server] in server.isAuthorized($0) }
            defer { zap.stop() }
            try CurveSelfTest.run(context: context, router: RouterSocket(context: context, curve: server), server: server)
        }
    }

    @Test func `a handler that lets everybody in is found`() throws {
        let context = try ZeroMQContext()
        let zap = try ZapHandler(context: context) { _ in true }
        defer { zap.stop() }
        #expect(throws: TransportError.insecure("a client with an unknown key was admitted")) {
            try CurveSelfTest.run(context: context, router: RouterSocket(context: context, curve: server), server: server)
        }
    }

    @Test func `a socket that forgot CURVE is found`() throws {
        let context = try ZeroMQContext()
        #expect(throws: TransportError.insecure("a client without CURVE was admitted")) {
            try CurveSelfTest.run(context: context, router: RouterSocket(context: context), server: server)
        }
    }

    @Test func `a door that nobody can pass is found`() throws {
        let context = try ZeroMQContext()
        let zap = try ZapHandler(context: context) { _ in false }
        defer { zap.stop() }
        #expect(throws: TransportError.insecure("a client with an authorized key was refused")) {
            try CurveSelfTest.run(context: context, router: RouterSocket(context: context, curve: server), server: server)
        }
    }
}
