import Foundation

/// Where a ledger may lie, and the files around it.
package enum LedgerFile {
    package static func folder(of path: String) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }

    package static func lockPath(of path: String) -> String { path + ".lock" }

    /// The file's size in bytes; `nil` when there is none.
    package static func size(at path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Makes the ledger's folder and those above it.
    package static func makeFolder(of path: String) throws(LedgerError) {
        do {
            try FileManager.default.createDirectory(atPath: folder(of: path), withIntermediateDirectories: true)
        } catch {
            throw .notWritable(path: path, detail: "the folder cannot be created: \(error.localizedDescription)")
        }
    }

    /// Returns when the folder's names are on the disk: a new ledger could vanish with its name at power loss before.
    package static func syncFolder(of path: String) throws(LedgerError) {
        let descriptor = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .io(path: path, detail: "the folder cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .io(path: path, detail: "the folder cannot be synced: \(String(cString: strerror(errno)))")
        }
    }

    /// Refuses a folder on another host: SQLite's shared memory and locks do not reach across hosts.
    ///
    /// - Parameter mounts: the text of /proc/self/mounts; the default is that of now.
    package static func requireLocalFileSystem(_ path: String, mounts: String? = nil) throws(LedgerError) {
        guard let resolved = realpath(folder(of: path), nil) else {
            throw .io(path: path, detail: "its folder: \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        guard let mounts = mounts ?? (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) else { return }
        if let type = fileSystemType(of: String(cString: resolved), mounts: mounts), networkTypes.contains(type) {
            throw .networkFileSystem(path: path, type: type)
        }
    }

    /// By name, since Foundation does not show statfs(2), whose magic number is the same for all of FUSE anyway.
    package static let networkTypes: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "fuse.sshfs", "fuse.smbnetfs", "fuse.glusterfs", "fuse.ceph",
        "fuse.rclone", "fuse.s3fs",
    ]

    /// The type of the mount that holds an absolute path without links: the longest mount point, the latest of equals.
    ///
    /// - Parameter mounts: the text of /proc/self/mounts, where a space in a name is `\040`. Source: proc(5), fstab(5).
    package static func fileSystemType(of path: String, mounts: String) -> String? {
        var best: (length: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 3 else { continue }
            let point = fields[1].replacingOccurrences(of: "\\040", with: " ")
            let holds = point == "/" || path == point || path.hasPrefix(point + "/")
            if holds, point.utf8.count >= best?.length ?? 0 { best = (point.utf8.count, String(fields[2])) }
        }
        return best?.type
    }
}
