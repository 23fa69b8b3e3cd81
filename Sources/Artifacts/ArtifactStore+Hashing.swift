import Digests
import Foundation

extension ArtifactStore {
    private static let hashedPieceBytes = 1 << 20

    static func reference(ofFile path: String) throws(PosixFailure) -> ArtifactReference {
        try hashing(path) { _, _ throws(PosixFailure) in }
    }

    /// Hashes a file in pieces, each of which is also given to `body` with its offset.
    static func hashing(
        _ path: String, _ body: (UnsafeRawBufferPointer, Int) throws(PosixFailure) -> Void
    ) throws(PosixFailure) -> ArtifactReference {
        let descriptor = try PosixFile.open(path, O_RDONLY)
        defer { close(descriptor) }
        var hasher = DigestHasher()
        let size = try hashPrefix(of: descriptor, path: path, into: &hasher, body)
        return ArtifactReference(digest: hasher.finalize(), size: size)
    }

    /// Feeds a whole open file to a hasher; the answer is its number of bytes.
    static func hashPrefix(
        of descriptor: Int32, path: String, into hasher: inout DigestHasher,
        _ body: (UnsafeRawBufferPointer, Int) throws(PosixFailure) -> Void
    ) throws(PosixFailure) -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: hashedPieceBytes, alignment: 16)
        defer { buffer.deallocate() }
        var offset = 0
        while true {
            let count = try PosixFile.read(descriptor, into: buffer, at: offset, path: path)
            guard count > 0 else { return offset }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hasher.update(piece)
            try body(piece, offset)
            offset += count
        }
    }
}
