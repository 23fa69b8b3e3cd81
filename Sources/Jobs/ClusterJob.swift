import Artifacts
import Initializers
import Networks
import Studies
import Tensors

extension JobRunner {
    /// Clusters the 2-D kernels of all source networks, layer by layer, and gives the codebook file.
    func cluster(_ spec: ClusterSpec, inputs: JobInputs) throws -> [UInt8] {
        let layers = try NetworkStart.firstLayers(spec.layers, of: NetworkShape(spec.model))
        guard let distance = KernelDistance(rawValue: spec.distance.rawValue) else {
            throw JobError.unsupported("the distance \(spec.distance.rawValue)")
        }
        let sources = try spec.sources.map { try inputs.file("weights", of: $0) }
        let codebooks = try layers.map { layer in
            let side = layer.shape[3]
            var kernels: [Float] = []
            kernels.reserveCapacity(layer.count * sources.count)
            for source in sources {
                let filters = try source.floats(layer.name)
                guard filters.count == layer.count else {
                    throw JobError.malformedInput(
                        name: source.file, reason: "\(layer.name) has \(filters.count) values, expected \(layer.count)")
                }
                kernels.append(contentsOf: filters)
            }
            let codebook = try KernelCodebook.cluster(
                kernels: Tensor(shape: [kernels.count / (side * side), side, side], values: kernels), distance: distance,
                k: spec.clusters, seed: SeedDerivation(root: spec.seed).seed(layer.name), threads: threads.count)
            return (layer: layer.name, codebook: codebook)
        }
        return CodebookFile.encode(codebooks, metadata: ["sower": "codebook 1", "distance": spec.distance.rawValue])
    }

    /// Draws every kernel of a new network from the codebook, and gives the initialization file.
    func sample(_ spec: SampleSpec, inputs: JobInputs) throws -> [UInt8] {
        let layers = try NetworkStart.firstLayers(spec.layers, of: NetworkShape(spec.model))
        let codebooks = CodebookFile(try inputs.file("codebook", of: spec.codebook))
        let drawn = try layers.map { layer in
            let codebook = try codebooks.codebook(of: layer.name)
            let assignment = KernelSampler(codebook).sample(
                outputs: layer.shape[0], inputs: layer.shape[1], seed: SeedDerivation(root: spec.seed).seed(layer.name))
            return (layer: layer, centres: codebook.centres, assignment: assignment)
        }
        return InitializationFile.encode(drawn, metadata: ["sower": "initialization 1"])
    }
}
