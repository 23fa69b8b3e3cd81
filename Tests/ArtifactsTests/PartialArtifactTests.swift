import Artifacts
import Digests
import Foundation
import Testing

@Suite struct PartialArtifactTests {
    private let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    private var digest: Digest { Digest(of: bytes) }

    @Test("chunks become an artifact only when all of them are there")
    func chunks() throws {
        let temporary = try TemporaryStore()
        let partial = try temporary.store.begin(digest: digest, size: 1000)
        for offset in stride(from: 0, to: 1000, by: 300) {
            #expect(!partial.isComplete)
            #expect(throws: ArtifactStoreError.self) { try partial.finish() }
            #expect(!temporary.store.contains(digest))
            #expect(partial.receivedCount == offset)
            try partial.append(Array(bytes[offset..<min(1000, offset + 300)]), at: offset)
        }
        #expect(partial.isComplete)
        #expect(try partial.finish() == ArtifactReference(digest: digest, size: 1000))
        try temporary.store.verify(digest)
        #expect(try temporary.names(in: "partial").isEmpty)
    }

    @Test("a repeated chunk is ignored; a gap, an overlap and an excess are refused")
    func offsets() throws {
        let temporary = try TemporaryStore()
        let partial = try temporary.store.begin(digest: digest, size: 1000)
        let path = "\(temporary.folder)/partial/\(digest.hex)"
        try partial.append(Array(bytes[..<500]), at: 0)
        try partial.append(Array(bytes[100..<200]), at: 100)
        try partial.append([], at: 500)
        #expect(throws: ArtifactStoreError.wrongOffset(path: path, actual: 501, expected: 500)) { try partial.append([1], at: 501) }
        #expect(throws: ArtifactStoreError.wrongOffset(path: path, actual: 499, expected: 500)) { try partial.append([1, 2], at: 499) }
        #expect(throws: ArtifactStoreError.wrongOffset(path: path, actual: -1, expected: 500)) { try partial.append([1], at: -1) }
        #expect(throws: ArtifactStoreError.wrongOffset(path: path, actual: .max, expected: 500)) { try partial.append([1], at: .max) }
        #expect(throws: ArtifactStoreError.sizeMismatch(path: path, actual: 1001, expected: 1000)) {
            try partial.append([UInt8](repeating: 0, count: 501), at: 500)
        }
        #expect(throws: ArtifactStoreError.sizeMismatch(path: path, actual: 500, expected: 1000)) { try partial.finish() }
        try partial.append(Array(bytes[500...]), at: 500)
        _ = try partial.finish()
        #expect(try temporary.store.bytes(of: digest) == bytes)
        #expect(throws: ArtifactStoreError.self) { try temporary.store.begin(digest: digest, size: -1) }
    }

    @Test("an interrupted transfer goes on where it was, after any number of bytes", arguments: [0, 1, 499, 999, 1000])
    func resume(cut: Int) throws {
        let temporary = try TemporaryStore()
        do {
            let partial = try temporary.store.begin(digest: digest, size: 1000)
            try partial.append(Array(bytes[..<cut]), at: 0)
        }
        let partial = try temporary.store.resume(digest: digest, size: 1000)
        #expect(partial.receivedCount == cut)
        try partial.append(Array(bytes[cut...]), at: cut)
        #expect(try partial.finish().digest == digest)
        #expect(try temporary.store.bytes(of: digest) == bytes)
    }

    /// Chunks as long as a writer's buffer, a byte shorter, and of sizes that its pieces are no multiple of.
    @Test(arguments: [512 << 10, 512 << 10 - 1, 256 << 10, 100_003, 4096])
    func `an artifact of many pieces arrives in chunks of any size, interrupted anywhere`(chunkBytes: Int) throws {
        let temporary = try TemporaryStore()
        let bytes = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        let digest = Digest(of: bytes)
        var before = 0
        for stop in [1, 700_001, 1 << 20, 1 << 20 + 4095, 2_900_000, bytes.count] {
            // Released at the end of each turn.
            let partial = try temporary.store.resume(digest: digest, size: bytes.count)
            #expect(partial.receivedCount == before)
            before = stop
            while partial.receivedCount < stop {
                let offset = partial.receivedCount
                try partial.append(Array(bytes[offset..<min(stop, offset + chunkBytes)]), at: offset)
            }
        }
        let whole = try temporary.store.resume(digest: digest, size: bytes.count)
        #expect(whole.receivedCount == bytes.count)
        #expect(try whole.finish().digest == digest)
        #expect(try temporary.store.bytes(of: digest) == bytes)
    }

    @Test("begin drops an earlier prefix, and resume one that is too long")
    func restart() throws {
        let temporary = try TemporaryStore()
        _ = try temporary.store.begin(digest: digest, size: 1000).append([9, 9, 9], at: 0)
        #expect(try temporary.store.begin(digest: digest, size: 1000).receivedCount == 0)
        _ = try temporary.store.begin(digest: digest, size: 1000).append([9, 9, 9], at: 0)
        #expect(try temporary.store.resume(digest: digest, size: 2).receivedCount == 0)
    }

    @Test("bytes with another digest are deleted, never published")
    func wrongBytes() throws {
        let temporary = try TemporaryStore()
        let partial = try temporary.store.begin(digest: digest, size: 1000)
        var damaged = bytes
        damaged[700] ^= 1
        try partial.append(damaged, at: 0)
        #expect(
            throws: ArtifactStoreError.digestMismatch(
                path: "\(temporary.folder)/partial/\(digest.hex)", actual: Digest(of: damaged), expected: digest)
        ) { try partial.finish() }
        #expect(!temporary.store.contains(digest))
        #expect(try temporary.names(in: "partial").isEmpty)
        #expect(try temporary.store.resume(digest: digest, size: 1000).receivedCount == 0)
    }

    @Test("an artifact is received once at a time, and discarding frees it")
    func busy() throws {
        let temporary = try TemporaryStore()
        let partial = try temporary.store.begin(digest: digest, size: 1000)
        #expect(throws: ArtifactStoreError.busy(path: "\(temporary.folder)/partial/\(digest.hex)")) {
            try temporary.store.resume(digest: digest, size: 1000)
        }
        partial.discard()
        partial.discard()
        #expect(try temporary.names(in: "partial").isEmpty)
        #expect(try temporary.store.begin(digest: digest, size: 1000).receivedCount == 0)
    }

    @Test("of all who ask for the lock of an artifact one has it, until it is released")
    func hostLock() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let first = try #require(try HostFetchLock(store: store, digest: digest))
        #expect(try HostFetchLock(store: store, digest: digest) == nil)
        #expect(try HostFetchLock(store: store, digest: Digest(of: "another")) != nil)
        first.release()
        first.release()
        do {
            let second = try HostFetchLock(store: store, digest: digest)
            #expect(second?.digest == digest)
        }
        #expect(try HostFetchLock(store: store, digest: digest) != nil)
    }

    @Test("the death of a process releases its lock")
    func lockOfTheDead() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try #require(try HostFetchLock(store: store, digest: digest)).release()
        let path = "\(temporary.folder)/locks/\(digest.hex)"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        process.arguments = ["--no-fork", path, "sleep", "60"]
        try process.run()
        var isHeld = false
        for _ in 0..<500 where !isHeld {
            isHeld = try HostFetchLock(store: store, digest: digest) == nil
            usleep(10_000)
        }
        #expect(isHeld)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(try HostFetchLock(store: store, digest: digest) != nil)
    }

    /// What a process that is killed while it fetches can leave behind, from its first step to its last.
    enum Remains: CaseIterable {
        case lockFile, emptyPart, part, unalignedPart, wholePart, tooLongPart, foreignPart, unsyncedName, temporaryFile
    }

    @Test(arguments: Remains.allCases) func `wherever a fetching process is killed, the next one opens the store and finishes`(
        remains: Remains
    ) throws {
        let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let digest = Digest(of: bytes)
        let temporary = try TemporaryStore()
        let part = "partial/" + digest.hex
        switch remains {
        case .lockFile: _ = try temporary.file("locks/" + digest.hex, [])
        case .emptyPart: _ = try temporary.file(part, [])
        case .part: _ = try temporary.file(part, Array(bytes[..<8192]))
        case .unalignedPart: _ = try temporary.file(part, Array(bytes[..<8193]))
        case .wholePart: _ = try temporary.file(part, bytes)
        case .tooLongPart: _ = try temporary.file(part, bytes + [1])
        case .foreignPart: _ = try temporary.file(part, Array(bytes[..<100]) + [99])
        case .unsyncedName:
            let folder = temporary.folder + "/objects/" + digest.hex.prefix(2)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = try temporary.file("objects/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))", bytes)
        case .temporaryFile: _ = try temporary.file("tmp/1-abc", Array(bytes[..<7]))
        }
        let store = try ArtifactStore(folder: temporary.folder)
        // Nothing that is not whole is visible.
        #expect(store.contains(digest) == (remains == .unsyncedName))
        #expect(try store.audit(expecting: []).unknown == (remains == .unsyncedName ? [digest] : []))
        let lock = try #require(try HostFetchLock(store: store, digest: digest))
        if !store.contains(digest) {
            func fetch() throws {
                let partial = try store.resume(digest: digest, size: bytes.count)
                if remains == .wholePart { #expect(partial.isComplete) }
                for offset in stride(from: partial.receivedCount, to: bytes.count, by: 5000) {
                    try partial.append(Array(bytes[offset..<min(bytes.count, offset + 5000)]), at: offset)
                }
                _ = try partial.finish()
            }
            if remains == .foreignPart {
                // Found by the digest at the end, and fetched from the beginning.
                #expect(throws: ArtifactStoreError.self) { try fetch() }
                #expect(!store.contains(digest))
            }
            try fetch()
        }
        lock.release()
        #expect(try store.put(bytes: bytes).digest == digest)
        #expect(try store.audit(expecting: [ArtifactReference(digest: digest, size: bytes.count)]).isSound)
        #expect(try temporary.names(in: "partial").isEmpty)
    }

    /// What a process has between fork and exec: every open file, and with it the locks.
    private func sharedWithAChild(_ store: ArtifactStore) throws -> [Int32] {
        let folder = URL(fileURLWithPath: store.folder).resolvingSymlinksInPath().path + "/"
        return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init).filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?.hasPrefix(folder) == true
        }.map { dup($0) }
    }

    @Test func `an artifact that has arrived can be used while another thread starts a process`() throws {
        let temporary = try TemporaryStore()
        let lock = try #require(try HostFetchLock(store: temporary.store, digest: digest))
        let partial = try temporary.store.begin(digest: digest, size: 1000)
        try partial.append(bytes, at: 0)
        let children = try sharedWithAChild(temporary.store)
        defer { children.forEach { close($0) } }
        try #require(children.count == 2)
        _ = try partial.finish()
        lock.release()
        #expect(try ArtifactUse(store: temporary.store, digest: digest) != nil)
        #expect(try HostFetchLock(store: temporary.store, digest: digest) != nil)
    }
}
