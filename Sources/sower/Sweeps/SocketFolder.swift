import Digests
import Foundation

/// The folder of a study's ipc sockets: short, since a socket's path has at most 107 bytes; private to the user; and the
/// same in every run of the study, so that a killed coordinator leaves nothing behind that the next does not take over.
///
/// libzmq takes an ipc path over from whoever has it; the ledger's lock keeps a second coordinator from getting here.
struct SocketFolder {
    let path: String
    var control: String { "ipc://\(path)/control" }
    var data: String { "ipc://\(path)/data" }
    /// Where `sower pause` and the like reach the coordinator.
    var commands: String { "ipc://\(path)/commands" }

    /// Where the folder is while a sweep of the study runs.
    init(find study: StudyFolder) { path = "/tmp/sower-\(getuid())-\(Digest(of: study.path).short)" }

    init(of study: StudyFolder) throws {
        self.init(find: study)
        let made = mkdir(path, 0o700) == 0
        guard made || errno == EEXIST else {
            throw Stop(.incomplete, "\(path) cannot be made: \(String(cString: strerror(errno)))", remedy: "Make room in /tmp.")
        }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o077 == 0 else {
            throw Stop(
                .configuration, "\(path) is not a private folder of this user, so its sockets could be somebody else's",
                remedy: "Remove it, or have its owner do so.")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
