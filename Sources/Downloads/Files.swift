import Foundation

enum FileSize {
    /// Of a regular file; nil when there is none.
    static func of(_ path: String) -> Int? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// What is free for this user where the path is.
    static func free(at path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        // Some file systems say that they have no end.
        let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        return overflow ? .max : bytes
    }
}

enum FileBytes {
    /// The bytes of a file, piece by piece.
    static func forEach(of path: String, _ body: ([UInt8]) -> Void) throws(DownloadError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .changed(folder: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, 1 << 20)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .changed(folder: path, reason: String(cString: strerror(errno))) }
            if count == 0 { return }
            body(count == buffer.count ? buffer : Array(buffer[..<count]))
        }
    }
}
