import Foundation
import Processes

/// A folder of one external training's own, in the host's place for temporary files, gone when the job is.
///
/// A runner that is killed leaves its folder behind; the next one of the same user removes what belongs to no living process.
struct JobFolder {
    let path: String

    init() throws {
        let parent = FileManager.default.temporaryDirectory.path + "/sower-jobs-\(getuid())"
        guard mkdir(parent, 0o700) == 0 || errno == EEXIST else { throw ProcessError.system("mkdir", errno) }
        // In a folder that everybody may write to, somebody else may have been first.
        var status = stat()
        guard lstat(parent, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid() else {
            throw ProcessError.system("mkdir", EPERM)
        }
        Self.removeAbandoned(in: parent)
        var template = Array((parent + "/\(getpid())-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw ProcessError.system("mkdtemp", errno) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    private static func removeAbandoned(in parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
            guard let process = name.split(separator: "-").first.flatMap({ pid_t($0) }) else { continue }
            guard kill(process, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: parent + "/" + name)
        }
    }
}
