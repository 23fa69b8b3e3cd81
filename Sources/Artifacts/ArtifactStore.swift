import Digests
import Foundation

/// A folder of artifacts, each named by the SHA-256 of its bytes.
///
/// ```
/// objects/ab/cdef…   published artifacts, read-only, complete and synced
/// partial/abcdef…    artifacts that are arriving in chunks
/// locks/abcdef…      one fetch a host
/// tmp/               files being written
/// ```
///
/// Several processes may share a folder on a local file system: temporary names are unique, publication is one rename, and
/// two writers of one digest write the same bytes. A published artifact is on the disk when the call that published it
/// returns: file synced, renamed, folders synced. Errors are `ArtifactStoreError`.
package struct ArtifactStore: Sendable {
    /// The store's absolute path.
    package let folder: String

    private static let bufferByteCount = 1 << 20

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

    // MARK: Publishing

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
                        try PosixFile.write(buffer, to: descriptor, at: 0, path: temporary)
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
                    try PosixFile.write(piece, to: descriptor, at: size, path: temporary)
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

    /// Removes an artifact; `false` when it was not here. A reader that has it open keeps its bytes.
    @discardableResult package func remove(_ digest: Digest) throws(ArtifactStoreError) -> Bool {
        try storing { () throws(PosixFailure) in
            let removed = try PosixFile.remove(path(of: digest))
            if removed { try PosixFile.syncFolder(objectFolder(of: digest)) }
            return removed
        }
    }

    /// Removes every artifact but those in `wanted`, and what was only half written; the answer is how many artifacts.
    /// Nobody may be writing.
    @discardableResult package func removeAll(except wanted: Set<Digest>) throws(ArtifactStoreError) -> Int {
        var unwanted: [Digest] = []
        try storing { () throws(PosixFailure) in
            for prefix in try PosixFile.names(in: folder + "/objects") {
                for rest in try PosixFile.names(in: folder + "/objects/" + prefix) {
                    if let digest = Digest(hex: prefix + rest), !wanted.contains(digest) { unwanted.append(digest) }
                }
            }
        }
        for digest in unwanted { try remove(digest) }
        // However young they are.
        try removeAbandonedFiles(olderThan: .seconds(-3600))
        return unwanted.count
    }

    /// Removes what crashed writers left in `tmp` and `partial`; the answer is how many files.
    ///
    /// Give an age that no living write reaches; a removed partial artifact only has to be fetched again.
    @discardableResult package func removeAbandonedFiles(olderThan age: Duration) throws(ArtifactStoreError) -> Int {
        let limit = time(nil) - Int(age.components.seconds)
        return try storing { () throws(PosixFailure) in
            var count = 0
            for folder in [folder + "/tmp", folder + "/partial"] {
                for name in try PosixFile.names(in: folder) {
                    let path = folder + "/" + name
                    guard let status = try PosixFile.status(at: path), status.isRegular, status.modifiedSeconds < limit
                    else { continue }
                    if try PosixFile.remove(path) { count += 1 }
                }
            }
            return count
        }
    }

    // MARK: Shared with PartialArtifact and HostFetchLock

    func partialPath(of digest: Digest) -> String { folder + "/partial/" + digest.hex }
    func lockPath(of digest: Digest) -> String { folder + "/locks/" + digest.hex }

    /// Makes a written file durable, then visible under its digest, then its name durable.
    func publish(_ descriptor: Int32, at path: String, as digest: Digest) throws(PosixFailure) {
        let folder = objectFolder(of: digest)
        try PosixFile.sync(descriptor, path: path)
        try PosixFile.makeFolders(folder)
        try PosixFile.rename(path, to: self.path(of: digest))
        // Only against accidents, so its failure is none; not before, or a transfer that fails here could not be resumed.
        _ = fchmod(descriptor, 0o444)
        try syncNames(of: digest)
    }

    /// Whether the artifact is here with the right size; if so its names are synced, since another process may have
    /// renamed it a moment ago and died before syncing.
    func alreadyPublished(_ reference: ArtifactReference) throws(ArtifactStoreError) -> Bool {
        guard size(of: reference.digest) == reference.size else { return false }
        try storing { () throws(PosixFailure) in try syncNames(of: reference.digest) }
        return true
    }

    // MARK: Parts

    private func objectFolder(of digest: Digest) -> String { folder + "/objects/" + digest.hex.prefix(2) }

    private func temporaryPath() -> String {
        folder + "/tmp/\(getpid())-" + String(UInt64.random(in: 0 ... .max), radix: 16)
    }

    private func syncNames(of digest: Digest) throws(PosixFailure) {
        try PosixFile.syncFolder(objectFolder(of: digest))
        try PosixFile.syncFolder(folder + "/objects")
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

    private static func reference(ofFile path: String) throws(PosixFailure) -> ArtifactReference {
        try hashing(path) { _, _ throws(PosixFailure) in }
    }

    /// Hashes a file in pieces, each of which is also given to `body` with its offset.
    private static func hashing(
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
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferByteCount, alignment: 16)
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

/// Runs system calls, and turns their failure into the store's error.
func storing<Value>(_ body: () throws(PosixFailure) -> Value) throws(ArtifactStoreError) -> Value {
    do throws(PosixFailure) {
        return try body()
    } catch {
        throw ArtifactStoreError(error)
    }
}
