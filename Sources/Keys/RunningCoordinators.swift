import Foundation

/// Which coordinators have read a key folder, so that they can be told to look again.
///
/// Each holds a `flock` on a file named after its host and process: the kernel drops it with the process, however that ends, so
/// that a process with a locked file is the coordinator and no other. A home directory may be on several hosts; only those of this
/// one are signalled.
package final class RunningCoordinators {
    private let path: String
    private let descriptor: Int32

    /// Says that this process has read the folder's keys, until this object goes away.
    package init(announcingIn folder: KeyFolder) throws(KeyError) {
        try folder.prepare()
        for earlier in Self.all(in: folder) where !earlier.isLocked && earlier.host == Self.host { unlink(earlier.path) }
        path = "\(folder.runningPath)/\(Self.host).\(getpid())"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .io(operation: "create", path: path, code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw .io(operation: "lock", path: path, code: code)
        }
    }

    deinit {
        unlink(path)
        close(descriptor)
    }

    /// Has every coordinator of this host that has read the folder look at it again.
    ///
    /// - Returns: how many were told, and the commands for those of other hosts.
    package static func reload(_ folder: KeyFolder) -> (told: Int, commands: [String]) {
        var told = 0
        var commands: [String] = []
        for coordinator in all(in: folder) where coordinator.isLocked {
            if coordinator.host != host {
                commands.append("ssh \(coordinator.host) kill -HUP \(coordinator.process)")
            } else if kill(coordinator.process, SIGHUP) == 0 {
                told += 1
            } else {
                commands.append("kill -HUP \(coordinator.process)")
            }
        }
        return (told, commands)
    }

    private struct Mark {
        var path: String
        var host: String
        var process: Int32

        var isLocked: Bool {
            let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else { return false }
            defer { close(file) }
            return flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
        }
    }

    /// This host's name as a part of a file's name.
    private static var host: String {
        let name = ProcessInfo.processInfo.hostName
        return KeyFolder.isName(name) ? name : "host"
    }

    private static func all(in folder: KeyFolder) -> [Mark] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.runningPath)) ?? []
        return names.sorted().compactMap { name in
            guard let dot = name.lastIndex(of: "."), KeyFolder.isName(name),
                let process = Int32(name[name.index(after: dot)...]), process > 1
            else { return nil }
            return Mark(path: "\(folder.runningPath)/\(name)", host: String(name[..<dot]), process: process)
        }
    }
}
