import Foundation
import Testing
import Transport

/// Polls `attempt` until it answers something, at most a minute: for facts that arrive over a socket.
func eventually<Value>(_ attempt: () throws -> Value?) throws -> Value? {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if let value = try attempt() { return value }
        usleep(2000)
    }
    return nil
}

/// An ipc endpoint of its own for each test.
func temporaryEndpoint() -> String { "ipc:///tmp/sower-transport-\(UUID().uuidString)" }

func removeFile(of endpoint: String) { unlink(String(endpoint.dropFirst(6))) }

@Suite struct SocketTests {
    @Test("a frame goes from a dealer to a router and back", arguments: ["tcp", "ipc"])
    func roundTrip(transport: String) throws {
        let context = try ZeroMQContext()
        let endpoint = transport == "ipc" ? temporaryEndpoint() : "tcp://127.0.0.1:*"
        defer { if transport == "ipc" { removeFile(of: endpoint) } }
        let router = try RouterSocket(context: context)
        try router.bind(to: endpoint)
        let dealer = try DealerSocket(context: context)
        try dealer.connect(to: try router.lastEndpoint)
        #expect(try dealer.receive() == nil)
        #expect(try router.receive() == nil)
        #expect(try dealer.send([1, 2, 3]) == .sent)
        let (peer, frame) = try #require(try eventually { try router.receive() })
        #expect(frame == [1, 2, 3])
        #expect((1...255).contains(peer.bytes.count))
        #expect(try router.send([4, 5], to: peer) == .sent)
        #expect(try eventually { try dealer.receive() } == [4, 5])
        #expect(try dealer.send([]) == .sent)
        #expect(try eventually { try router.receive() }?.frame == [])
        #expect(router.malformedCount == 0 && dealer.malformedCount == 0)
    }

    @Test("a wildcard port is resolved, on IPv4 and on every interface")
    func resolvesPort() throws {
        let context = try ZeroMQContext()
        let pair = KeyPair.generate()
        let server = CurveServer(identity: .generate(), authorized: [pair.publicKey])
        let zap = try ZapHandler(context: context) { server.isAuthorized($0) }
        defer { zap.stop() }
        for host in ["127.0.0.1", "*"] {
            let router = try RouterSocket(context: context, curve: server)
            try router.bind(to: "tcp://\(host):*")
            let port = try #require(Int(try router.lastEndpoint.split(separator: ":").last ?? ""))
            let dealer = try DealerSocket(context: context, curve: CurveClient(identity: pair, server: server.identity.publicKey))
            try dealer.connect(to: "tcp://127.0.0.1:\(port)")
            #expect(try dealer.send([7]) == .sent)
            #expect(try eventually { try router.receive() }?.frame == [7])
        }
    }

    @Test("each of several dealers gets the answer to its own frame")
    func severalDealers() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealers = try (0..<20).map { _ in try DealerSocket(context: context) }
        for (number, dealer) in dealers.enumerated() {
            try dealer.connect(to: try router.lastEndpoint)
            #expect(try dealer.send([UInt8(number)]) == .sent)
        }
        var peers: Set<PeerID> = []
        for _ in dealers {
            let (peer, frame) = try #require(try eventually { try router.receive() })
            #expect(try router.send(frame + [99], to: peer) == .sent)
            peers.insert(peer)
        }
        #expect(peers.count == dealers.count)
        for (number, dealer) in dealers.enumerated() {
            #expect(try eventually { try dealer.receive() } == [UInt8(number), 99])
        }
    }

    @Test("thousands of frames of many lengths arrive whole and in order")
    func keepsOrder() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context, options: .data)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealer = try DealerSocket(context: context, options: .data)
        try dealer.connect(to: try router.lastEndpoint)
        func frame(_ number: Int) -> [UInt8] {
            let length = number % 100 == 0 ? 256 * 1024 : number % 997
            return (0..<length).map { UInt8(truncatingIfNeeded: $0 &+ number) }
        }
        var (next, received, blocked) = (0, 0, 0)
        while received < 5000 {
            while next < 5000 {
                guard try dealer.send(frame(next)) == .sent else {
                    blocked += 1
                    break
                }
                next += 1
            }
            let arrived = try #require(try eventually { try router.receive() })
            #expect(arrived.frame == frame(received))
            received += 1
        }
        #expect(blocked > 0, "the high-water mark was never reached")
    }

    @Test("an unknown peer and a departed one are both unreachable")
    func unreachable() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        #expect(try router.send([1], to: try #require(PeerID(bytes: [1, 2, 3]))) == .unreachable)
        #expect(try router.send([1], to: try #require(PeerID(bytes: []))) == .unreachable)
        let dealer = try DealerSocket(context: context)
        try dealer.connect(to: try router.lastEndpoint)
        #expect(try dealer.send([1]) == .sent)
        let (peer, _) = try #require(try eventually { try router.receive() })
        dealer.close()
        let result = try eventually { try router.send([2], to: peer) == .unreachable ? true : nil }
        #expect(result == true)
    }

    @Test("a peer that never reads blocks its own frames, not another's")
    func slowPeer() throws {
        let context = try ZeroMQContext()
        let options = SocketOptions(maximumFrameBytes: 64 * 1024, sendHighWaterMark: 4, receiveHighWaterMark: 4)
        let router = try RouterSocket(context: context, options: options)
        try router.bind(to: "tcp://127.0.0.1:*")
        let slow = try DealerSocket(context: context, options: options)
        let quick = try DealerSocket(context: context, options: options)
        var peers: [PeerID] = []
        for dealer in [slow, quick] {
            try dealer.connect(to: try router.lastEndpoint)
            #expect(try dealer.send([0]) == .sent)
            peers.append(try #require(try eventually { try router.receive() }).peer)
        }
        let frame = [UInt8](repeating: 7, count: 64 * 1024)
        var sent = 0
        let blocked = try eventually {
            while try router.send(frame, to: peers[0]) == .sent { sent += 1 }
            usleep(20_000)
            return try router.send(frame, to: peers[0]) == .wouldBlock ? true : nil
        }
        #expect(blocked == true)
        #expect(try router.send([5], to: peers[1]) == .sent)
        #expect(try eventually { try quick.receive() } == [5])
        // Once it reads, every frame that was reported as sent is there.
        for _ in 0..<sent { #expect(try eventually { try slow.receive() } == frame) }
    }

    @Test("an oversize frame costs its sender the connection, and nobody else anything")
    func oversize() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        let good = try DealerSocket(context: context)
        let bad = try DealerSocket(context: context, options: SocketOptions(maximumFrameBytes: 10_000_000))
        for dealer in [good, bad] { try dealer.connect(to: try router.lastEndpoint) }
        #expect(try good.send([1]) == .sent)
        let (peer, _) = try #require(try eventually { try router.receive() })
        #expect(try bad.send([2]) == .sent)
        let (badPeer, _) = try #require(try eventually { try router.receive() })
        #expect(try bad.send([UInt8](repeating: 0, count: 40 * 1024 + 1)) == .sent)
        #expect(try eventually { try router.send([3], to: badPeer) == .unreachable ? true : nil } == true)
        #expect(try router.receive() == nil)
        #expect(try router.send([4], to: peer) == .sent)
        #expect(try eventually { try good.receive() } == [4])
        #expect(try good.send([UInt8](repeating: 9, count: 40 * 1024)) == .sent)
        #expect(try eventually { try router.receive() }?.frame.count == 40 * 1024)
    }

    @Test("a frame above the socket's own limit is refused before it is sent")
    func ownLimit() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        let dealer = try DealerSocket(context: context)
        let frame = [UInt8](repeating: 0, count: 40 * 1024 + 1)
        let expected = TransportError.frameTooLarge(byteCount: 40 * 1024 + 1, limit: 40 * 1024)
        #expect(throws: expected) { try dealer.send(frame) }
        #expect(throws: expected) { try router.send(frame, to: try #require(PeerID(bytes: [1]))) }
    }

    @Test("messages of another shape are counted and skipped")
    func malformed() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealer = try DealerSocket(context: context)
        try dealer.bind(to: "tcp://127.0.0.1:*")
        let raw = try RawPeer(port: try #require(UInt16(try router.lastEndpoint.split(separator: ":").last ?? "")))
        try raw.send(parts: [[1], [2]])
        try raw.send(parts: [[1], [2], [3], [4]])
        try raw.send(parts: [[8]])
        #expect(try eventually { try router.receive() }?.frame == [8])
        #expect(router.malformedCount == 2)
        let other = try RawPeer(port: try #require(UInt16(try dealer.lastEndpoint.split(separator: ":").last ?? "")))
        try other.send(parts: [[1], [2]])
        try other.send(parts: [[9]])
        #expect(try eventually { try dealer.receive() } == [9])
        #expect(dealer.malformedCount == 1)
    }

    @Test("bytes that are no ZMTP at all leave the router at work")
    func garbage() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        let port = try #require(UInt16(try router.lastEndpoint.split(separator: ":").last ?? ""))
        for _ in 0..<20 {
            let stray = try RawPeer.connected(to: port)
            let noise = (0..<300).map { _ in UInt8.random(in: 0...255) }
            _ = noise.withUnsafeBytes { send(stray, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            close(stray)
        }
        let dealer = try DealerSocket(context: context)
        try dealer.connect(to: "tcp://127.0.0.1:\(port)")
        #expect(try dealer.send([6]) == .sent)
        // A first byte other than 0xFF makes noise a ZMTP 1.0 peer, whose bytes may well be frames.
        let arrived = try eventually { try router.receive().flatMap { $0.frame == [6] ? true : nil } }
        #expect(arrived == true)
    }

    @Test("a peer id has at most 255 bytes")
    func peerIDs() {
        #expect(PeerID(bytes: [UInt8](repeating: 1, count: 255)) != nil)
        #expect(PeerID(bytes: [UInt8](repeating: 1, count: 256)) == nil)
        #expect(PeerID(bytes: [0, 171])?.description == "00ab")
    }

    @Test("a context that is shut down ends every call")
    func shutdown() throws {
        let context = try ZeroMQContext()
        let dealer = try DealerSocket(context: context)
        context.shutdown()
        context.shutdown()
        #expect(throws: TransportError.contextTerminated) { try dealer.receive() }
        #expect(throws: TransportError.contextTerminated) { try dealer.send([1]) }
    }
}
