import Artifacts
import Digests
import Foundation
import Testing

/// A store in a folder of its own, removed with the value.
final class TemporaryStore {
    let folder = NSTemporaryDirectory() + "sower-store-\(UUID().uuidString)"
    let store: ArtifactStore

    init() throws { store = try ArtifactStore(folder: folder) }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A file next to the store's folders.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    func names(in subfolder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder + "/" + subfolder)
    }
}

func overwrite(_ path: String, _ bytes: [UInt8]) throws {
    chmod(path, 0o644)
    let descriptor = try PosixFile.open(path, O_WRONLY)
    defer { close(descriptor) }
    #expect(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
}

@Suite struct ArtifactStoreTests {
    @Test("what is written in pieces is published like bytes from memory, and nothing of it stays when that fails")
    func putInPieces() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        let reference = try store.put { (sink) throws(ArtifactStoreError) in
            for first in stride(from: 0, to: bytes.count, by: 777) {
                let piece = Array(bytes[first..<min(first + 777, bytes.count)])
                try piece.withUnsafeBytes { buffer in
                    Result { () throws(ArtifactStoreError) in try sink(buffer) }
                }.get()
            }
        }
        #expect(reference == ArtifactReference(digest: Digest(of: bytes), size: bytes.count))
        try store.verify(reference.digest)
        #expect(try store.put(bytes: bytes) == reference)
        let failure = ArtifactStoreError.missing(reference.digest, folder: "elsewhere")
        #expect(throws: failure) { try store.put { (_) throws(ArtifactStoreError) in throw failure } }
        #expect(try temporary.names(in: "tmp").isEmpty)
    }

    @Test("what nobody wants is removed, and only that")
    func removeUnwanted() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let kept = try (0..<20).map { try store.put(bytes: [UInt8($0)]).digest }
        for index in 20..<30 { try store.put(bytes: [UInt8(index)]) }
        #expect(try store.removeAll(except: Set(kept)) == 10)
        for digest in kept { try store.verify(digest) }
        #expect(try store.removeAll(except: Set(kept)) == 0)
    }

    @Test("bytes that are put are there under their digest, read-only")
    func put() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let digest = Digest(of: bytes)
        #expect(!store.contains(digest))
        #expect(store.size(of: digest) == nil)
        #expect(try store.put(bytes: bytes) == ArtifactReference(digest: digest, size: bytes.count))
        #expect(store.contains(digest))
        #expect(store.size(of: digest) == bytes.count)
        #expect(store.path(of: digest) == "\(temporary.folder)/objects/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))")
        #expect(try store.bytes(of: digest) == bytes)
        #expect(try store.verify(digest).size == bytes.count)
        #expect(try store.chunk(of: digest, at: 1000, count: 10) == Array(bytes[1000..<1010]))
        #expect(try store.chunk(of: digest, at: bytes.count - 3, count: 10) == Array(bytes.suffix(3)))
        #expect(try store.chunk(of: digest, at: bytes.count + 3, count: 10) == [])
        let attributes = try FileManager.default.attributesOfItem(atPath: store.path(of: digest))
        #expect(attributes[.posixPermissions] as? Int == 0o444)
        #expect(try store.put(bytes: bytes).digest == digest)
        #expect(try temporary.names(in: "tmp").isEmpty)
    }

    @Test("the empty artifact is an artifact")
    func empty() throws {
        let temporary = try TemporaryStore()
        let reference = try temporary.store.put(bytes: [])
        #expect(reference.size == 0)
        #expect(try temporary.store.bytes(of: reference.digest) == [])
        let other = try TemporaryStore()
        #expect(try other.store.begin(digest: reference.digest, size: 0).finish() == reference)
    }

    @Test("an artifact can be removed, once")
    func remove() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let digest = try store.put(bytes: [1]).digest
        #expect(try store.remove(digest))
        #expect(try !store.remove(digest))
        #expect(throws: ArtifactStoreError.missing(digest, folder: temporary.folder)) { try store.verify(digest) }
        #expect(throws: ArtifactStoreError.missing(digest, folder: temporary.folder)) { try store.bytes(of: digest) }
    }

    @Test("one changed byte on the disk is found")
    func damage() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let digest = try store.put(bytes: [1, 2, 3]).digest
        let path = store.path(of: digest)
        try overwrite(path, [1, 2, 4])
        let expected = ArtifactStoreError.digestMismatch(path: path, actual: Digest(of: [1, 2, 4] as [UInt8]), expected: digest)
        #expect(throws: expected) { try store.verify(digest) }
        #expect(throws: expected) { try store.bytes(of: digest) }
        #expect(try store.remove(digest))
        try store.put(bytes: [1, 2, 3])
        try store.verify(digest)
    }

    @Test("an artifact that lost its end is replaced when it is put again")
    func truncated() throws {
        let temporary = try TemporaryStore()
        let digest = try temporary.store.put(bytes: [1, 2, 3]).digest
        #expect(truncate(temporary.store.path(of: digest), 1) == 0)
        _ = try temporary.store.put(bytes: [1, 2, 3])
        try temporary.store.verify(digest)
    }

    @Test("a finished file is adopted by a rename, and gone from its place")
    func adopt() throws {
        let temporary = try TemporaryStore()
        let path = try temporary.file("result", [5, 6, 7])
        let inode = try PosixFile.status(at: path)?.inode
        let reference = try temporary.store.adopt(file: path)
        #expect(reference == ArtifactReference(digest: Digest(of: [5, 6, 7] as [UInt8]), size: 3))
        #expect(try PosixFile.status(at: path) == nil)
        #expect(try PosixFile.status(at: temporary.store.path(of: reference.digest))?.inode == inode)
        let again = try temporary.file("again", [5, 6, 7])
        #expect(try temporary.store.adopt(file: again) == reference)
        #expect(try PosixFile.status(at: again) == nil)
    }

    @Test("a file with a second name, or of another file system, is copied")
    func adoptByCopy() throws {
        let temporary = try TemporaryStore()
        let path = try temporary.file("linked", [8, 8])
        #expect(link(path, path + ".second") == 0)
        let reference = try temporary.store.adopt(file: path)
        try overwrite(path + ".second", [9, 9])
        try temporary.store.verify(reference.digest)

        let foreign = "/dev/shm/sower-\(UUID().uuidString)"
        let bytes = [UInt8](repeating: 3, count: 2_500_000)
        guard (try? Data(bytes).write(to: URL(fileURLWithPath: foreign))) != nil else { return }
        #expect(try temporary.store.adopt(file: foreign).size == bytes.count)
        #expect(try PosixFile.status(at: foreign) == nil)
        try temporary.store.verify(Digest(of: bytes))
        #expect(try temporary.names(in: "tmp").isEmpty)
    }

    @Test("a folder, a symbolic link and nothing at all are not adopted")
    func adoptRefuses() throws {
        let temporary = try TemporaryStore()
        let path = try temporary.file("target", [1])
        #expect(symlink(path, path + ".link") == 0)
        #expect(throws: ArtifactStoreError.notAFile(path: temporary.folder)) { try temporary.store.adopt(file: temporary.folder) }
        #expect(throws: ArtifactStoreError.notAFile(path: path + ".link")) { try temporary.store.adopt(file: path + ".link") }
        #expect(throws: ArtifactStoreError.io(code: ENOENT, path: path + ".no", operation: "adopt")) {
            try temporary.store.adopt(file: path + ".no")
        }
    }

    @Test("many threads that put the same and other bytes all succeed")
    func concurrency() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<20 {
                        let bytes = [UInt8](repeating: UInt8(number % 5), count: 10_000 + (number.isMultiple(of: 2) ? 0 : writer))
                        try store.verify(try ArtifactStore(folder: store.folder).put(bytes: bytes).digest)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try temporary.names(in: "tmp").isEmpty)
    }

    @Test("what crashed writers left is removed by age")
    func abandoned() throws {
        let temporary = try TemporaryStore()
        let old = try temporary.file("tmp/1-old", [1])
        _ = try temporary.file("tmp/1-new", [1])
        var times = [timeval(tv_sec: 1000, tv_usec: 0), timeval(tv_sec: 1000, tv_usec: 0)]
        #expect(utimes(old, &times) == 0)
        #expect(try temporary.store.removeAbandonedFiles(olderThan: .seconds(3600)) == 1)
        #expect(try temporary.names(in: "tmp") == ["1-new"])
    }

    @Test("a full disk is an error of its own")
    func diskFull() throws {
        let descriptor = try PosixFile.open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        let failure = #expect(throws: PosixFailure.self) {
            try [UInt8](repeating: 0, count: 10).withUnsafeBytes {
                try PosixFile.write($0, to: descriptor, at: 0, path: "/dev/full")
            }
        }
        #expect(failure?.code == ENOSPC)
        #expect(ArtifactStoreError(try #require(failure)) == .diskFull(path: "/dev/full", operation: "write"))
    }

    @Test("a store below a file, or where nothing can be made, is refused")
    func unusableFolder() throws {
        let temporary = try TemporaryStore()
        let path = try temporary.file("file", [1])
        #expect(throws: ArtifactStoreError.self) { try ArtifactStore(folder: path) }
        #expect(throws: ArtifactStoreError.self) { try ArtifactStore(folder: path + "/below") }
        #expect(throws: ArtifactStoreError.self) { try ArtifactStore(folder: "/proc/sower") }
    }

    @Test(
        "every error has a description and a remedy",
        arguments: [
            ArtifactStoreError.missing(Digest(of: ""), folder: "/s"),
            .digestMismatch(path: "/p", actual: Digest(of: "a"), expected: Digest(of: "")),
            .sizeMismatch(path: "/p", actual: 1, expected: 2), .wrongOffset(path: "/p", actual: 1, expected: 2), .busy(path: "/p"),
            .notAFile(path: "/p"), .diskFull(path: "/p", operation: "write"), .noRoom(path: "/p", needed: 2, free: 1),
            .io(code: EACCES, path: "/p", operation: "open"),
            .io(code: EIO, path: "/p", operation: "read"), .io(code: EMFILE, path: "/p", operation: "open"),
        ])
    func texts(error: ArtifactStoreError) {
        #expect(error.errorDescription?.isEmpty == false)
        #expect(error.recoverySuggestion?.isEmpty == false)
    }
}
