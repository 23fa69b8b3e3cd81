import Digests

// The data plane: blobs move between a worker's store and the coordinator's in chunks, always asked for by the worker.
// Every request can be repeated.
//
// A frame is a head, which is one of the values below, and for two of them the bytes of a chunk, which follow the head to the
// end of the frame. Heads are decoded here; a chunk's bytes stay where they lie and are never copied.

/// Worker → coordinator.
package enum BlobRequest: Sendable, Equatable {
    /// Send `count` bytes of the blob from `offset` on.
    case get(Digest, offset: UInt64, count: Int)
    /// `count` bytes of a blob of `size` bytes at `offset` follow. None at all asks how much has arrived.
    case put(Digest, size: UInt64, offset: UInt64, count: Int)
    /// All bytes have arrived and have another digest: hash yours again.
    case doubt(Digest)
}

/// Coordinator → worker.
package enum BlobReply: Sendable, Equatable {
    /// `count` bytes of a blob of `size` bytes at `offset` follow.
    case chunk(Digest, size: UInt64, offset: UInt64, count: Int)
    /// The blob is not here, or no longer: what was here was damaged.
    case absent(Digest)
    /// The first `count` bytes have arrived; the next chunk starts there.
    case received(Digest, count: UInt64)
    /// The whole blob is on disk under its digest, which was checked.
    case stored(Digest)
    /// The blob cannot be taken, now or later.
    case refused(Digest, reason: String)
    /// The blob cannot be taken now; what has arrived is kept where the disk allows it. Try again later.
    case postponed(Digest, BlobObstacle)
    /// The doubted blob was hashed again and is what it should be.
    case sound(Digest)
}

/// What keeps a host from storing a blob until somebody does something about it.
package enum BlobObstacle: Sendable, Equatable {
    /// Bytes that the blob still needs, and bytes that the file system or the quota has free.
    case diskFull(host: String, needed: UInt64, free: UInt64)
    /// Any other failure of the host's disk, in words.
    case diskFailure(host: String, reason: String)
}

/// A head that knows how many bytes of a chunk follow it.
package protocol BlobHead: WireCodable {
    var payloadCount: Int { get }
}

extension BlobHead {
    /// The head of a whole frame; its chunk is the frame's last `payloadCount` bytes, no more and no fewer.
    package init(headOf frame: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(Array(frame.prefix(Limits.blobHeadBytes)))
        try self.init(from: &reader)
        let rest = frame.count - reader.position
        guard rest >= payloadCount else { throw .truncated(at: frame.count) }
        guard rest == payloadCount else { throw .trailingBytes(count: rest - payloadCount) }
    }
}

extension BlobRequest: BlobHead {
    /// The blob it is about.
    package var digest: Digest {
        switch self {
        case .get(let digest, _, _), .put(let digest, _, _, _), .doubt(let digest): digest
        }
    }

    package var payloadCount: Int {
        if case .put(_, _, _, let count) = self { count } else { 0 }
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .get(let digest, let offset, let count):
            writer.write(UInt8(1))
            writer.write(digest)
            writer.write(offset)
            writer.write(UInt32(count))
        case .put(let digest, let size, let offset, let count):
            writer.write(UInt8(2))
            writer.writeChunk(digest, size, offset, count)
        case .doubt(let digest):
            writer.write(UInt8(3))
            writer.write(digest)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .get(
                try reader.readDigest(), offset: try reader.readUInt64(),
                count: try reader.readCount("chunk", limit: Limits.chunkBytes))
        case 2:
            let (digest, size, offset, count) = try reader.readChunk()
            self = .put(digest, size: size, offset: offset, count: count)
        case 3: self = .doubt(try reader.readDigest())
        case let tag: throw .unknownTag(field: "blob request", value: tag)
        }
    }
}

extension BlobReply: BlobHead {
    /// The blob it is about.
    package var digest: Digest {
        switch self {
        case .chunk(let digest, _, _, _), .absent(let digest), .received(let digest, _), .stored(let digest),
            .refused(let digest, _), .postponed(let digest, _), .sound(let digest):
            digest
        }
    }

    package var payloadCount: Int {
        if case .chunk(_, _, _, let count) = self { count } else { 0 }
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .chunk(let digest, let size, let offset, let count):
            writer.write(UInt8(1))
            writer.writeChunk(digest, size, offset, count)
        case .absent(let digest):
            writer.write(UInt8(2))
            writer.write(digest)
        case .received(let digest, let count):
            writer.write(UInt8(3))
            writer.write(digest)
            writer.write(count)
        case .stored(let digest):
            writer.write(UInt8(4))
            writer.write(digest)
        case .refused(let digest, let reason):
            writer.write(UInt8(5))
            writer.write(digest)
            writer.write(cleaning: reason, limit: Limits.textBytes)
        case .postponed(let digest, let obstacle):
            writer.write(UInt8(6))
            writer.write(digest)
            obstacle.encode(into: &writer)
        case .sound(let digest):
            writer.write(UInt8(7))
            writer.write(digest)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            let (digest, size, offset, count) = try reader.readChunk()
            self = .chunk(digest, size: size, offset: offset, count: count)
        case 2: self = .absent(try reader.readDigest())
        case 3: self = .received(try reader.readDigest(), count: try reader.readUInt64())
        case 4: self = .stored(try reader.readDigest())
        case 5: self = .refused(try reader.readDigest(), reason: try reader.readText("reason", limit: Limits.textBytes))
        case 6: self = .postponed(try reader.readDigest(), try BlobObstacle(from: &reader))
        case 7: self = .sound(try reader.readDigest())
        case let tag: throw .unknownTag(field: "blob reply", value: tag)
        }
    }
}

extension BlobObstacle: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .diskFull(let host, let needed, let free):
            writer.write(UInt8(1))
            writer.write(cleaning: host, limit: Limits.nameBytes)
            writer.write(needed)
            writer.write(free)
        case .diskFailure(let host, let reason):
            writer.write(UInt8(2))
            writer.write(cleaning: host, limit: Limits.nameBytes)
            writer.write(cleaning: reason, limit: Limits.textBytes)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .diskFull(
                host: try reader.readText("host", limit: Limits.nameBytes), needed: try reader.readUInt64(),
                free: try reader.readUInt64())
        case 2:
            self = .diskFailure(
                host: try reader.readText("host", limit: Limits.nameBytes),
                reason: try reader.readText("reason", limit: Limits.textBytes))
        case let tag: throw .unknownTag(field: "blob obstacle", value: tag)
        }
    }
}

extension BlobObstacle: CustomStringConvertible {
    package var description: String {
        switch self {
        case .diskFull(let host, let needed, let free):
            "disk full on \(host): \(Self.megabytes(needed)) needed, \(Self.megabytes(free)) free"
        case .diskFailure(let host, let reason): "the disk of \(host) fails: \(reason)"
        }
    }

    /// Tenths of 10⁶ bytes, rounded up: 0 is said of nothing at all.
    private static func megabytes(_ count: UInt64) -> String {
        let tenths = count / 100_000 + (count % 100_000 == 0 ? 0 : 1)
        return "\(tenths / 10).\(tenths % 10) MB"
    }
}

extension WireWriter {
    fileprivate mutating func writeChunk(_ digest: Digest, _ size: UInt64, _ offset: UInt64, _ count: Int) {
        write(digest)
        write(size)
        write(offset)
        write(UInt32(count))
    }
}

extension WireReader {
    /// A chunk lies within its blob, which is no larger than a blob may be.
    fileprivate mutating func readChunk() throws(WireError) -> (Digest, size: UInt64, offset: UInt64, count: Int) {
        let digest = try readDigest()
        let size = try readUInt64()
        let offset = try readUInt64()
        let count = try readCount("chunk", limit: Limits.chunkBytes)
        guard size <= Limits.blobBytes, offset <= size, UInt64(count) <= size - offset else {
            throw .outOfRange(field: "chunk")
        }
        return (digest, size, offset, count)
    }
}
