import Artifacts
import Coordination
import Digests
import Foundation

/// The results of a worker on its host's disk, from before they are first sent until the coordinator has taken them.
///
/// Workers that share a store have an outbox each, `outbox/0`, `outbox/1`, …, taken by a `flock` that the kernel drops
/// with the process. Whoever starts next takes the first that is free and brings together there what dead workers have
/// left in the others. Lock files are never deleted: a deleted one could be locked twice. Source: flock(2), rename(2).
package final class Outbox {
    private static let lockName = "lock"
    private static let damagedName = "damaged"
    private static let temporarySuffix = ".tmp"
    /// Workers that may share a store.
    private static let outboxLimit = 4096

    private let folder: String
    private let lock: Int32
    /// What earlier processes have left, in the order of its names; at most as many as a greeting can list.
    package private(set) var results: [AttemptResult] = []

    /// Takes an outbox of the store and reads what is in it; a file that is no result is set aside and told to `log`.
    ///
    /// Throws `.diskFull` or `.io` when no outbox can be made.
    package init(storePath: String, log: (String) -> Void) throws(ArtifactStoreError) {
        let root = storePath + "/outbox"
        let taken: (folder: String, lock: Int32)?
        do throws(PosixFailure) {
            try PosixFile.makeFolders(root)
            taken = try Self.takeFree(in: root)
        } catch {
            throw ArtifactStoreError(error)
        }
        guard let taken else { throw .io(code: EUSERS, path: root, operation: "take one of \(Self.outboxLimit) outboxes in") }
        (folder, lock) = taken
        gather(from: root, log)
        read(log)
    }

    deinit { close(lock) }

    /// Returns when the result is durable. Throws `.diskFull` or `.io`, and then nothing is kept.
    package func spool(_ result: AttemptResult) throws(ArtifactStoreError) {
        let path = folder + "/" + SpooledResult.name(of: result.attempt)
        let temporary = path + Self.temporarySuffix
        do throws(PosixFailure) {
            let descriptor = try PosixFile.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
            defer { close(descriptor) }
            try SpooledResult.bytes(of: result).withUnsafeBytes { buffer in
                Result { () throws(PosixFailure) in
                    try PosixFile.write(buffer, to: descriptor, at: 0, path: temporary)
                }
            }.get()
            try PosixFile.sync(descriptor, path: temporary)
            try PosixFile.rename(temporary, to: path)
            try PosixFile.syncFolder(folder)
        } catch {
            unlink(temporary)
            throw ArtifactStoreError(error)
        }
    }

    /// A removal that is lost with the power only has the result reported again.
    package func unspool(_ attempt: AttemptID) {
        unlink(folder + "/" + SpooledResult.name(of: attempt))
    }

    // MARK: Taking

    private static func takeFree(in root: String) throws(PosixFailure) -> (folder: String, lock: Int32)? {
        for number in 0..<outboxLimit {
            let folder = root + "/\(number)"
            do throws(PosixFailure) {
                try PosixFile.makeFolders(folder)
                if let lock = try take(folder) { return (folder, lock) }
            } catch {
                // Something of somebody else's is in the way: the next number.
                guard [ENOTDIR, EISDIR, ELOOP].contains(error.code) else { throw error }
            }
        }
        return nil
    }

    /// The lock of an outbox; `nil` when a living worker has it.
    private static func take(_ folder: String) throws(PosixFailure) -> Int32? {
        let path = folder + "/" + lockName
        let lock = try PosixFile.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK)
        do throws(PosixFailure) {
            if try PosixFile.tryLock(lock, path: path) { return lock }
        } catch {
            close(lock)
            throw error
        }
        close(lock)
        return nil
    }

    /// Moves what dead workers have left in other outboxes into this one; what cannot be moved waits there.
    private func gather(from root: String, _ log: (String) -> Void) {
        for name in Self.sortedNames(in: root) where UInt16(name) != nil && root + "/" + name != folder {
            let other = root + "/" + name
            guard let taken = try? Self.take(other) else { continue }
            defer { close(taken) }
            for file in Self.sortedNames(in: other) where ![Self.lockName, Self.damagedName].contains(file) {
                do throws(PosixFailure) {
                    try PosixFile.rename(other + "/" + file, to: folder + "/" + file)
                } catch {
                    log("\(WireText.clean("\(other)/\(file)", limit: 1000)): \(ArtifactStoreError(error).localizedDescription)")
                }
            }
            // Both names may be on the disk after a power loss, which is harmless; none of them would be a loss.
            try? PosixFile.syncFolder(folder)
            try? PosixFile.syncFolder(other)
        }
    }

    // MARK: Reading

    private func read(_ log: (String) -> Void) {
        for name in Self.sortedNames(in: folder) where ![Self.lockName, Self.damagedName].contains(name) {
            let path = folder + "/" + name
            // Half written by a worker that died; it was never sent.
            if name.hasSuffix(Self.temporarySuffix), unlink(path) == 0 { continue }
            guard results.count < Limits.attemptsPerWorker else {
                log("\(folder): more than \(results.count) results; the rest waits for the next worker")
                return
            }
            do {
                results.append(try Self.result(named: name, at: path))
            } catch {
                setAside(name, because: error.localizedDescription, log)
            }
        }
    }

    private static func result(named name: String, at path: String) throws -> AttemptResult {
        guard let status = try PosixFile.status(at: path), status.isRegular, status.size <= SpooledResult.maximumBytes else {
            throw SpooledResultError.notAFile
        }
        let descriptor = try PosixFile.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: status.size)
        let count = try bytes.withUnsafeMutableBytes { buffer in
            try PosixFile.read(descriptor, into: buffer, at: 0, path: path)
        }
        let result = try SpooledResult.result(from: Array(bytes[..<count]))
        let expected = SpooledResult.name(of: result.attempt)
        guard name == expected else { throw SpooledResultError.misnamed(expected: expected) }
        return result
    }

    private func setAside(_ name: String, because reason: String, _ log: (String) -> Void) {
        let damaged = folder + "/" + Self.damagedName
        try? PosixFile.makeFolders(damaged)
        let isMoved = (try? PosixFile.rename(folder + "/" + name, to: damaged + "/" + name)) != nil
        let place = WireText.clean("\(folder)/\(name)", limit: 1000)
        log("\(place) is no result that this worker can report: \(reason); \(isMoved ? "it is in \(damaged) now" : "it is left alone")")
    }

    private static func sortedNames(in folder: String) -> [String] { ((try? PosixFile.names(in: folder)) ?? []).sorted() }
}

@available(*, unavailable, message: "an outbox belongs to one thread")
extension Outbox: Sendable {}
