import Foundation
import Testing
import Transport

@Suite struct FrameBufferTests {
    private func bytes(of frame: FrameBuffer) -> [UInt8] { frame.withBytes { Array($0) } }

    @Test func `a frame that is filled in place arrives as it was filled, in both directions`() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context, options: .data)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealer = try DealerSocket(context: context, options: .data)
        try dealer.connect(to: try router.lastEndpoint)
        #expect(try dealer.receiveBuffer() == nil)
        #expect(try router.receiveBuffer() == nil)
        for count in [0, 1, 200, 256 * 1024] {
            let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let sent = try FrameBuffer(head: [1, 2, 3], payloadCount: count) { $0.copyBytes(from: body) }
            #expect(try dealer.send(sent) == .sent)
            let (peer, arrived) = try #require(try eventually { try router.receiveBuffer() })
            #expect(bytes(of: arrived) == [1, 2, 3] + body)
            #expect(try router.send(arrived, to: peer) == .sent)
            #expect(bytes(of: arrived).isEmpty)
            #expect(bytes(of: try #require(try eventually { try dealer.receiveBuffer() })) == [1, 2, 3] + body)
        }
    }

    @Test func `what fails while a frame is filled is thrown, and a frame beyond the limit is not sent`() throws {
        #expect(throws: CocoaError.self) { try FrameBuffer(head: [1], payloadCount: 1) { _ in throw CocoaError(.fileReadUnknown) } }
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context, options: .data)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealer = try DealerSocket(context: context, options: .data)
        try dealer.connect(to: try router.lastEndpoint)
        let limit = SocketOptions.data.maximumFrameBytes
        let error = TransportError.frameTooLarge(byteCount: limit + 1, limit: limit)
        #expect(throws: error) { try dealer.send(try FrameBuffer(byteCount: limit + 1)) }
        #expect(try dealer.send([1]) == .sent)
        let (peer, _) = try #require(try eventually { try router.receiveBuffer() })
        #expect(throws: error) { try router.send(try FrameBuffer(byteCount: limit + 1), to: peer) }
    }

    @Test func `messages of another shape are counted and skipped`() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context, options: .data)
        try router.bind(to: "tcp://127.0.0.1:*")
        let raw = try RawPeer(port: try #require(UInt16(try router.lastEndpoint.split(separator: ":").last ?? "")))
        try raw.send(parts: [[1], [2]])
        try raw.send(parts: [[1], [2], [3], [4]])
        try raw.send(parts: [[7, 8]])
        let (_, frame) = try #require(try eventually { try router.receiveBuffer() })
        #expect(bytes(of: frame) == [7, 8])
        #expect(router.malformedCount == 2)
        let dealer = try DealerSocket(context: context, options: .data)
        try dealer.bind(to: "tcp://127.0.0.1:*")
        let other = try RawPeer(port: try #require(UInt16(try dealer.lastEndpoint.split(separator: ":").last ?? "")))
        try other.send(parts: [[1], [2]])
        try other.send(parts: [[5]])
        #expect(bytes(of: try #require(try eventually { try dealer.receiveBuffer() })) == [5])
        #expect(dealer.malformedCount == 1)
    }
}
