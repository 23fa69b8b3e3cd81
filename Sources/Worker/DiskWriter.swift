import Artifacts
import Foundation
import Synchronization
import Transport

/// Appends to files on a thread of its own, so that a loop goes on while a disk syncs. One write at a time.
final class DiskWriter: Sendable {
    /// Bytes for a place in an open file.
    struct Write: Sendable {
        var descriptor: Int32
        var offset: Int
        var bytes: [UInt8]
        /// For errors.
        var path: String

        /// Returns when the bytes are on the disk.
        func perform() throws(PosixFailure) {
            try bytes.withUnsafeBytes { buffer in
                Result { () throws(PosixFailure) in
                    try PosixFile.pass(.outboxWriteBefore, "write", path)
                    try PosixFile.write(buffer, to: descriptor, at: offset, path: path)
                }
            }.get()
            try PosixFile.pass(.outboxSyncBefore, "sync", path)
            try PosixFile.syncData(descriptor, path: path)
            try PosixFile.pass(.outboxSyncAfter, "sync", path)
        }
    }

    private struct Shared {
        var write: Write?
        var result: Result<Void, PosixFailure>?
        var isStopping = false
    }

    /// Readable when a write is done.
    let isDone: WakeUp
    private let shared = Mutex(Shared())
    private let hasWork = DispatchSemaphore(value: 0)
    private let hasStopped = DispatchSemaphore(value: 0)

    /// Starts the thread.
    init() throws(TransportError) {
        isDone = try WakeUp()
        let thread = Thread { [self] in
            while true {
                hasWork.wait()
                let (write, isStopping) = shared.withLock { ($0.write, $0.isStopping) }
                if let write {
                    let result = Result { () throws(PosixFailure) in try write.perform() }
                    shared.withLock { shared in
                        shared.write = nil
                        shared.result = result
                    }
                    isDone.signal()
                }
                if isStopping { break }
            }
            hasStopped.signal()
        }
        thread.name = "outbox"
        thread.start()
    }

    /// Begins a write; the one before must have been taken.
    func submit(_ write: Write) {
        shared.withLock { $0.write = write }
        hasWork.signal()
    }

    /// How the write ended; `nil` while it goes on.
    func takeResult() -> Result<Void, PosixFailure>? {
        isDone.drain()
        return shared.withLock { shared in
            defer { shared.result = nil }
            return shared.result
        }
    }

    /// Ends the thread; returns when the last write is over.
    func stop() {
        shared.withLock { $0.isStopping = true }
        hasWork.signal()
        hasStopped.wait()
    }
}
