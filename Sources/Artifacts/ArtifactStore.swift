import Digests
import Foundation

/// A folder of artifacts, each named by the SHA-256 of its bytes.
///
/// ```
/// objects/ab/cdef…   published artifacts, read-only, complete and synced
/// partial/abcdef…    artifacts that are arriving in chunks
/// locks/abcdef…      one fetch a host
/// tmp/               files being written
/// damaged/abcdef…    artifacts whose bytes had changed
/// ```
///
/// Several processes may share a folder on a local file system: temporary names are unique, publication is one rename, and
/// two writers of one digest write the same bytes. A published artifact is on the disk when the call that published it
/// returns: file synced, renamed, folders synced. Errors are `ArtifactStoreError`.
package struct ArtifactStore: Sendable {
    /// The store's absolute path.
    package let folder: String

    /// Opens the store in `folder`, made if it is not there; throws `.io` or `.diskFull`.
    package init(folder: String) throws(ArtifactStoreError) {
        let isAbsolute = folder.hasPrefix("/")
        let path = isAbsolute ? folder : FileManager.default.currentDirectoryPath + "/" + folder
        self.folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        try storing { () throws(PosixFailure) in
            for name in ["objects", "partial", "locks", "tmp"] { try PosixFile.makeFolders(self.folder + "/" + name) }
        }
    }

    // MARK: Reading

    /// Where the artifact is, or would be; computed from the digest alone.
    package func path(of digest: Digest) -> String {
        objectFolder(of: digest) + "/" + digest.hex.dropFirst(2)
    }

    /// Whether the artifact is published; its bytes are not looked at.
    package func contains(_ digest: Digest) -> Bool { size(of: digest) != nil }

    /// The artifact's number of bytes; `nil` when it is not here.
    package func size(of digest: Digest) -> Int? {
        guard let status = try? PosixFile.status(at: path(of: digest)), status.isRegular else { return nil }
        return status.size
    }

    // MARK: Layout

    func objectFolder(of digest: Digest) -> String { folder + "/objects/" + digest.hex.prefix(2) }
    func partialPath(of digest: Digest) -> String { folder + "/partial/" + digest.hex }
    func lockPath(of digest: Digest) -> String { folder + "/locks/" + digest.hex }

    /// The digest of every artifact that is published, in no order; files with other names are passed over.
    package func digests() throws(ArtifactStoreError) -> [Digest] {
        try storing { () throws(PosixFailure) in
            var digests: [Digest] = []
            for prefix in try PosixFile.names(in: folder + "/objects") where prefix.utf8.count == 2 {
                for rest in try PosixFile.names(in: folder + "/objects/" + prefix) {
                    if let digest = Digest(hex: prefix + rest) { digests.append(digest) }
                }
            }
            return digests
        }
    }
}

/// Runs system calls, and turns their failure into the store's error.
func storing<Value>(_ body: () throws(PosixFailure) -> Value) throws(ArtifactStoreError) -> Value {
    do throws(PosixFailure) {
        return try body()
    } catch {
        throw ArtifactStoreError(error)
    }
}
