import Foundation
import Processes

/// Unpacks an archive whose checksum was right, and still trusts no name in it.
enum Unpacking {
    /// The archive's folder `root`, unpacked below `folder`.
    ///
    /// Every name is looked at before anything is written: none may be absolute or go up. What has been written may be folders and
    /// regular files alone, so that no link leads out.
    ///
    /// Errors: ``DownloadError``, `CancellationError`.
    static func unpack(_ archive: String, _ packing: Packing, into folder: String) throws -> String {
        switch packing {
        case .none: return folder
        case .tarGzip(let root):
            _ = try program("gzip")
            let tar = try program("tar")
            try requirePlain(try output(of: tar, ["--list", "--gzip", "--file", archive], archive), archive)
            _ = try output(of: tar, ["--extract", "--gzip", "--no-same-owner", "--file", archive, "--directory", folder], archive)
            return try checked(folder, root, archive)
        case .zip(let root):
            let unzip = try program("unzip")
            try requirePlain(try output(of: unzip, ["-Z1", archive], archive), archive)
            _ = try output(of: unzip, ["-q", "-o", archive, "-d", folder], archive)
            return try checked(folder, root, archive)
        }
    }

    private static func program(_ name: String) throws(DownloadError) -> String {
        guard let path = Programs.path(of: name) else { throw .noProgram(name) }
        return path
    }

    private static func output(of program: String, _ arguments: [String], _ archive: String) throws -> String {
        do {
            return try OneShotProcess.output(of: program, arguments: arguments, environment: ProcessInfo.processInfo.environment)
        } catch ProcessError.failed(_, .signalled(SIGINT)), ProcessError.failed(_, .signalled(SIGTERM)) {
            // Ctrl-C reaches the children too.
            throw CancellationError()
        } catch {
            throw DownloadError.badArchive(file: (archive as NSString).lastPathComponent, reason: error.errorDescription ?? "\(error)")
        }
    }

    /// - Parameter names: a line each.
    static func requirePlain(_ names: String, _ archive: String) throws(DownloadError) {
        for name in names.split(separator: "\n") {
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            guard !name.hasPrefix("/"), !parts.contains(".."), !name.contains("\\") else {
                throw .badArchive(file: (archive as NSString).lastPathComponent, reason: "it has a member named \(name.prefix(200))")
            }
        }
    }

    private static func checked(_ folder: String, _ root: String, _ archive: String) throws(DownloadError) -> String {
        let name = (archive as NSString).lastPathComponent
        for path in FolderTree.paths(in: folder) {
            var status = stat()
            guard lstat("\(folder)/\(path)", &status) == 0 else { continue }
            guard [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else {
                throw .badArchive(file: name, reason: "\(path) is neither a file nor a folder")
            }
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: "\(folder)/\(root)", isDirectory: &isFolder), isFolder.boolValue else {
            throw .badArchive(file: name, reason: "it has no folder \(root)")
        }
        return "\(folder)/\(root)"
    }
}
