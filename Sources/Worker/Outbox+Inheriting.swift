import Artifacts
import Coordination
import Digests
import Foundation

// What lies in the outboxes of a store: which is free, and what dead workers have left.

extension Outbox {
    static func takeFree(in root: String) throws(PosixFailure) -> (folder: String, lock: Int32)? {
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

    // MARK: Inheriting

    /// Reads what dead workers have left, here and in other outboxes, writes it into one segment, then removes their files.
    func inherit(from root: String, _ log: (String) -> Void) {
        var inherited: [AttemptResult] = []
        var known: Set<AttemptID> = []
        var files: [String] = []
        func read(_ folder: String) {
            for name in Self.sortedNames(in: folder) where ![Self.lockName, Self.damagedName].contains(name) {
                if folder == self.folder, let number = Int(name.trimmingPrefix("segment-")) { segmentNumber = max(segmentNumber, number) }
                guard let content = content(of: name, in: folder, log) else { continue }
                if !content.isSetAside { files.append(folder + "/" + name) }
                inherited += content.results.filter { known.insert($0.attempt).inserted }
            }
        }
        read(folder)
        var locks: [Int32] = []
        defer { locks.forEach { PosixFile.closeUnlocking($0) } }
        for name in Self.sortedNames(in: root) where UInt16(name) != nil && root + "/" + name != folder {
            guard let lock = try? Self.take(root + "/" + name) else { continue }
            locks.append(lock)
            read(root + "/" + name)
        }
        results = Array(inherited.prefix(Limits.attemptsPerWorker))
        if results.count < inherited.count {
            log("\(folder): \(inherited.count) results; those after the first \(results.count) wait for the next worker")
        }
        do {
            inherited.forEach(spool)
            try flush()
            files.forEach { unlink($0) }
        } catch {
            log("\(folder): what earlier workers have left stays where it is: \(error.localizedDescription)")
        }
    }

    /// The results in a file, and whether the file is set aside because of what else is in it; `nil` when nothing can be read.
    private func content(
        of name: String, in folder: String, _ log: (String) -> Void
    ) -> (results: [AttemptResult], isSetAside: Bool)? {
        let path = folder + "/" + name
        do {
            let content = try OutboxSegment.content(ofFile: path)
            if let damage = content.damage { setAside(name, in: folder, because: damage.localizedDescription, log) }
            return (content.results, content.damage != nil)
        } catch {
            setAside(name, in: folder, because: error.localizedDescription, log)
            return nil
        }
    }

    private func setAside(_ name: String, in folder: String, because reason: String, _ log: (String) -> Void) {
        let damaged = folder + "/" + Self.damagedName
        try? PosixFile.makeFolders(damaged)
        let isMoved = (try? PosixFile.rename(folder + "/" + name, to: damaged + "/" + name)) != nil
        let place = WireText.clean("\(folder)/\(name)", limit: 1000)
        log("\(place) holds what this worker cannot report: \(reason); \(isMoved ? "it is in \(damaged) now" : "it is left alone")")
    }

    // MARK: Looking

    /// The artifacts of every result that waits on the disk in any outbox of the store: those of living workers and of dead ones.
    /// What is no result names none.
    package static func artifacts(storePath: String) -> Set<Digest> {
        let root = storePath + "/outbox"
        var artifacts: Set<Digest> = []
        for folder in sortedNames(in: root).map({ root + "/" + $0 }) {
            for name in sortedNames(in: folder) where ![lockName, damagedName].contains(name) {
                // A segment whose results were delivered meanwhile is gone, and needs nothing any more.
                guard let content = try? OutboxSegment.content(ofFile: folder + "/" + name) else { continue }
                for result in content.results { artifacts.formUnion(result.artifacts.map(\.digest)) }
            }
        }
        return artifacts
    }

    private static func sortedNames(in folder: String) -> [String] { ((try? PosixFile.names(in: folder)) ?? []).sorted() }
}
