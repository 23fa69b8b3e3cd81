import CKernels
import Tensors

/// All values, gradients and momenta of a network, each in one flat buffer, so that an update is one pass.
package final class ParameterStore {
    private let architecture: Architecture
    private let all: [ParameterDescription]
    private let descriptions: [String: ParameterDescription]
    private let values, gradients, momentum: FloatBuffer
    private let deadValues, deadMomentum: FloatBuffer
    private let buffers: FloatBuffer
    private var used = 0, deadUsed = 0, buffersUsed = 0
    private var parameters: [String: Parameter] = [:]
    private var stateBuffers: [String: StateBuffer] = [:]
    /// Training batches seen since the state was made: `num_batches_tracked` of every batch norm.
    var batchCounts: [String: Int64] = [:]
    /// Updates that dead taps have not had yet.
    private var pending: (settings: SGDSettings, learningRate: Double, steps: Int)?

    /// A store for these parameters and buffers, in the order of the `state_dict`.
    package init(_ all: [ParameterDescription], architecture: Architecture) {
        self.architecture = architecture
        self.all = all
        descriptions = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        // Each region starts on a cache line, so up to 15 floats are lost before it.
        func capacity(_ list: [ParameterDescription]) -> Int { list.reduce(0) { $0 + $1.count + 16 } }
        let learned = all.filter(\.isLearned)
        values = FloatBuffer(count: capacity(learned))
        gradients = FloatBuffer(count: capacity(learned))
        momentum = FloatBuffer(count: capacity(learned))
        deadValues = FloatBuffer(count: capacity(learned))
        deadMomentum = FloatBuffer(count: capacity(learned))
        buffers = FloatBuffer(count: capacity(all.filter { !$0.isLearned }))
        for parameter in all where parameter.kind == .batchNormBatchCount { batchCounts[parameter.name] = 0 }
    }

    /// Gives the parameter called `name` its place. Each must be taken exactly once.
    package func parameter(_ name: String, layout: WeightLayout = .plain) -> Parameter {
        guard let description = descriptions[name], parameters[name] == nil else {
            preconditionFailure("\(name) is not a parameter of \(architecture), or was taken twice")
        }
        let live = layout.liveCount(of: description.count)
        let dead = description.count - live
        let parameter = Parameter(
            description: description, layout: layout,
            values: values.pointer + used, gradients: gradients.pointer + used, momentum: momentum.pointer + used,
            count: live,
            deadValues: deadValues.pointer + deadUsed, deadMomentum: deadMomentum.pointer + deadUsed, deadCount: dead)
        used += (live + 15) & ~15
        deadUsed += (dead + 15) & ~15
        parameters[name] = parameter
        return parameter
    }

    /// Gives the buffer called `name` its place, likewise.
    package func buffer(_ name: String) -> StateBuffer {
        guard let description = descriptions[name], stateBuffers[name] == nil else {
            preconditionFailure("\(name) is not a buffer of \(architecture), or was taken twice")
        }
        let buffer = StateBuffer(description: description, values: buffers.pointer + buffersUsed)
        buffersUsed += (description.count + 15) & ~15
        stateBuffers[name] = buffer
        return buffer
    }

    /// The number of learned elements that can have a gradient, and that cannot.
    var liveAndDeadCounts: (live: Int, dead: Int) {
        (parameters.values.reduce(0) { $0 + $1.count }, parameters.values.reduce(0) { $0 + $1.deadCount })
    }

    // MARK: Update

    /// Forgets all momentum, as a new optimizer does.
    package func clearMomentum() {
        applyPendingUpdates()
        momentum.clear()
        deadMomentum.clear()
    }

    /// One step of SGD on every parameter, from the gradients at hand.
    package func update(_ settings: SGDSettings, learningRate: Double) {
        sower_sgd_update(
            values.pointer, gradients.pointer, momentum.pointer, used, Float(learningRate), Float(settings.momentum),
            Float(settings.weightDecay))
        if let waiting = pending, waiting.settings == settings, waiting.learningRate == learningRate {
            pending!.steps += 1
        } else {
            applyPendingUpdates()
            pending = (settings, learningRate, 1)
        }
    }

    /// Brings dead taps up to date: without a gradient, k steps are a linear map of (value, momentum), M to the k.
    package func applyPendingUpdates() {
        guard let (settings, rate, steps) = pending else { return }
        pending = nil
        let m = DeadTapRecurrence(settings: settings, learningRate: rate).power(steps)
        withUnsafeBytes(of: m) {
            sower_linear_recurrence(
                deadValues.pointer, deadMomentum.pointer, deadUsed, $0.assumingMemoryBound(to: Double.self).baseAddress)
        }
    }

    // MARK: State

    /// Replaces every value and clears the momentum. A missing batch count is zero, as torch reads older files.
    package func load(_ state: NetworkState) throws(NetworkError) {
        var entries: [String: NetworkState.Value] = [:]
        for entry in state.entries {
            guard let description = descriptions[entry.name] else {
                throw .unexpectedTensor(name: entry.name, architecture: architecture)
            }
            guard entries.updateValue(entry.value, forKey: entry.name) == nil else {
                throw .duplicateTensor(name: entry.name)
            }
            let isCount = description.kind == .batchNormBatchCount
            switch entry.value {
            case .integer where !isCount:
                throw .wrongType(name: entry.name, actual: "an integer", expected: "float32 \(description.shape)")
            case .float where isCount:
                throw .wrongType(name: entry.name, actual: "float32", expected: "an integer")
            case .float(let tensor) where tensor.shape != description.shape:
                throw .wrongShape(name: entry.name, actual: tensor.shape, expected: description.shape)
            default: break
            }
        }
        for description in all
        where entries[description.name] == nil && description.kind != .batchNormBatchCount {
            throw .missingTensor(name: description.name, shape: description.shape)
        }
        // Nothing is written before everything has been checked.
        pending = nil
        clearMomentum()
        for name in batchCounts.keys { batchCounts[name] = 0 }
        for (name, value) in entries {
            switch value {
            case .integer(let count): batchCounts[name] = count
            case .float(let tensor):
                if let parameter = parameters[name] {
                    parameter.load(tensor)
                } else {
                    let buffer = stateBuffers[name]!
                    for (index, value) in tensor.values.enumerated() { buffer.values[index] = value }
                }
            }
        }
    }

    /// Everything in torch's names, shapes and order, dead taps brought up to date.
    package func state() -> NetworkState {
        applyPendingUpdates()
        return NetworkState(
            entries: all.map { description in
                let name = description.name
                if let parameter = parameters[name] { return .init(name: name, tensor: parameter.tensor()) }
                if let count = batchCounts[name] { return .init(name: name, value: .integer(count)) }
                let values = UnsafeBufferPointer(start: stateBuffers[name]!.values, count: description.count)
                return .init(name: name, tensor: Tensor(shape: description.shape, values: Array(values)))
            })
    }

    /// The gradients of the last backward pass, learned parameters only.
    package func gradientState() -> NetworkState {
        NetworkState(
            entries: all.filter(\.isLearned).map {
                .init(name: $0.name, tensor: parameters[$0.name]!.gradientTensor())
            })
    }
}
