import Artifacts
import Initializers
import Networks
import Studies
import Tensors

extension JobRunner {
    /// Aligns the filters of all source networks and gives the initialization file: the mean filters of the first layers.
    ///
    /// Layer by layer: the filters are matched, each network is permuted so that matched filters have one place (with their batch
    /// norm and the next layer's input channels, so that it computes what it did), and the filters are averaged. What is left over
    /// of the new network, batch norm and later layers, keeps its default start.
    ///
    /// Source: the clustered-initialization study, section 2.4.2; its code too starts everything but these filters anew.
    func align(_ spec: AlignSpec, inputs: JobInputs) throws -> [UInt8] {
        let shape = try NetworkShape(spec.model)
        guard let matching = FilterMatching(rawValue: spec.matching.rawValue) else {
            throw JobError.unsupported("the matching \(spec.matching.rawValue)")
        }
        guard (1...max(1, shape.permutableLayers.count)).contains(spec.layers), !shape.permutableLayers.isEmpty else {
            throw JobError.unsupported(
                "\(spec.layers) aligned layers of \(shape.architecture.rawValue), which has \(shape.permutableLayers.count)")
        }
        let layers = Array(shape.permutableLayers[..<spec.layers])
        var networks = try spec.sources.map { try Self.tensors(of: layers, shape: shape, in: inputs.file("weights", of: $0)) }
        let means = try layers.map { layer in
            let orders = try matching.orders(of: networks.map { $0[layer.weight]! })
            for index in networks.indices { networks[index].permute(layer, by: orders[index]) }
            return (
                layer: layer.weight,
                filters: try MeanFilters.of(networks.map { $0[layer.weight]! }, unitLength: spec.mean == .unitFilters)
            )
        }
        return InitializationFile.encode(dense: means, metadata: ["sower": "initialization 1", "matching": spec.matching.rawValue])
    }

    /// What permutations of these layers change, of one network.
    private static func tensors(of layers: [PermutableLayer], shape: NetworkShape, in file: SafetensorsFile) throws -> NetworkState {
        let names = Set(layers.flatMap(\.tensors))
        return NetworkState(
            entries: try shape.parameters.filter { names.contains($0.name) }.map { parameter in
                let actual = file.entry(parameter.name)?.shape
                guard actual == parameter.shape else {
                    let found = actual.map { "has the shape \($0)" } ?? "is missing"
                    throw JobError.malformedInput(name: file.file, reason: "\(parameter.name) \(found), expected \(parameter.shape)")
                }
                return NetworkState.Entry(
                    name: parameter.name, tensor: Tensor(shape: parameter.shape, values: try file.floats(parameter.name)))
            })
    }
}
