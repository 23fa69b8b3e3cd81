import Artifacts
import Coordination
import Foundation

/// A store of one replay's own beside the study's, with the same inputs: what is computed again must not come to lie among the results.
///
/// One that a killed replay has left behind is removed by the next.
struct ReplayFolder {
    let store: ArtifactStore
    private let path: String
    private static let prefix = "replay-"

    init(in folder: StudyFolder) throws {
        let files = FileManager.default
        for name in (try? files.contentsOfDirectory(atPath: folder.path)) ?? [] where name.hasPrefix(Self.prefix) {
            guard let process = pid_t(name.dropFirst(Self.prefix.count)), kill(process, 0) != 0, errno == ESRCH else { continue }
            try? files.removeItem(atPath: "\(folder.path)/\(name)")
        }
        path = "\(folder.path)/\(Self.prefix)\(getpid())"
        store = try ArtifactStore(folder: path)
    }

    /// Takes an artifact over without copying it.
    func link(_ artifact: ArtifactNotice, from source: ArtifactStore) throws {
        guard !store.contains(artifact.digest) else { return }
        guard source.contains(artifact.digest) else { throw ArtifactStoreError.missing(artifact.digest, folder: source.folder) }
        let target = store.path(of: artifact.digest)
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: target).deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.linkItem(atPath: source.path(of: artifact.digest), toPath: target)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
