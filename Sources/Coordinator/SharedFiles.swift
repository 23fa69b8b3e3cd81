import Artifacts
import Coordination
import Digests
import Foundation

/// Files outside the store that the blob server hands out like artifacts: the data set, which is too large to copy.
package struct SharedFiles: Sendable {
    package struct File: Sendable {
        package var path: String
        package var size: Int
    }

    private var files: [Digest: File] = [:]
    /// What a worker is told of them.
    package private(set) var notices: [ArtifactNotice] = []

    /// No files.
    package init() {}

    /// Files by their digests, with the names that they have at whoever fetches them; each is hashed now (1 to 2 GB/s). Throws when
    /// one cannot be read.
    package init(_ named: [(name: String, path: String)]) throws {
        for (name, path) in named {
            let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
            let digest = Digest(of: data)
            files[digest] = File(path: path, size: data.count)
            notices.append(ArtifactNotice(name: name, digest: digest, size: UInt64(data.count)))
        }
    }

    func size(of digest: Digest) -> Int? { files[digest]?.size }

    /// Reads at `offset` into `buffer`; `false` when the file is not what it was.
    func read(_ digest: Digest, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let file = files[digest], let descriptor = try? PosixFile.open(file.path, O_RDONLY) else { return false }
        defer { close(descriptor) }
        return (try? PosixFile.read(descriptor, into: buffer, at: offset, path: file.path)) == buffer.count
    }

    /// Whether a file is still what its digest says; one that is not is handed out no more.
    mutating func isSound(_ digest: Digest) -> Bool {
        guard let file = files[digest] else { return false }
        let data = try? Data(contentsOf: URL(fileURLWithPath: file.path), options: .mappedIfSafe)
        if let data, Digest(of: data) == digest { return true }
        files[digest] = nil
        return false
    }
}
