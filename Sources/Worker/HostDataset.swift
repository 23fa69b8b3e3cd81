import Artifacts
import Coordination
import Digests
import Failpoints
import Foundation

/// The data sets that coordinators have sent to this host: a folder each, named by its digest, beside the store's artifacts.
///
/// Several workers may share it. Files arrive in the store by their digests and are linked from there, so that a folder is whole or
/// not there; what lies there from earlier is hashed again before it is used.
package struct HostDataset {
    let store: ArtifactStore

    package init(store: ArtifactStore) { self.store = store }

    /// The folder with the data set's files; `nil` when some of them are neither there nor in the store.
    package func place(_ notice: DatasetNotice) throws(ArtifactStoreError) -> String? {
        try storing { () throws(PosixFailure) in try PosixFile.makeFolders(folders) }
        let folder = Self.folder(of: notice.digest, inStore: store.folder)
        if isPlaced(notice, in: folder) { return folder }
        guard notice.files.allSatisfy({ store.size(of: $0.digest) == Int($0.size) }) else { return nil }
        removeLeftovers()
        let temporary = folders + "/.new-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        try storing { () throws(PosixFailure) in
            try PosixFile.makeFolders(temporary)
            for file in notice.files where file.name.contains("/") {
                try PosixFile.makeFolders(temporary + "/" + file.name.prefix { $0 != "/" })
            }
            for file in notice.files {
                let path = store.path(of: file.digest)
                try PosixFile.pass(.hostDataLinkBefore, "link", path)
                try PosixFile.link(path, to: temporary + "/" + file.name)
            }
            try PosixFile.pass(.hostDataSyncBefore, PosixFile.syncOperation, temporary)
            try PosixFile.syncFolder(temporary)
            try PosixFile.pass(.hostDataRenameBefore, "rename", temporary)
        }
        if rename(temporary, folder) != 0 {
            // Another worker of this host was quicker, or what was there is damaged.
            if isPlaced(notice, in: folder) { return folder }
            try? FileManager.default.removeItem(atPath: folder)
            try storing { () throws(PosixFailure) in try PosixFile.rename(temporary, to: folder) }
        }
        Failpoint.hostDataRenameAfter.pass()
        // From here on they are the folder's: the cache must neither count nor evict them.
        for file in notice.files { _ = try? store.remove(file.digest) }
        return isPlaced(notice, in: folder) ? folder : nil
    }

    /// What a worker that was killed in between has left; nobody takes so long to link a few files.
    private func removeLeftovers() {
        for name in (try? PosixFile.names(in: folders)) ?? [] where name.hasPrefix(".new-") {
            guard let status = try? PosixFile.status(at: folders + "/" + name),
                Int(Date().timeIntervalSince1970) - status.modifiedSeconds > 600
            else { continue }
            try? FileManager.default.removeItem(atPath: folders + "/" + name)
        }
    }

    private var folders: String { Self.folders(inStore: store.folder) }

    private static func folders(inStore store: String) -> String { store + "/datasets" }

    /// Where the data set with this digest lies once it has been sent.
    package static func folder(of digest: Digest, inStore store: String) -> String { folders(inStore: store) + "/" + digest.hex }

    /// Whether somebody's folder holds the data set: its files by their names, each with its digest. They may be links.
    package static func isWhole(_ folder: String, _ notice: DatasetNotice) -> Bool {
        notice.files.allSatisfy { isSound($0, at: URL(fileURLWithPath: "\(folder)/\($0.name)").resolvingSymlinksInPath().path) }
    }

    private func isPlaced(_ notice: DatasetNotice, in folder: String) -> Bool {
        notice.files.allSatisfy { Self.isSound($0, at: "\(folder)/\($0.name)") }
    }

    private static func isSound(_ file: ArtifactNotice, at path: String) -> Bool {
        guard let status = try? PosixFile.status(at: path), status.isRegular, status.size == Int(file.size),
            let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        else { return false }
        return Digest(of: data) == file.digest
    }

    private func storing(_ body: () throws(PosixFailure) -> Void) throws(ArtifactStoreError) {
        do throws(PosixFailure) { try body() } catch { throw ArtifactStoreError(error) }
    }
}
