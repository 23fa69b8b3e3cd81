import Digests
import Foundation

extension ArtifactStore {
    private static let readAheadBytes = 4 << 20

    /// Hashes the artifact again, and answers its reference; throws `.missing`, `.digestMismatch` or `.io`.
    @discardableResult package func verify(_ digest: Digest) throws(ArtifactStoreError) -> ArtifactReference {
        let path = path(of: digest)
        guard contains(digest) else { throw .missing(digest, folder: folder) }
        let actual = try storing { () throws(PosixFailure) in try Self.reference(ofFile: path) }
        guard actual.digest == digest else {
            throw .digestMismatch(path: path, actual: actual.digest, expected: digest)
        }
        return actual
    }

    /// The artifact's bytes, all in memory and checked against the digest; throws like `verify`.
    package func bytes(of digest: Digest) throws(ArtifactStoreError) -> [UInt8] {
        let bytes = try chunk(of: digest, at: 0, count: Int.max)
        let actual = Digest(of: bytes)
        guard actual == digest else {
            throw .digestMismatch(path: path(of: digest), actual: actual, expected: digest)
        }
        return bytes
    }

    /// At most `count` bytes from `offset` on, unchecked: what a transfer sends. Fewer, or none, at the end.
    package func chunk(of digest: Digest, at offset: Int, count: Int) throws(ArtifactStoreError) -> [UInt8] {
        precondition(offset >= 0 && count >= 0, "a chunk has an offset and a count")
        guard let size = size(of: digest) else { throw .missing(digest, folder: folder) }
        let path = path(of: digest)
        let wanted = min(count, max(0, size - offset))
        return try storing { () throws(PosixFailure) in
            let descriptor = try PosixFile.open(path, O_RDONLY)
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: wanted)
            let result = bytes.withUnsafeMutableBytes { buffer in
                Result { () throws(PosixFailure) in
                    try PosixFile.read(descriptor, into: buffer, at: offset, path: path)
                }
            }
            bytes.removeLast(wanted - (try result.get()))
            return bytes
        }
    }

    /// Fills a buffer with the bytes from `offset` on, unchecked; the answer is how many there were. Throws `.missing` or `.io`.
    ///
    /// The disk reads ahead for a reader that goes on, however many others it has.
    package func read(
        _ digest: Digest, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ArtifactStoreError) -> Int {
        let path = path(of: digest)
        do throws(PosixFailure) {
            let descriptor = try PosixFile.open(path, O_RDONLY)
            defer { close(descriptor) }
            let end = offset + buffer.count
            if offset == 0 || offset / Self.readAheadBytes != end / Self.readAheadBytes {
                PosixFile.readAhead(descriptor, at: end, count: 2 * Self.readAheadBytes)
            }
            return try PosixFile.read(descriptor, into: buffer, at: offset, path: path)
        } catch {
            if error.code == ENOENT { throw .missing(digest, folder: folder) }
            throw ArtifactStoreError(error)
        }
    }
}
