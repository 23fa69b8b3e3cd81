import Digests
import Foundation

/// Why an artifact could not be stored or read.
package enum ArtifactStoreError: Error, Equatable, LocalizedError {
    /// The store has no artifact with the digest.
    case missing(Digest, folder: String)
    /// A file's bytes are not those its name promises.
    case digestMismatch(path: String, actual: Digest, expected: Digest)
    /// A file has, or would get, another number of bytes than announced.
    case sizeMismatch(path: String, actual: Int, expected: Int)
    /// A chunk does not continue the bytes received so far.
    case wrongOffset(path: String, actual: Int, expected: Int)
    /// Another process, or another object of this one, is receiving the same artifact.
    case busy(path: String)
    /// The path names a folder, a socket or a device.
    case notAFile(path: String)
    /// No room on the disk, or in the user's quota (`ENOSPC`, `EDQUOT`); nothing was published.
    case diskFull(path: String, operation: String)
    /// Not begun, because so many bytes would not fit.
    case noRoom(path: String, needed: Int, free: Int)
    /// Any other failed call, with its errno.
    case io(code: Int32, path: String, operation: String)

    /// The store's name for a failed system call.
    package init(_ failure: PosixFailure) {
        if failure.code == ENOSPC || failure.code == EDQUOT {
            self = .diskFull(path: failure.path, operation: failure.operation)
        } else {
            self = .io(code: failure.code, path: failure.path, operation: failure.operation)
        }
    }

    /// Whether nothing but room is wanting.
    package var isWantOfRoom: Bool {
        switch self {
        case .diskFull, .noRoom: true
        default: false
        }
    }

    package var errorDescription: String? {
        switch self {
        case .missing(let digest, let folder):
            "The artifact \(digest) is not in \(folder)"
        case .digestMismatch(let path, let actual, let expected):
            "\(path) has the digest \(actual), expected \(expected)"
        case .sizeMismatch(let path, let actual, let expected):
            "\(path) has \(actual) bytes, expected \(expected)"
        case .wrongOffset(let path, let actual, let expected):
            "A chunk of \(path) begins at byte \(actual), expected \(expected)"
        case .busy(let path):
            "\(path) is being received already"
        case .notAFile(let path):
            "\(path) is not a regular file"
        case .diskFull(let path, let operation):
            "Could not \(operation) \(path): the disk or the quota is full"
        case .noRoom(let path, let needed, let free):
            "\(path) needs \(needed) bytes, the disk has \(free) free"
        case .io(let code, let path, let operation):
            "Could not \(operation) \(path): \(String(cString: strerror(code))) (errno \(code))"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .missing:
            "Run the job that makes it again, or copy the file from a store that has it."
        case .digestMismatch:
            "Remove the file, so that it is fetched or computed again; check the disk (smartctl -a) if it happens twice."
        case .sizeMismatch:
            "Fetch the artifact again from its beginning."
        case .wrongOffset:
            "Ask for the chunk at the expected offset."
        case .busy:
            "Wait for the other transfer; it releases the file when it ends or dies."
        case .notAFile:
            "Give the path of a regular file."
        case .diskFull(let path, _), .noRoom(let path, _, _):
            "Free some space (df -h \(path)); the work goes on by itself then."
        case .io(let code, let path, _) where code == EACCES || code == EPERM || code == EROFS:
            "Make the folder writable for this user: ls -ld \(path)."
        case .io(let code, _, _) where code == EMFILE || code == ENFILE:
            "Raise the limit of open files: ulimit -n 65536."
        case .io(EIO, let path, _):
            "Check the disk below \(path): dmesg, smartctl -a."
        case .io:
            "Check the path and start the command again."
        }
    }
}
