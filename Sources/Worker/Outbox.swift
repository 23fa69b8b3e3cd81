import Artifacts
import Coordination
import Failpoints
import Foundation

/// The results of a worker on its host's disk, from before they are first sent until the coordinator has taken them.
///
/// Results are appended to a segment file, as many to a sync as came in one turn of the loop. A segment is removed when all of
/// its results are taken; until then the taken ones are noted in the file, without a sync: a note that is lost with the power
/// only has a result reported again.
///
/// Workers that share a store have an outbox each, `outbox/0`, `outbox/1`, …, taken by a `flock` that the kernel drops
/// with the process. Whoever starts next takes the first that is free and brings together there what dead workers have
/// left in the others. Lock files are never deleted: a deleted one could be locked twice. Source: flock(2).
package final class Outbox {
    static let lockName = "lock"
    static let damagedName = "damaged"
    /// Workers that may share a store.
    static let outboxLimit = 4096
    /// A segment that is longer is not appended to any more.
    static let segmentBytes = 1 << 20
    /// A segment without open results that is longer is begun anew when there is time.
    private static let emptyBytes = 64 << 10

    let folder: String
    private let lock: Int32
    /// What earlier processes have left; at most as many as a greeting can list.
    package internal(set) var results: [AttemptResult] = []

    private struct Segment {
        var path: String
        var descriptor: Int32
        var size = 0
    }

    private var segment: Segment?
    var segmentNumber = 0
    /// Which segment holds a result that nobody has taken.
    private var homes: [AttemptID: Int] = [:]
    /// How many such results a segment holds.
    private var openCounts: [Int: Int] = [:]
    /// Records that the segment is to get next, and the results among them.
    private var pending: [UInt8] = []
    private var pendingResults: Set<AttemptID> = []
    /// The results among those that are being written.
    private var writingResults: Set<AttemptID> = []
    private var writingBytes = 0
    /// Results that nobody wants any more, though they are not on the disk yet.
    private var unwanted: Set<AttemptID> = []

    /// Takes an outbox of the store and reads what is in it; what is no result is set aside and told to `log`.
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
        inherit(from: root, log)
    }

    deinit {
        tidy()
        if let segment { leave(segment) }
        PosixFile.closeUnlocking(lock)
    }

    /// Puts a result into the outbox. It is durable when the write that ``beginWrite()`` gives after it has ended well.
    package func spool(_ result: AttemptResult) {
        pending += SpooledResult.bytes(of: result)
        pendingResults.insert(result.attempt)
    }

    /// Whether a result is in the outbox and not yet on the disk.
    package func isWaiting(_ attempt: AttemptID) -> Bool { pendingResults.contains(attempt) || writingResults.contains(attempt) }

    /// Returns when all results are durable, at the cost of one sync. Throws `.diskFull` or `.io`, and then those since the last
    /// flush are not kept.
    package func flush() throws(ArtifactStoreError) {
        do throws(PosixFailure) {
            guard let write = try beginWrite() else { return }
            let result = Result { () throws(PosixFailure) in try write.perform() }
            endWrite(hasSucceeded: (try? result.get()) != nil)
            try result.get()
        } catch {
            throw ArtifactStoreError(error)
        }
    }

    /// All that waits, as one write, to be performed on any thread; ``endWrite(hasSucceeded:)`` comes before the next. `nil` when
    /// no result waits or a write is under way. When it throws, what waited is not kept.
    func beginWrite() throws(PosixFailure) -> DiskWriter.Write? {
        guard !pendingResults.isEmpty, writingResults.isEmpty else { return nil }
        (writingResults, pendingResults) = (pendingResults, [])
        let bytes = pending
        pending = []
        writingBytes = bytes.count
        do throws(PosixFailure) {
            let segment = try segmentToWrite()
            return DiskWriter.Write(descriptor: segment.descriptor, offset: segment.size, bytes: bytes, path: segment.path)
        } catch {
            endWrite(hasSucceeded: false)
            throw error
        }
    }

    /// What a write that failed has left in the file is written over by the next.
    func endWrite(hasSucceeded: Bool) {
        let attempts = writingResults
        writingResults = []
        guard hasSucceeded else {
            unwanted.subtract(attempts)
            return
        }
        segment?.size += writingBytes
        for attempt in attempts {
            leave(attempt)
            homes[attempt] = segmentNumber
            openCounts[segmentNumber, default: 0] += 1
            if unwanted.remove(attempt) != nil { unspool(attempt) }
        }
    }

    /// The result was taken. A removal that is lost with the power only has the result reported again.
    package func unspool(_ attempt: AttemptID) {
        guard homes[attempt] != nil else {
            if isWaiting(attempt) { unwanted.insert(attempt) }
            return
        }
        Failpoint.outboxUnspoolBefore.pass()
        pending += OutboxSegment.taken(attempt)
        leave(attempt)
        Failpoint.outboxUnspoolAfter.pass()
    }

    /// Notes what was taken since the last write, or begins the segment anew when all of it was. To be called when there is time.
    package func tidy() {
        guard pendingResults.isEmpty, writingResults.isEmpty, let segment else { return }
        if openCounts[segmentNumber] == nil, segment.size > Self.emptyBytes {
            if ftruncate(segment.descriptor, 0) == 0 {
                self.segment?.size = 0
                Self.reserve(segment)
            }
        } else if !pending.isEmpty {
            let isWritten = pending.withUnsafeBytes { buffer in
                (try? PosixFile.write(buffer, to: segment.descriptor, at: segment.size, path: segment.path)) != nil
            }
            if isWritten { self.segment?.size += pending.count }
        }
        pending = []
    }

    // MARK: Writing

    private func segmentToWrite() throws(PosixFailure) -> Segment {
        if let segment, segment.size <= Self.segmentBytes { return segment }
        try beginSegment()
        guard let segment else { preconditionFailure("a segment has just been begun") }
        return segment
    }

    private func beginSegment() throws(PosixFailure) {
        let path = folder + "/segment-\(segmentNumber + 1)"
        let descriptor = try PosixFile.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        do throws(PosixFailure) {
            try PosixFile.syncFolder(folder)
        } catch {
            close(descriptor)
            unlink(path)
            throw error
        }
        if let segment { leave(segment) }
        segmentNumber += 1
        let segment = Segment(path: path, descriptor: descriptor)
        Self.reserve(segment)
        self.segment = segment
    }

    /// Fills an empty segment with zeros, which end it for a reader: a file system syncs bytes in place of others faster than a
    /// file that grows. A disk without the room has to do without.
    private static func reserve(_ segment: Segment) {
        do throws(PosixFailure) {
            try Array(repeating: UInt8(0), count: segmentBytes).withUnsafeBytes { zeros in
                Result { () throws(PosixFailure) in
                    try PosixFile.write(zeros, to: segment.descriptor, at: 0, path: segment.path)
                }
            }.get()
            try PosixFile.syncData(segment.descriptor, path: segment.path)
        } catch {
            ftruncate(segment.descriptor, 0)
        }
    }

    /// Nothing more is written there.
    private func leave(_ segment: Segment) {
        close(segment.descriptor)
        if openCounts[segmentNumber] == nil { unlink(segment.path) }
    }

    /// The result's segment needs it no more; one without any goes, unless it is still written to.
    private func leave(_ attempt: AttemptID) {
        guard let home = homes.removeValue(forKey: attempt), let count = openCounts[home] else { return }
        openCounts[home] = count > 1 ? count - 1 : nil
        if count == 1, home != segmentNumber { unlink(folder + "/segment-\(home)") }
    }
}

@available(*, unavailable, message: "an outbox belongs to one thread")
extension Outbox: Sendable {}
