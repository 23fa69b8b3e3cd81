import Digests
import Failpoints
import Foundation

extension ArtifactStore {
    /// Publishes bytes from memory; the answer is their name. Throws `.diskFull` or `.io`, and then published nothing.
    ///
    /// An artifact that is here with the same size is kept, unread: after a failed `verify`, `remove` it first.
    @discardableResult package func put(bytes: [UInt8]) throws(ArtifactStoreError) -> ArtifactReference {
        let reference = ArtifactReference(digest: Digest(of: bytes), size: bytes.count)
        if try alreadyPublished(reference) { return reference }
        let temporary = temporaryPath()
        try storing { () throws(PosixFailure) in
            do throws(PosixFailure) {
                let descriptor = try PosixFile.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
                defer { close(descriptor) }
                try bytes.withUnsafeBytes { buffer in
                    Result { () throws(PosixFailure) in
                        try PosixFile.pass(.artifactWriteBefore, "write", temporary)
                        try PosixFile.write(buffer, to: descriptor, at: 0, path: temporary)
                        Failpoint.artifactWriteAfter.pass()
                    }
                }.get()
                try publish(descriptor, at: temporary, as: reference.digest)
            } catch {
                unlink(temporary)
                throw error
            }
        }
        return reference
    }

    /// Publishes what `body` writes, piece by piece, never all in memory; the answer is its name. Throws like `put`.
    @discardableResult package func put(
        writing body: ((UnsafeRawBufferPointer) throws(ArtifactStoreError) -> Void) throws(ArtifactStoreError) -> Void
    ) throws(ArtifactStoreError) -> ArtifactReference {
        let temporary = temporaryPath()
        var hasher = DigestHasher()
        var size = 0
        let descriptor = try storing { () throws(PosixFailure) in
            try PosixFile.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
        }
        defer { close(descriptor) }
        do throws(ArtifactStoreError) {
            try body { (piece) throws(ArtifactStoreError) in
                hasher.update(piece)
                try storing { () throws(PosixFailure) in
                    try PosixFile.pass(.artifactWriteBefore, "write", temporary)
                    try PosixFile.write(piece, to: descriptor, at: size, path: temporary)
                    Failpoint.artifactWriteAfter.pass()
                }
                size += piece.count
            }
            let reference = ArtifactReference(digest: hasher.finalize(), size: size)
            if try alreadyPublished(reference) {
                unlink(temporary)
            } else {
                try storing { () throws(PosixFailure) in try publish(descriptor, at: temporary, as: reference.digest) }
            }
            return reference
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Publishes a finished file, which is gone from `path` afterwards: renamed on the same file system, else copied.
    ///
    /// The file must not change any more. Throws `.notAFile`, `.diskFull` or `.io`; the file is then still at `path`.
    package func adopt(file path: String) throws(ArtifactStoreError) -> ArtifactReference {
        guard let status = try storing({ () throws(PosixFailure) in try PosixFile.status(at: path) }) else {
            throw .io(code: ENOENT, path: path, operation: "adopt")
        }
        guard status.isRegular else { throw .notAFile(path: path) }
        let reference = try storing { () throws(PosixFailure) in try Self.reference(ofFile: path) }
        // A second link to the inode could change a published artifact: such a file is copied.
        if try !alreadyPublished(reference) {
            var isMoved = false
            if status.linkCount == 1 { isMoved = try move(file: path, as: reference.digest) }
            if !isMoved { try copy(file: path, as: reference) }
        }
        _ = try storing { () throws(PosixFailure) in try PosixFile.remove(path) }
        return reference
    }

    // MARK: Steps

    /// Makes a written file durable, then visible under its digest, then its name durable.
    func publish(_ descriptor: Int32, at path: String, as digest: Digest) throws(PosixFailure) {
        try sync(descriptor, at: path)
        try makeVisible(descriptor, at: path, as: digest)
    }

    /// Makes a written file durable.
    func sync(_ descriptor: Int32, at path: String) throws(PosixFailure) {
        try PosixFile.pass(.artifactSyncBefore, PosixFile.syncOperation, path)
        try PosixFile.sync(descriptor, path: path)
        Failpoint.artifactSyncAfter.pass()
    }

    /// Makes a durable file visible under its digest, then its name durable.
    func makeVisible(_ descriptor: Int32, at path: String, as digest: Digest) throws(PosixFailure) {
        let folder = objectFolder(of: digest)
        try PosixFile.makeFolders(folder)
        try PosixFile.pass(.artifactRenameBefore, "rename", path)
        try PosixFile.rename(path, to: self.path(of: digest))
        // Only against accidents, so its failure is none; not before, or a transfer that fails here could not be resumed.
        _ = fchmod(descriptor, 0o444)
        try PosixFile.pass(.artifactRenameAfter, PosixFile.syncOperation, folder)
        try syncNames(of: digest)
        Failpoint.artifactNamesAfter.pass()
    }

    /// Whether the artifact is here with the right size; if so its names are synced, since another process may have
    /// renamed it a moment ago and died before syncing.
    func alreadyPublished(_ reference: ArtifactReference) throws(ArtifactStoreError) -> Bool {
        guard size(of: reference.digest) == reference.size else { return false }
        try storing { () throws(PosixFailure) in try syncNames(of: reference.digest) }
        return true
    }

    private func syncNames(of digest: Digest) throws(PosixFailure) {
        try PosixFile.syncFolder(objectFolder(of: digest))
        try PosixFile.syncFolder(folder + "/objects")
    }

    private func temporaryPath() -> String {
        folder + "/tmp/\(getpid())-" + String(UInt64.random(in: 0 ... .max), radix: 16)
    }

    /// Renames a file into the store; `false` when it is on another file system (`EXDEV`).
    private func move(file path: String, as digest: Digest) throws(ArtifactStoreError) -> Bool {
        do throws(PosixFailure) {
            let descriptor = try PosixFile.open(path, O_RDONLY | O_NOFOLLOW)
            defer { close(descriptor) }
            try publish(descriptor, at: path, as: digest)
            return true
        } catch {
            if error.code == EXDEV || error.code == EPERM { return false }
            throw ArtifactStoreError(error)
        }
    }

    /// Copies a file into the store, and checks that the copied bytes are those that were hashed.
    private func copy(file path: String, as reference: ArtifactReference) throws(ArtifactStoreError) {
        let temporary = temporaryPath()
        do throws(ArtifactStoreError) {
            try storing { () throws(PosixFailure) in
                let target = try PosixFile.open(temporary, O_RDWR | O_CREAT | O_EXCL)
                defer { close(target) }
                let copied = try Self.hashing(path) { buffer, offset throws(PosixFailure) in
                    try PosixFile.write(buffer, to: target, at: offset, path: temporary)
                }
                guard copied == reference else {
                    throw PosixFailure(code: EBUSY, path: path, operation: "copy a file that changes:")
                }
                try publish(target, at: temporary, as: reference.digest)
            }
        } catch {
            unlink(temporary)
            throw error
        }
    }
}
