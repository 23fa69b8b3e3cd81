import Digests
import Foundation

extension ArtifactStore {
    /// Removes an artifact; `false` when it was not here. A reader that has it open keeps its bytes.
    @discardableResult package func remove(_ digest: Digest) throws(ArtifactStoreError) -> Bool {
        try storing { () throws(PosixFailure) in
            let path = path(of: digest)
            try PosixFile.pass(.artifactRemoveBefore, "remove", path)
            guard try PosixFile.remove(path) else { return false }
            try PosixFile.pass(.artifactRemoveAfter, PosixFile.syncOperation, path)
            try PosixFile.syncFolder(objectFolder(of: digest))
            return true
        }
    }

    /// Moves an artifact out of the way if its bytes are not what its digest promises, to `damaged/` for whoever wants to
    /// look at it; the answer is whether they were not. Nothing is done about an artifact that is not here.
    ///
    /// Costs one read of the artifact. Throws `.io`.
    @discardableResult package func setAsideIfDamaged(_ digest: Digest, size: Int? = nil) throws(ArtifactStoreError) -> Bool {
        guard let found = self.size(of: digest) else { return false }
        if size.map({ $0 == found }) ?? true {
            do throws(ArtifactStoreError) {
                try verify(digest)
                return false
            } catch {
                switch error {
                case .digestMismatch: break
                case .missing: return false
                // What the disk can no longer read is as good as changed.
                case .io(EIO, _, _): break
                default: throw error
                }
            }
        }
        try storing { () throws(PosixFailure) in
            try PosixFile.makeFolders(folder + "/damaged")
            try PosixFile.rename(path(of: digest), to: folder + "/damaged/" + digest.hex)
            try PosixFile.syncFolder(objectFolder(of: digest))
        }
        return true
    }

    /// Removes every artifact but those in `wanted`, and what was only half written; the answer is how many artifacts.
    /// Nobody may be writing.
    @discardableResult package func removeAll(except wanted: Set<Digest>) throws(ArtifactStoreError) -> Int {
        let unwanted = try digests().filter { !wanted.contains($0) }
        for digest in unwanted { try remove(digest) }
        // However young they are.
        try removeAbandonedFiles(olderThan: .seconds(-3600))
        return unwanted.count
    }

    /// Removes what crashed writers left in `tmp` and `partial`, and what was set aside; the answer is how many files.
    ///
    /// Give an age that no living write reaches; a removed partial artifact only has to be fetched again.
    @discardableResult package func removeAbandonedFiles(olderThan age: Duration) throws(ArtifactStoreError) -> Int {
        let limit = time(nil) - Int(age.components.seconds)
        return try storing { () throws(PosixFailure) in
            var count = 0
            for folder in [folder + "/tmp", folder + "/partial", folder + "/damaged"] {
                // Nothing may have been set aside yet.
                guard try PosixFile.status(at: folder) != nil else { continue }
                for name in try PosixFile.names(in: folder) {
                    let path = folder + "/" + name
                    guard let status = try PosixFile.status(at: path), status.isRegular, status.modifiedSeconds < limit
                    else { continue }
                    if try PosixFile.remove(path) { count += 1 }
                }
            }
            return count
        }
    }
}
