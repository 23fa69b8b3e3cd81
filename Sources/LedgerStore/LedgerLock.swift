import Foundation
import Synchronization

/// The right to write a ledger: one coordinator has it at a time.
///
/// A `flock` on a file beside the database; the kernel drops it with the process, however that ends. The file holds the
/// owner's process id as a help to people and is never deleted: a deleted one could be locked twice, once by its old
/// inode and once by its new. Source: flock(2).
package final class LedgerLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Takes the lock without waiting.
    ///
    /// Throws `.inUse` when another process, or another `Ledger` of this one, has it.
    init(ledger path: String) throws(LedgerError) {
        let lockPath = LedgerFile.lockPath(of: path)
        let file = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw .notWritable(path: path, detail: "\(lockPath): \(String(cString: strerror(errno)))") }
        // A reader that asks who holds the lock has it for an instant.
        var tries = 0
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            tries += 1
            if code == EINTR || (code == EWOULDBLOCK && tries < 10) {
                usleep(2_000)
                continue
            }
            close(file)
            guard code == EWOULDBLOCK else { throw .io(path: path, detail: "\(lockPath): \(String(cString: strerror(code)))") }
            throw .inUse(path: path, process: Self.processID(in: lockPath))
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(file, 0) == 0, pwrite(file, text, text.count, 0) == text.count else {
            let code = errno
            close(file)
            if code == ENOSPC || code == EDQUOT { throw .diskFull(path: path) }
            throw .io(path: path, detail: "\(lockPath): \(String(cString: strerror(code)))")
        }
        descriptor = Mutex(file)
    }

    deinit { release() }

    func release() {
        descriptor.withLock {
            guard let file = $0 else { return }
            // A process that is just being started shares the open file, and with it the lock, until its exec.
            flock(file, LOCK_UN)
            close(file)
            $0 = nil
        }
    }

    /// The process that has the ledger open for writing; 0 when its id is not known, `nil` when there is none.
    package static func holder(ledger path: String) -> Int32? {
        let lockPath = LedgerFile.lockPath(of: path)
        let file = open(lockPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard flock(file, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return nil }
        return processID(in: lockPath) ?? 0
    }

    private static func processID(in lockPath: String) -> Int32? {
        guard let text = try? String(contentsOfFile: lockPath, encoding: .utf8) else { return nil }
        return Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
