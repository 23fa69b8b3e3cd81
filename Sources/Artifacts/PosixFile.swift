import Failpoints
import Foundation

/// A failed system call: its errno, and what it was doing to which path.
package struct PosixFailure: Error, Equatable {
    package let code: Int32
    package let path: String
    package let operation: String
}

/// The system calls of this module: each repeats itself after a signal, and names its path when it fails.
///
/// Foundation's file calls neither sync a folder nor report errno, and both matter here.
package enum PosixFile {
    /// What `stat(2)` says that matters here.
    package struct Status: Equatable {
        package let size: Int
        package let isRegular: Bool
        package let linkCount: Int
        package let device: UInt
        package let inode: UInt
        package let modifiedSeconds: Int

        init(_ status: stat) {
            size = Int(status.st_size)
            isRegular = status.st_mode & S_IFMT == S_IFREG
            linkCount = Int(status.st_nlink)
            device = UInt(status.st_dev)
            inode = UInt(status.st_ino)
            modifiedSeconds = status.st_mtim.tv_sec
        }

        /// Whether both are the same file, by device and inode.
        package func isSameFile(as other: Status) -> Bool { device == other.device && inode == other.inode }
    }

    /// Passes a failpoint that stands for a call of this name, which may fail there.
    package static func pass(_ point: Failpoint, _ operation: String, _ path: String) throws(PosixFailure) {
        if let code = point.failure() { throw PosixFailure(code: code, path: path, operation: operation) }
    }

    /// Opens a file, closed on exec so that no child inherits its locks.
    package static func open(_ path: String, _ flags: Int32) throws(PosixFailure) -> Int32 {
        try retrying("open", path) { Glibc.open(path, flags | O_CLOEXEC, 0o644) }
    }

    package static func status(of descriptor: Int32, path: String) throws(PosixFailure) -> Status {
        var status = stat()
        try retrying("inspect", path) { fstat(descriptor, &status) }
        return Status(status)
    }

    /// The status of a path, not following a last symbolic link; `nil` when nothing is there.
    package static func status(at path: String) throws(PosixFailure) -> Status? {
        var status = stat()
        if lstat(path, &status) == 0 { return Status(status) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw PosixFailure(code: errno, path: path, operation: "inspect")
    }

    /// Writes all bytes at `offset`.
    package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int, path: String)
        throws(PosixFailure)
    {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try retrying("write", path) { pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done)) }
        }
    }

    /// Reads at `offset` into `buffer`; fewer bytes than asked for only at the end of the file.
    package static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int, path: String)
        throws(PosixFailure) -> Int
    {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try retrying("read", path) { pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done)) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    package static func truncate(_ descriptor: Int32, to size: Int, path: String) throws(PosixFailure) {
        try retrying("truncate", path) { ftruncate(descriptor, off_t(size)) }
    }

    /// Returns when the file's bytes are on the disk.
    package static func sync(_ descriptor: Int32, path: String) throws(PosixFailure) {
        try retrying(syncOperation, path) { fsync(descriptor) }
    }

    /// What a failure of `sync` names.
    package static let syncOperation = "sync"

    /// Returns when the file's bytes, and as much of its length as reading them needs, are on the disk.
    package static func syncData(_ descriptor: Int32, path: String) throws(PosixFailure) {
        try retrying(syncOperation, path) { fdatasync(descriptor) }
    }

    /// Returns when the folder's names are on the disk: a renamed file can vanish at power loss before.
    package static func syncFolder(_ path: String) throws(PosixFailure) {
        let descriptor = try open(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        try sync(descriptor, path: path)
    }

    package static func rename(_ source: String, to target: String) throws(PosixFailure) {
        try retrying("rename to \(target)", source) { Glibc.rename(source, target) }
    }

    /// Gives a file a second name, which must not be there.
    package static func link(_ source: String, to target: String) throws(PosixFailure) {
        try retrying("link to \(target)", source) { Glibc.link(source, target) }
    }

    /// Removes a file; `false` when there was none.
    @discardableResult package static func remove(_ path: String) throws(PosixFailure) -> Bool {
        if unlink(path) == 0 { return true }
        if errno == ENOENT { return false }
        throw PosixFailure(code: errno, path: path, operation: "remove")
    }

    /// Makes a folder and those above it; each new name is synced. An existing folder is no error.
    package static func makeFolders(_ path: String) throws(PosixFailure) {
        if mkdir(path, 0o755) != 0 {
            let code = errno
            let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            if code == EEXIST {
                var status = stat()
                guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                    throw PosixFailure(code: ENOTDIR, path: path, operation: "create the folder")
                }
                return
            }
            guard code == ENOENT, !parent.isEmpty else {
                throw PosixFailure(code: code, path: path, operation: "create the folder")
            }
            try makeFolders(parent)
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
                throw PosixFailure(code: errno, path: path, operation: "create the folder")
            }
        }
        try syncFolder(path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
    }

    /// Asks the kernel to read a range into the page cache, without waiting for it.
    static func readAhead(_ descriptor: Int32, at offset: Int, count: Int) {
        _ = posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
    }

    /// Turns writing past the page cache on or off for an open file; `false` where the file system knows no such thing.
    static func setDirect(_ descriptor: Int32, _ isOn: Bool) -> Bool {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0 else { return false }
        return fcntl(descriptor, F_SETFL, isOn ? flags | direct : flags & ~direct) == 0
    }

    /// O_DIRECT, which Swift's Glibc module does not declare.
    #if arch(x86_64)
        private static let direct: Int32 = 0o40000
    #else
        private static let direct: Int32 = 0o200000
    #endif

    /// Bytes that this user may still write to the file system of a path. A quota may leave fewer.
    package static func freeBytes(at path: String) throws(PosixFailure) -> Int {
        var status = statvfs()
        try retrying("inspect the file system of", path) { statvfs(path, &status) }
        // Some file systems say that they have no end.
        let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        return overflow ? .max : bytes
    }

    /// Sets a file's modification time to now.
    package static func touch(_ descriptor: Int32, path: String) throws(PosixFailure) {
        try retrying("touch", path) { futimens(descriptor, nil) }
    }

    /// Takes the lock of an open file without waiting, exclusive or shared; `false` when another open file description
    /// holds one that excludes it.
    package static func tryLock(_ descriptor: Int32, shared: Bool = false, path: String) throws(PosixFailure) -> Bool {
        while flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            if errno != EINTR { throw PosixFailure(code: errno, path: path, operation: "lock") }
        }
        return true
    }

    /// Closes a file and gives up its lock, now: a process that another thread is just starting shares the open file, and with it
    /// the lock, until its exec. Source: flock(2).
    package static func closeUnlocking(_ descriptor: Int32) {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The names in a folder, without "." and "..".
    package static func names(in folder: String) throws(PosixFailure) -> [String] {
        guard let stream = opendir(folder) else { throw PosixFailure(code: errno, path: folder, operation: "list") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    @discardableResult
    private static func retrying<Result: SignedInteger>(_ operation: String, _ path: String, _ call: () -> Result)
        throws(PosixFailure) -> Result
    {
        while true {
            let result = call()
            if result >= 0 { return result }
            if errno != EINTR { throw PosixFailure(code: errno, path: path, operation: operation) }
        }
    }
}
