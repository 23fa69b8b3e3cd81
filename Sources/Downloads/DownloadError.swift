import Foundation
import Processes

/// Why a data set could not be downloaded.
package enum DownloadError: Error, Equatable, LocalizedError {
    case noProgram(String)
    case occupied(folder: String)
    case noRoom(folder: String, needed: Int, free: Int)
    case unwritable(path: String, reason: String)
    /// Every address failed: each with what was said last.
    case unreachable(file: String, reasons: [String])
    case wrongSize(file: String, actual: Int, expected: Int)
    case wrongChecksum(file: String, actual: Checksum, expected: Checksum)
    /// An archive that holds what it must not, or lacks what it must hold.
    case badArchive(file: String, reason: String)
    /// A folder that was downloaded here, and is not any more what it was.
    case changed(folder: String, reason: String)

    package var errorDescription: String? {
        switch self {
        case .noProgram(let name): "there is no program \(name) on the PATH"
        case .occupied(let folder): "\(folder) is not empty, and does not hold this data set"
        case .noRoom(let folder, let needed, let free):
            "\(Self.megabytes(needed)) are needed in \(folder), \(Self.megabytes(free)) are free"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .unreachable(let file, let reasons): "\(file) could not be downloaded:\n  " + reasons.joined(separator: "\n  ")
        case .wrongSize(let file, let actual, let expected): "\(file) has \(actual) bytes, expected \(expected)"
        case .wrongChecksum(let file, let actual, let expected): "\(file) has the \(actual), expected \(expected)"
        case .badArchive(let file, let reason): "\(file) could not be unpacked: \(reason)"
        case .changed(let folder, let reason): "\(folder) is not any more what was downloaded: \(reason)"
        }
    }

    package var recoverySuggestion: String? {
        let mirror = "try another place with the same file: --mirror URL"
        switch self {
        case .noProgram(let name): return "apt-get install \(Self.packages[name] ?? name)"
        case .occupied: return "Name a new folder: --to DIR"
        case .noRoom: return "Make room, or name a folder on another disk: --to DIR"
        case .unwritable(let path, _):
            return "Look at its permissions and the free space: df -h \((path as NSString).deletingLastPathComponent)"
        case .unreachable: return "The same command goes on where this one ended; or \(mirror)"
        case .wrongSize, .wrongChecksum:
            return "The file there is another one, or was damaged on its way: run the command again, or \(mirror)"
        case .badArchive:
            return "Its checksum is right, so look at the free space (df -h) and at the unpacking program, and run the command again"
        case .changed(let folder, _): return "Download it again: rm -r \(folder), then the same command"
        }
    }

    static let packages = ["curl": "curl", "tar": "tar", "gzip": "gzip", "unzip": "unzip"]

    private static func megabytes(_ bytes: Int) -> String { "\((bytes + 999_999) / 1_000_000) MB" }
}
