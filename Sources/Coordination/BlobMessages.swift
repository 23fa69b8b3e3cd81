import Digests

// The data plane: blobs move between a worker's store and the coordinator's in chunks, always asked for by the worker.
// Every request can be repeated.

/// Worker → coordinator.
package enum BlobRequest: Sendable, Equatable {
    /// Send `count` bytes of the blob from `offset` on.
    case get(Digest, offset: UInt64, count: Int)
    /// Bytes of a blob of `size` bytes at `offset`. An empty chunk asks how much has arrived.
    case put(Digest, size: UInt64, offset: UInt64, bytes: [UInt8])
}

/// Coordinator → worker.
package enum BlobReply: Sendable, Equatable {
    case chunk(Digest, size: UInt64, offset: UInt64, bytes: [UInt8])
    case absent(Digest)
    /// The first `count` bytes have arrived; the next chunk starts there.
    case received(Digest, count: UInt64)
    /// The whole blob is on disk under its digest, which was checked.
    case stored(Digest)
    case refused(Digest, reason: String)
}

extension BlobRequest: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .get(let digest, let offset, let count):
            writer.write(UInt8(1))
            writer.write(digest)
            writer.write(offset)
            writer.write(UInt32(count))
        case .put(let digest, let size, let offset, let bytes):
            writer.write(UInt8(2))
            writer.write(digest)
            writer.write(size)
            writer.write(offset)
            writer.write(bytes)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .get(
                try reader.readDigest(), offset: try reader.readUInt64(),
                count: try reader.readCount("chunk", limit: Limits.chunkBytes))
        case 2:
            let digest = try reader.readDigest()
            let size = try reader.readUInt64()
            let offset = try reader.readUInt64()
            let bytes = try reader.readBytes("chunk", limit: Limits.chunkBytes)
            guard size <= Limits.blobBytes, offset <= size, UInt64(bytes.count) <= size - offset else {
                throw .outOfRange(field: "chunk")
            }
            self = .put(digest, size: size, offset: offset, bytes: bytes)
        case let tag: throw .unknownTag(field: "blob request", value: tag)
        }
    }
}

extension BlobReply: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .chunk(let digest, let size, let offset, let bytes):
            writer.write(UInt8(1))
            writer.write(digest)
            writer.write(size)
            writer.write(offset)
            writer.write(bytes)
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
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            let digest = try reader.readDigest()
            let size = try reader.readUInt64()
            let offset = try reader.readUInt64()
            let bytes = try reader.readBytes("chunk", limit: Limits.chunkBytes)
            guard size <= Limits.blobBytes, offset <= size, UInt64(bytes.count) <= size - offset else {
                throw .outOfRange(field: "chunk")
            }
            self = .chunk(digest, size: size, offset: offset, bytes: bytes)
        case 2: self = .absent(try reader.readDigest())
        case 3: self = .received(try reader.readDigest(), count: try reader.readUInt64())
        case 4: self = .stored(try reader.readDigest())
        case 5: self = .refused(try reader.readDigest(), reason: try reader.readText("reason", limit: Limits.textBytes))
        case let tag: throw .unknownTag(field: "blob reply", value: tag)
        }
    }
}
