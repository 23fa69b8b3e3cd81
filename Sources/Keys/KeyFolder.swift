import Foundation
import Transport

/// The folder of a host's keys, this user's alone.
///
/// ```
/// identity.secret, identity.public    this host's pair, as coordinator or as worker
/// previous.secret, previous.public    the pair before a rotation, until it is confirmed
/// coordinator.public                  the key that this host's workers expect of their coordinator
/// authorized/NAME.public              the workers that this host's coordinators let in
/// revoked/NAME.public                 keys that are never let in again
/// running/HOST.PID                    coordinators that have read the folder, each locking its file
/// ```
package struct KeyFolder: Sendable {
    package let path: String

    package init(path: String) {
        let isAbsolute = path.hasPrefix("/")
        let whole = isAbsolute ? path : FileManager.default.currentDirectoryPath + "/" + path
        self.path = whole.count > 1 && whole.hasSuffix("/") ? String(whole.dropLast()) : whole
    }

    var authorizedPath: String { path + "/authorized" }
    var revokedPath: String { path + "/revoked" }
    var runningPath: String { path + "/running" }

    package var exists: Bool { access(path, F_OK) == 0 }

    /// Makes what is missing of the folders, and throws unless all of them are this user's alone.
    func prepare() throws(KeyError) {
        try Self.make(path)
        for folder in [authorizedPath, revokedPath, runningPath] { try Self.make(folder) }
    }

    /// Throws unless the folder and those in it, so far as they are there, are this user's alone.
    func check() throws(KeyError) {
        guard exists else { return }
        try KeyFile.check(path, isFolder: true)
        for folder in [authorizedPath, revokedPath, runningPath] where access(folder, F_OK) == 0 {
            try KeyFile.check(folder, isFolder: true)
        }
    }

    /// Makes a folder of mode 0700, and those above it that are missing.
    private static func make(_ path: String) throws(KeyError) {
        if mkdir(path, 0o700) != 0 {
            let code = errno
            let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            switch code {
            case EEXIST: break
            case ENOENT where !parent.isEmpty:
                try makeAbove(parent)
                guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .io(operation: "create", path: path, code: errno) }
            default: throw .io(operation: "create", path: path, code: code)
            }
        }
        try KeyFile.check(path, isFolder: true)
    }

    /// A folder on the way, which may be anybody's.
    private static func makeAbove(_ path: String) throws(KeyError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        guard errno == ENOENT, !parent.isEmpty else { throw .io(operation: "create", path: path, code: errno) }
        try makeAbove(parent)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .io(operation: "create", path: path, code: errno) }
    }

    static var comment: String {
        "\(NSUserName())@\(ProcessInfo.processInfo.hostName), \(ISO8601DateFormatter().string(from: Date()))"
            .unicodeScalars.map { (32..<127).contains($0.value) ? String($0) : "?" }.joined()
    }

    /// The public key in a file; `nil` when there is no such file.
    func publicKey(at path: String) throws(KeyError) -> PublicKey? {
        guard let text = try textIfThere(path) else { return nil }
        guard let key = PublicKey(z85: text) else { throw .malformed(path: path, reason: "its key is not Z85") }
        return key
    }

    func textIfThere(_ path: String) throws(KeyError) -> String? {
        do throws(KeyError) {
            return try KeyFile.read(path)
        } catch {
            if case .io(_, _, ENOENT) = error { return nil }
            throw error
        }
    }
}
