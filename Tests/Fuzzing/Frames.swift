import Coordination

// Any bytes, as one frame of every family and as a stream of frames. Nothing traps, and what decodes has one encoding only.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFrames(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    checkOneEncoding(of: bytes, WorkerMessage.self)
    checkOneEncoding(of: bytes, CoordinatorMessage.self)
    checkOneEncoding(of: bytes, BlobRequest.self)
    checkOneEncoding(of: bytes, BlobReply.self)
    checkHead(of: bytes, BlobRequest.self)
    checkHead(of: bytes, BlobReply.self)
    checkOneEncoding(of: bytes, RunnerRequest.self)
    checkOneEncoding(of: bytes, RunnerMessage.self)
    checkSplitting(of: bytes)
    return 0
}

private func checkOneEncoding<Message: WireCodable & Equatable>(of bytes: [UInt8], _ family: Message.Type) {
    guard let message = try? Message(frame: bytes) else { return }
    require(message.frame == bytes, "a \(family) is encoded in another way than it was decoded from")
    require((try? Message(frame: message.frame)) == message, "a \(family) does not come back as it was")
}

/// A head and the chunk that follows it are the whole frame.
private func checkHead<Head: BlobHead>(of bytes: [UInt8], _ family: Head.Type) {
    guard let head = try? bytes.withUnsafeBytes({ try Head(headOf: $0) }) else { return }
    require(bytes.starts(with: head.frame), "a head of a \(family) is encoded in another way than it was decoded from")
    require(head.frame.count + head.payloadCount == bytes.count, "a \(family) and its chunk are not the whole frame")
}

/// However a stream is cut, the same frames come out of it, and the same error; together they are what went in.
private func checkSplitting(of bytes: [UInt8]) {
    let (frames, error) = split([bytes[...]])
    let pieceLength = Int(bytes.first ?? 0) % 7 + 1
    let pieces = stride(from: 0, to: bytes.count, by: pieceLength).map { bytes[$0..<min($0 + pieceLength, bytes.count)] }
    let (again, sameError) = split(pieces)
    require(frames == again && error == sameError, "a stream in pieces gives other frames")

    require(bytes.starts(with: frames.flatMap { FrameSplitter.framed($0) }), "the frames are not those of the stream")
    for frame in frames {
        require(frame.count <= Limits.controlFrameBytes, "a frame of \(frame.count) bytes")
        checkOneEncoding(of: frame, RunnerRequest.self)
        checkOneEncoding(of: frame, RunnerMessage.self)
    }
}

private func split(_ pieces: [ArraySlice<UInt8>]) -> (frames: [[UInt8]], error: WireError?) {
    var splitter = FrameSplitter()
    var frames: [[UInt8]] = []
    for piece in pieces {
        splitter.append(piece)
        do throws(WireError) {
            while let frame = try splitter.next() { frames.append(frame) }
        } catch {
            return (frames, error)
        }
    }
    return (frames, nil)
}
