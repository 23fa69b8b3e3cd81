import Artifacts
import Initializers
import Networks
import Studies
import Tensors

/// Gives a network its first weights, as a training's `StartSpec` says.
enum NetworkStart {
    /// The whole `state_dict` before the first step.
    static func state(_ start: StartSpec, shape: NetworkShape, seed: UInt64, inputs: JobInputs) throws -> NetworkState {
        switch start {
        case .random:
            return defaultState(shape: shape, seed: seed)
        case .gabor(let layers):
            var state = defaultState(shape: shape, seed: seed)
            for layer in try firstLayers(layers, of: shape) {
                state[layer.name] = try GaborFilters.tensor(
                    shape: layer.shape, seed: SeedDerivation(root: seed).seed("gabor/\(layer.name)"))
            }
            return state
        case .weights(let job):
            return try StateDictFile.decode(inputs.file("weights", of: job))
        case .filters(let job, let layers):
            var state = defaultState(shape: shape, seed: seed)
            let file = try InitializationFile(inputs.file("initialization", of: job))
            for layer in try firstLayers(layers, of: shape) {
                state[layer.name] = try file.filters(of: layer)
            }
            return state
        }
    }

    /// torchvision's default start; each parameter draws from a stream of its own, named after it.
    static func defaultState(shape: NetworkShape, seed: UInt64) -> NetworkState {
        let seeds = SeedDerivation(root: seed)
        let fanIn = shape.parameters.first { $0.kind == .linearWeight }?.shape[1] ?? 1
        return NetworkState(
            entries: shape.parameters.map { parameter in
                let tensor: Tensor
                switch parameter.kind {
                case .convolutionWeight:
                    tensor = DefaultStart.convolution(shape: parameter.shape, seed: seeds.seed(parameter.name))
                case .linearWeight:
                    tensor = DefaultStart.linearWeight(shape: parameter.shape, seed: seeds.seed(parameter.name))
                case .linearBias:
                    tensor = DefaultStart.linearBias(
                        count: parameter.count, fanIn: fanIn, seed: seeds.seed(parameter.name))
                case .batchNormWeight, .batchNormRunningVariance:
                    tensor = Tensor(repeating: 1, shape: parameter.shape)
                case .batchNormBias, .batchNormRunningMean:
                    tensor = Tensor(zeros: parameter.shape)
                case .batchNormBatchCount:
                    return NetworkState.Entry(name: parameter.name, value: .integer(0))
                }
                return NetworkState.Entry(name: parameter.name, tensor: tensor)
            })
    }

    static func firstLayers(_ count: Int, of shape: NetworkShape) throws -> [ParameterDescription] {
        let layers = shape.initializableLayers
        guard (1...layers.count).contains(count) else {
            throw JobError.unsupported("\(count) layers of \(shape.architecture.rawValue), which has \(layers.count)")
        }
        return Array(layers[..<count])
    }
}

extension NetworkShape {
    /// The shape that a specification names.
    init(_ spec: ModelSpec) throws {
        guard let architecture = Architecture(rawValue: spec.architecture) else {
            throw JobError.unsupported("the architecture \(spec.architecture.prefix(80))")
        }
        try self.init(
            architecture: architecture, classes: spec.classes, channels: spec.channels, imageSize: spec.imageSize)
    }
}
