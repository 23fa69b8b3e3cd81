import Artifacts
import Initializers
import Networks
import Studies
import Tensors

/// Gives a network its first weights, as a training's `StartSpec` says.
package enum NetworkStart {
    /// The whole `state_dict` before the first step. The network's own `load` checks the names and shapes of a file.
    static func state(_ start: StartSpec, shape: NetworkShape, seed: UInt64, inputs: JobInputs) throws -> DeferredState {
        switch start {
        case .random:
            return defaultState(shape: shape, seed: seed)
        case .gabor(let layers):
            var state = defaultState(shape: shape, seed: seed)
            for layer in try firstLayers(layers, of: shape) {
                state.replace(DeferredState.Entry(name: layer.name, shape: layer.shape) { try gabor(layer, seed: seed) })
            }
            return state
        case .weights(let job, let head):
            let state = StateDictFile.decode(try inputs.file("weights", of: job))
            return head == .keep ? state : freshHead(state, shape: shape, seed: seed)
        case .filters(let job, let layers):
            var state = defaultState(shape: shape, seed: seed)
            let file = try InitializationFile(inputs.file("initialization", of: job))
            for layer in try firstLayers(layers, of: shape) {
                state.replace(DeferredState.Entry(name: layer.name, shape: layer.shape) { try file.filters(of: layer) })
            }
            return state
        }
    }

    /// The filters `[O, C, K, K]` that a start without an artifact gives one of the network's layers; `nil` for a start that reads one.
    package static func drawnFilters(of layer: ParameterDescription, start: StartSpec, shape: NetworkShape, seed: UInt64) throws -> Tensor?
    {
        switch start {
        case .gabor(let layers) where try firstLayers(layers, of: shape).contains(layer): return try gabor(layer, seed: seed)
        case .random, .gabor: return defaultTensor(layer, of: shape, seed: SeedDerivation(root: seed).seed(layer.name))
        case .weights, .filters: return nil
        }
    }

    private static func gabor(_ layer: ParameterDescription, seed: UInt64) throws -> Tensor {
        try GaborFilters.tensor(shape: layer.shape, seed: SeedDerivation(root: seed).seed("gabor/\(layer.name)"))
    }

    /// Throws, naming the tensor, unless networks of `model` can start from the file: their names and shapes, but for the
    /// head where that is fresh.
    package static func check(_ file: SafetensorsFile, model: ModelSpec, head: HeadSpec) throws {
        let shape = try NetworkShape(model)
        let state = StateDictFile.decode(file)
        try (head == .keep ? state : freshHead(state, shape: shape, seed: 0))
            .check(against: shape.parameters, of: shape.architecture)
    }

    /// `state` with the default start in place of its final linear layer, whatever shape it had, if it had any.
    private static func freshHead(_ state: DeferredState, shape: NetworkShape, seed: UInt64) -> DeferredState {
        let head = [ParameterDescription.Kind.linearWeight, .linearBias].compactMap { kind in
            shape.parameters.last { $0.kind == kind }?.name
        }
        let fresh = defaultState(shape: shape, seed: seed).entries.filter { head.contains($0.name) }
        return DeferredState(entries: state.entries.filter { !head.contains($0.name) } + fresh)
    }

    /// The architecture's default start; each parameter draws from a stream of its own, named after it.
    package static func defaultState(shape: NetworkShape, seed: UInt64) -> DeferredState {
        let seeds = SeedDerivation(root: seed)
        return DeferredState(
            entries: shape.parameters.map { parameter in
                guard parameter.kind != .batchNormBatchCount else {
                    return DeferredState.Entry(name: parameter.name, shape: nil) { .integer(0) }
                }
                return DeferredState.Entry(name: parameter.name, shape: parameter.shape) {
                    defaultTensor(parameter, of: shape, seed: seeds.seed(parameter.name))
                }
            })
    }

    /// The default start of one parameter or buffer of `shape`; a batch count's is zero.
    package static func defaultTensor(_ parameter: ParameterDescription, of shape: NetworkShape, seed: UInt64) -> Tensor {
        switch parameter.kind {
        case .convolutionWeight: convolution(parameter, of: shape.architecture, seed: seed)
        case .linearWeight: linearWeight(parameter, of: shape.architecture, seed: seed)
        case .convolutionBias, .linearBias: bias(parameter, of: shape, seed: seed)
        case .batchNormWeight, .batchNormRunningVariance, .scalarScale: Tensor(repeating: 1, shape: parameter.shape)
        case .batchNormBias, .batchNormRunningMean, .batchNormBatchCount, .scalarBias: Tensor(zeros: parameter.shape)
        }
    }

    /// Source: torchvision's `ResNet` and `VGG`; PyTorch's `nn.Conv2d` for LeNet and Fixup's stem; for Fixup's blocks
    /// github.com/hongyi-zhang/Fixup, `cifar/models/fixup_resnet_cifar.py`. **Differs:** Caffe's own LeNet starts with
    /// Xavier's uniform weights and zero biases.
    private static func convolution(_ parameter: ParameterDescription, of architecture: Architecture, seed: UInt64) -> Tensor {
        let shape = parameter.shape
        switch architecture {
        case .resnet18, .customResNet18, .vgg11: return DefaultStart.convolution(shape: shape, seed: seed)
        case .lenet: return DefaultStart.convolutionLayer(shape: shape, seed: seed)
        case .fixupResNet20:
            if parameter.name.hasSuffix(".conv1.weight") {
                return DefaultStart.fixupConvolution(shape: shape, blocks: fixupBlocks, seed: seed)
            }
            if parameter.name.hasSuffix(".conv2.weight") { return Tensor(zeros: shape) }
            return DefaultStart.convolutionLayer(shape: shape, seed: seed)
        }
    }

    /// Three stages of three.
    private static let fixupBlocks = 9

    private static func linearWeight(_ parameter: ParameterDescription, of architecture: Architecture, seed: UInt64) -> Tensor {
        switch architecture {
        case .resnet18, .customResNet18, .lenet: DefaultStart.linearWeight(shape: parameter.shape, seed: seed)
        case .vgg11: DefaultStart.normalLinearWeight(shape: parameter.shape, seed: seed)
        case .fixupResNet20: Tensor(zeros: parameter.shape)
        }
    }

    private static func bias(_ parameter: ParameterDescription, of shape: NetworkShape, seed: UInt64) -> Tensor {
        switch shape.architecture {
        case .resnet18, .customResNet18, .lenet:
            let weight = parameter.name.dropLast("bias".count) + "weight"
            guard let inputs = shape.parameters.first(where: { $0.name == weight })?.shape[1...] else {
                preconditionFailure("\(parameter.name) is the bias of no layer")
            }
            return DefaultStart.bias(count: parameter.count, fanIn: inputs.reduce(1, *), seed: seed)
        case .vgg11, .fixupResNet20: return Tensor(zeros: parameter.shape)
        }
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
    package init(_ spec: ModelSpec) throws {
        guard let architecture = Architecture(rawValue: spec.architecture) else {
            throw JobError.unsupported("the architecture \(spec.architecture.prefix(80))")
        }
        try self.init(
            architecture: architecture, classes: spec.classes, channels: spec.channels, imageSize: spec.imageSize)
    }
}
