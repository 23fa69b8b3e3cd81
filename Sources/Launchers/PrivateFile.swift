import Foundation
import Processes

/// Files that only their owner reads: whole or not at all, and never for an instant with another mode.
package enum PrivateFile {
    package static func write(_ data: Data, to path: String) throws {
        let temporary = "\(path).\(getpid()).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw ProcessError.system("open \(temporary)", errno) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: data)
        try file.synchronize()
        guard rename(temporary, path) == 0 else { throw ProcessError.system("rename \(temporary)", errno) }
    }
}
