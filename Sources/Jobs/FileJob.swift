import Artifacts
import Coordination
import Studies

extension JobRunner {
    /// Vouches for a file that was put into the store before the job: hashes it again, and opens it as safetensors.
    ///
    /// Errors: ``JobError/missingFile(_:folder:)`` when the store lacks it, `ArtifactStoreError` when its bytes are others,
    /// `SafetensorsError` when it is another format.
    func file(_ spec: FileSpec, store: ArtifactStore) throws -> ArtifactNotice {
        guard store.size(of: spec.digest) == spec.size, let size = UInt64(exactly: spec.size) else {
            throw JobError.missingFile(spec, folder: store.folder)
        }
        try store.verify(spec.digest)
        _ = try SafetensorsFile(contentsOf: store.path(of: spec.digest))
        return ArtifactNotice(name: "weights", digest: spec.digest, size: size)
    }
}
