import Foundation

/// One file of the key folder: a line of 40 Z85 characters, and lines that begin with `#`. Private to this user from its first
/// moment on, and whole or not there.
enum KeyFile {
    static let byteLimit = 4096
    static let secretMode: mode_t = 0o400
    static let publicMode: mode_t = 0o600

    // MARK: Reading

    /// The file's key as text; throws unless the file is this user's alone and holds one line that can be a key.
    static func read(_ path: String) throws(KeyError) -> String {
        // O_NONBLOCK: opening a pipe that somebody has put there must not wait.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ELOOP { throw Self.symbolicLink(path, expected: "a regular file") }
            throw .io(operation: "read", path: path, code: errno)
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .io(operation: "inspect", path: path, code: errno) }
        try check(status, path: path, isFolder: false)
        var bytes = [UInt8](repeating: 0, count: byteLimit + 1)
        let count = Foundation.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw .io(operation: "read", path: path, code: errno) }
        guard count <= byteLimit else { throw .malformed(path: path, reason: "it has more than \(byteLimit) bytes") }
        do throws(Malformed) {
            return try key(in: Array(bytes[..<count]))
        } catch {
            throw .malformed(path: path, reason: error.reason)
        }
    }

    struct Malformed: Error, Equatable { var reason: String }

    /// The one line of 40 characters in a file's bytes. A comment begins with `#`, which no key does: its value is above 2³².
    static func key(in bytes: [UInt8]) throws(Malformed) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Malformed(reason: "it is not text") }
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
        guard lines.count == 1, let line = lines.first else {
            throw Malformed(reason: "it has \(lines.count) lines that are not comments, expected one")
        }
        guard line.utf8.count == 40 else { throw Malformed(reason: "its key has \(line.utf8.count) characters, expected 40") }
        return String(line)
    }

    // MARK: Checking

    /// Throws unless what is at `path` is a folder or a file of this user's alone.
    static func check(_ path: String, isFolder: Bool) throws(KeyError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw .io(operation: "inspect", path: path, code: errno) }
        try check(status, path: path, isFolder: isFolder)
    }

    private static func check(_ status: stat, path: String, isFolder: Bool) throws(KeyError) {
        let kind = isFolder ? "a folder" : "a regular file"
        if status.st_mode & S_IFMT == S_IFLNK { throw symbolicLink(path, expected: kind) }
        guard status.st_mode & S_IFMT == (isFolder ? S_IFDIR : S_IFREG) else {
            throw .unsafe(path: path, found: "something else than \(kind)", expected: kind, fix: "Move it away: mv '\(path)' '\(path).old'")
        }
        guard status.st_uid == geteuid() else {
            throw .unsafe(
                path: path, found: "of the user with the id \(status.st_uid)", expected: "of this user, \(geteuid())",
                fix: "Make your own keys elsewhere: --keys DIR, or have it given to you: sudo chown \(geteuid()) '\(path)'")
        }
        let mode = status.st_mode & 0o7777
        guard mode & 0o077 == 0 else {
            let right = isFolder ? 0o700 : path.hasSuffix(".secret") ? secretMode : publicMode
            throw .unsafe(
                path: path, found: "open to others, mode \(octal(mode))", expected: "mode \(octal(right))",
                fix: "chmod \(octal(right)) '\(path)'"
                    + (path.hasSuffix(".secret") ? " (and if others could have read it: sower keys rotate)" : ""))
        }
    }

    private static func symbolicLink(_ path: String, expected: String) -> KeyError {
        .unsafe(
            path: path, found: "a symbolic link", expected: expected,
            fix: "Put \(expected) in its place, or choose another folder: --keys DIR")
    }

    private static func octal(_ mode: mode_t) -> String { "0" + String(mode, radix: 8) }

    // MARK: Writing

    /// Writes a key file under a temporary name, synced, then gives it its own. `false`, and nothing is changed, when the name is
    /// taken and `replacing` does not hold.
    @discardableResult
    static func write(_ key: String, comment: String, to path: String, mode: mode_t, replacing: Bool) throws(KeyError) -> Bool {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let temporary = "\(folder)/.new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw .io(operation: "create", path: temporary, code: errno) }
        defer { unlink(temporary) }
        let bytes = Array("# \(comment)\n\(key)\n".utf8)
        // The mask of the process may have taken bits from the mode; it never adds any.
        let isWritten = fchmod(file, mode) == 0 && Foundation.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        let code = errno
        close(file)
        guard isWritten else { throw .io(operation: "write", path: temporary, code: code) }
        if replacing {
            guard rename(temporary, path) == 0 else { throw .io(operation: "rename to \(path)", path: temporary, code: errno) }
        } else if link(temporary, path) != 0 {
            if errno == EEXIST { return false }
            throw .io(operation: "create", path: path, code: errno)
        }
        try sync(folder: folder)
        return true
    }

    /// Returns when the folder's names are on the disk.
    static func sync(folder: String) throws(KeyError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .io(operation: "open", path: folder, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .io(operation: "sync", path: folder, code: errno) }
    }
}
