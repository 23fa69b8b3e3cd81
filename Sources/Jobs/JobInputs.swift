import Artifacts
import Coordination
import Studies

/// The artifacts a job reads, by the job that made them and their name within it.
struct JobInputs {
    let store: ArtifactStore
    private let artifacts: [JobID: [ArtifactNotice]]

    init(_ inputs: [InputArtifact], storePath: String) throws {
        store = try ArtifactStore(folder: storePath)
        artifacts = Dictionary(grouping: inputs, by: \.job).mapValues { $0.map(\.artifact) }
    }

    /// The artifact called `name` of `job`, mapped into memory; its digest was checked when it arrived in the store.
    func file(_ name: String, of job: JobID) throws -> SafetensorsFile {
        guard let artifact = artifacts[job]?.first(where: { $0.name == name }), store.contains(artifact.digest) else {
            throw JobError.missingInput(job, name: name)
        }
        return try SafetensorsFile(contentsOf: store.path(of: artifact.digest))
    }
}
