import Artifacts
import Coordination
import Studies

/// The artifacts a job reads, by the job that made them and their name within it.
struct JobInputs {
    let store: ArtifactStore
    private let artifacts: [JobID: [ArtifactNotice]]

    init(_ inputs: [InputArtifact], store: ArtifactStore) {
        self.store = store
        artifacts = Dictionary(grouping: inputs, by: \.job).mapValues { $0.map(\.artifact) }
    }

    /// The artifact called `name` of `job`, mapped into memory.
    ///
    /// Its digest was checked when it arrived, which may be days ago: it is hashed once more, at 1 to 2 GB/s, before a job
    /// computes with it. One that has changed on the disk is set aside, so that the next attempt gets it anew.
    func file(_ name: String, of job: JobID) throws -> SafetensorsFile {
        guard let artifact = artifacts[job]?.first(where: { $0.name == name }) else { throw JobError.missingInput(job, name: name) }
        if try store.setAsideIfDamaged(artifact.digest, size: Int(artifact.size)) {
            throw JobError.damagedInput(job, name: name, folder: store.folder)
        }
        guard store.contains(artifact.digest) else { throw JobError.missingInput(job, name: name) }
        return try SafetensorsFile(contentsOf: store.path(of: artifact.digest))
    }

    /// A checkpoint to go on from; `nil` when it is missing, damaged or unreadable: the work is then done from its beginning.
    func checkpoint(_ artifact: ArtifactNotice) -> SafetensorsFile? {
        guard (try? store.setAsideIfDamaged(artifact.digest, size: Int(artifact.size))) == false else { return nil }
        return try? SafetensorsFile(contentsOf: store.path(of: artifact.digest))
    }
}
