import Artifacts
import Coordination
import Foundation
import Networks
import Studies

/// A start as a dense `state_dict`, for use outside of studies: exactly what a training that begins with it has before its first step.
package enum InitializationExport {
    /// Why a start cannot be written.
    package enum Failure: Error, Equatable, LocalizedError {
        case exists(path: String)
        case notWritten(path: String, reason: String)

        package var errorDescription: String? {
            switch self {
            case .exists(let path): "\(path) is there already"
            case .notWritten(let path, let reason): "\(path) cannot be written: \(reason)"
            }
        }

        package var recoverySuggestion: String? {
            switch self {
            case .exists: "Give another name, or remove it first."
            case .notWritten: "Give a file in a folder that this user may write to, on a disk with room."
            }
        }
    }

    /// Writes a new file with the tensors of `model`, under torchvision's names and shapes: F32, and I64 scalars for batch counts.
    ///
    /// - Parameters:
    ///   - seed: keys what the start itself draws, as a training's `seeds.weights` does.
    ///   - inputs: the artifacts that the start reads, in `store`.
    ///   - metadata: texts for the file's header, beside `format`.
    /// Errors: ``Failure``, and those of making the start: `JobError`, `NetworkError`, `SafetensorsError`, `ArtifactStoreError`.
    package static func write(
        _ start: StartSpec, model: ModelSpec, seed: UInt64, inputs: [InputArtifact], store: ArtifactStore,
        metadata: [String: String], to path: String
    ) throws {
        guard !FileManager.default.fileExists(atPath: path) else { throw Failure.exists(path: path) }
        let shape = try NetworkShape(model)
        let network = Network(shape: shape, maximumBatch: 1)
        try network.load(NetworkStart.state(start, shape: shape, seed: seed, inputs: JobInputs(inputs, store: store)))
        // Whole or not at all under its own name.
        let partial = "\(path).partial-\(getpid())"
        do {
            try StateDictFile.write(network, to: partial, metadata: metadata.merging(["format": "pt"]) { own, _ in own })
            guard link(partial, path) == 0 else {
                if errno == EEXIST { throw Failure.exists(path: path) }
                throw Failure.notWritten(path: path, reason: String(cString: strerror(errno)))
            }
            unlink(partial)
        } catch {
            let reason = String(cString: strerror(errno))
            unlink(partial)
            throw error is Failure ? error : Failure.notWritten(path: path, reason: reason)
        }
    }
}
