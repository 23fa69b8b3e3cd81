import Artifacts
import Networks
import Tensors

/// A network's `state_dict` as safetensors, with torchvision's names and shapes: what `safetensors.torch.load_file` reads.
package enum StateDictFile {
    package static func encode(_ state: NetworkState, metadata: [String: String] = [:]) -> [UInt8] {
        SafetensorsWriter.encode(
            state.entries.map { entry in
                switch entry.value {
                case .float(let tensor): SafetensorsTensor(name: entry.name, shape: tensor.shape, floats: tensor.values)
                case .integer(let count): SafetensorsTensor(name: entry.name, shape: [], int64s: [count])
                }
            }, metadata: metadata)
    }

    /// The state in a file; the network's own `load` checks names and shapes.
    package static func decode(_ file: SafetensorsFile) throws -> NetworkState {
        NetworkState(
            entries: try file.entries.map { entry in
                guard entry.dtype == .int64, entry.shape.isEmpty else {
                    return NetworkState.Entry(
                        name: entry.name, tensor: Tensor(shape: entry.shape, values: try file.floats(entry.name)))
                }
                return NetworkState.Entry(name: entry.name, value: .integer(try file.int64s(entry.name)[0]))
            })
    }
}
