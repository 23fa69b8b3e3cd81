import CZeroMQ

/// One frame in libzmq's own memory: filled in place before it is sent, read in place after it has arrived, never copied.
///
/// What moves blobs uses it; for messages of a few hundred bytes arrays are simpler and no slower. Belongs to one thread.
package final class FrameBuffer {
    /// On the heap because libzmq keeps the address of a message between init and close.
    fileprivate let message: UnsafeMutablePointer<zmq_msg_t>

    /// A frame of so many bytes of no particular value; throws `.io` when there is no memory for them.
    package init(byteCount: Int) throws(TransportError) {
        message = .allocate(capacity: 1)
        guard zmq_msg_init_size(message, byteCount) == 0 else {
            zmq_msg_init(message)
            throw .last("allocate a frame")
        }
    }

    /// A frame of a head and as many bytes as `fill` is given to write behind it; throws `.io`, or what `fill` throws.
    package convenience init<Failure>(
        head: [UInt8], payloadCount: Int, filling fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws {
        try self.init(byteCount: head.count + payloadCount)
        try withBytes { bytes in
            bytes.copyBytes(from: head)
            try fill(UnsafeMutableRawBufferPointer(rebasing: bytes[head.count...]))
        }
    }

    fileprivate init() {
        message = .allocate(capacity: 1)
        zmq_msg_init(message)
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// The frame's bytes; none once it has been sent.
    package func withBytes<Value, Failure>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try body(UnsafeMutableRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message)))
    }
}

@available(*, unavailable, message: "a frame belongs to one thread")
extension FrameBuffer: Sendable {}

extension DealerSocket {
    /// Queues a frame like `send(_:)` of an array, without copying it; after `.sent` it is empty.
    package func send(_ frame: FrameBuffer) throws(TransportError) -> SendResult { try handle.send(frame) }

    /// The next frame like `receive()`, where libzmq has put it.
    package func receiveBuffer() throws(TransportError) -> FrameBuffer? { try handle.receiveBuffer(afterParts: 0)?.frame }
}

extension RouterSocket {
    /// Queues a frame for one peer like `send(_:to:)` of an array, without copying it; after `.sent` it is empty.
    package func send(_ frame: FrameBuffer, to peer: PeerID) throws(TransportError) -> SendResult {
        try handle.checkLength(frame)
        guard mayHear(peer) else { return .unreachable }
        let addressed = try handle.sendPart(peer.bytes, more: true)
        guard addressed == .sent else { return addressed }
        return try handle.send(frame)
    }

    /// The next frame and who sent it like `receive()`, where libzmq has put it.
    package func receiveBuffer() throws(TransportError) -> (peer: PeerID, frame: FrameBuffer)? {
        for _ in 0..<SocketHandle.malformedLimitPerReceive {
            guard let (parts, frame) = try handle.receiveBuffer(afterParts: 1) else { return nil }
            let userID = curve == nil ? nil : SocketHandle.userID(of: frame.message)
            if let peer = admitted(parts[0], userID: userID) { return (peer, frame) }
        }
        return nil
    }
}

extension SocketHandle {
    fileprivate func checkLength(_ frame: FrameBuffer) throws(TransportError) {
        let byteCount = zmq_msg_size(frame.message)
        guard byteCount <= options.maximumFrameBytes else {
            throw .frameTooLarge(byteCount: byteCount, limit: options.maximumFrameBytes)
        }
    }

    fileprivate func send(_ frame: FrameBuffer) throws(TransportError) -> SendResult {
        try checkLength(frame)
        return try sending { zmq_msg_send(frame.message, pointer, ZMQ_DONTWAIT) }
    }

    /// The next message of `count` short parts and one more; `nil` when none waits. Others are drained, counted and skipped.
    fileprivate func receiveBuffer(afterParts count: Int) throws(TransportError) -> (parts: [[UInt8]], frame: FrameBuffer)? {
        for _ in 0..<Self.malformedLimitPerReceive {
            var parts: [[UInt8]] = []
            while true {
                let frame = FrameBuffer()
                guard try receive(into: frame) else { return nil }
                if zmq_msg_more(frame.message) == 0 {
                    if parts.count == count { return (parts, frame) }
                    break
                }
                // One too many already tells that the message has another shape.
                if parts.count <= count { frame.withBytes { parts.append(Array($0)) } }
            }
            malformedCount += 1
        }
        return nil
    }

    private func receive(into frame: FrameBuffer) throws(TransportError) -> Bool {
        while zmq_msg_recv(frame.message, pointer, ZMQ_DONTWAIT) == -1 {
            switch zmq_errno() {
            case EINTR: continue
            case EAGAIN: return false
            default: throw .last("receive a frame")
            }
        }
        return true
    }
}
