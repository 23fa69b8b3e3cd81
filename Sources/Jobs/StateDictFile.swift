import Artifacts
import Foundation
import Networks
import Tensors

/// A network's `state_dict` as safetensors, with torchvision's names and shapes: what `safetensors.torch.load_file` reads.
package enum StateDictFile {
    /// F32 tensors, and I64 scalars for the batch counts. Beside the state, memory holds the result alone.
    package static func encode(_ state: NetworkState, metadata: [String: String] = [:]) -> [UInt8] {
        SafetensorsWriter.encode(
            state.entries.map { entry in
                switch entry.value {
                case .float(let tensor): SafetensorsTensor(name: entry.name, shape: tensor.shape, floats: tensor.values)
                case .integer(let count): SafetensorsTensor(name: entry.name, shape: [], int64s: [count])
                }
            }, metadata: metadata)
    }

    /// Publishes the state of a network: the same bytes, written as they are made.
    package static func put(
        _ network: Network, into store: ArtifactStore, metadata: [String: String] = [:]
    ) throws(ArtifactStoreError) -> ArtifactReference {
        let entries = sources(network)
        return try store.put { (sink) throws(ArtifactStoreError) in
            try SafetensorsWriter.write(entries, metadata: metadata, to: sink)
        }
    }

    /// Writes the same bytes into a new file.
    static func write(_ network: Network, to path: String, metadata: [String: String] = [:]) throws {
        guard let file = fopen(path, "wxe") else { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path]) }
        var isWritten = true
        SafetensorsWriter.write(sources(network), metadata: metadata) { piece in
            isWritten = isWritten && (piece.isEmpty || fwrite(piece.baseAddress!, 1, piece.count, file) == piece.count)
        }
        isWritten = fclose(file) == 0 && isWritten
        guard isWritten else { throw CocoaError(.fileWriteOutOfSpace, userInfo: [NSFilePathErrorKey: path]) }
    }

    private static func sources(_ network: Network) -> [SafetensorsSource] {
        network.streamedState.map { entry in
            SafetensorsSource(
                name: entry.name, dtype: entry.isInteger ? .int64 : .float32, shape: entry.shape,
                forEachPiece: entry.forEachPiece)
        }
    }

    /// The state in a file, of any float type, with I64 or I32 scalars; tensors are read when they are needed. The
    /// network's own `load` checks names and shapes.
    package static func decode(_ file: SafetensorsFile) -> DeferredState {
        DeferredState(
            entries: file.entries.map { entry in
                let name = entry.name
                if entry.shape.isEmpty, entry.dtype == .int64 || entry.dtype == .int32 {
                    return DeferredState.Entry(name: name, shape: nil) { .integer(try file.int64s(name)[0]) }
                }
                return DeferredState.Entry(name: name, shape: entry.shape) {
                    Tensor(shape: entry.shape, values: try file.floats(name))
                }
            })
    }
}
