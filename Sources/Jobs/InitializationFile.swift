import Artifacts
import Initializers
import Networks
import Tensors

/// A codebook a layer, as safetensors: `<layer>.centres` F32 `[k, K, K]` and `<layer>.counts` I64 `[k]`.
package struct CodebookFile {
    private let file: SafetensorsFile

    package init(_ file: SafetensorsFile) { self.file = file }

    package static func encode(_ codebooks: [(layer: String, codebook: KernelCodebook)], metadata: [String: String]) -> [UInt8] {
        SafetensorsWriter.encode(
            codebooks.flatMap { layer, codebook in
                [
                    SafetensorsTensor(name: "\(layer).centres", shape: codebook.centres.shape, floats: codebook.centres.values),
                    SafetensorsTensor(
                        name: "\(layer).counts", shape: [codebook.counts.count], int64s: codebook.counts.map(Int64.init)),
                ]
            }, metadata: metadata)
    }

    package func codebook(of layer: String) throws -> KernelCodebook {
        guard let centres = file.entry("\(layer).centres") else {
            throw JobError.malformedInput(name: file.file, reason: "it has no codebook for \(layer)")
        }
        return try KernelCodebook(
            centres: Tensor(shape: centres.shape, values: file.floats(centres.name)),
            counts: file.int64s("\(layer).counts").map { Int(clamping: $0) })
    }
}

/// An initialization of a network's first layers. A sampled one is codebook and assignment, a thirtieth of the filters' own size:
/// `<layer>.centres` F32 `[k, K, K]` and `<layer>.assignment` U8 `[O, C]`, the centre of each kernel. An aligned one is dense:
/// `<layer>` F32 `[O, C, K, K]`.
package struct InitializationFile {
    private let file: SafetensorsFile

    package init(_ file: SafetensorsFile) { self.file = file }

    package static func encode(
        _ layers: [(layer: ParameterDescription, centres: Tensor, assignment: [UInt8])], metadata: [String: String]
    ) -> [UInt8] {
        SafetensorsWriter.encode(
            layers.flatMap { layer, centres, assignment in
                [
                    SafetensorsTensor(name: "\(layer.name).centres", shape: centres.shape, floats: centres.values),
                    SafetensorsTensor(name: "\(layer.name).assignment", shape: Array(layer.shape[..<2]), uint8s: assignment),
                ]
            }, metadata: metadata)
    }

    package static func encode(dense layers: [(layer: String, filters: Tensor)], metadata: [String: String]) -> [UInt8] {
        SafetensorsWriter.encode(
            layers.map { SafetensorsTensor(name: $0.layer, shape: $0.filters.shape, floats: $0.filters.values) }, metadata: metadata)
    }

    /// The filters `[O, C, K, K]` of a layer.
    package func filters(of layer: ParameterDescription) throws -> Tensor {
        if let dense = file.entry(layer.name) {
            guard dense.shape == layer.shape else {
                throw JobError.malformedInput(
                    name: file.file, reason: "\(layer.name) has filters \(dense.shape), the network \(layer.shape)")
            }
            return Tensor(shape: layer.shape, values: try file.floats(layer.name))
        }
        guard let centres = file.entry("\(layer.name).centres"), let assignment = file.entry("\(layer.name).assignment") else {
            throw JobError.malformedInput(name: file.file, reason: "it has no filters for \(layer.name)")
        }
        guard assignment.shape == Array(layer.shape[..<2]), centres.shape.count == 3, Array(centres.shape[1...]) == Array(layer.shape[2...])
        else {
            throw JobError.malformedInput(
                name: file.file,
                reason: "\(layer.name) has assignments \(assignment.shape) and centres \(centres.shape), the network \(layer.shape)")
        }
        // Sampling needs the shares, expansion only the centres.
        let codebook = try KernelCodebook(
            centres: Tensor(shape: centres.shape, values: file.floats(centres.name)),
            counts: [Int](repeating: 1, count: centres.shape[0]))
        return try KernelSampler(codebook).expand(file.uint8s(assignment.name), shape: layer.shape)
    }
}
