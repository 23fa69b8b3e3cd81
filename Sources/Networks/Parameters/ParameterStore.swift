import CKernels
import Tensors

/// All values, gradients and momenta of a network, each in one flat buffer, so that an update is one pass.
package final class ParameterStore {
    private let architecture: Architecture
    private let all: [ParameterDescription]
    private let descriptions: [String: ParameterDescription]
    private let values, gradients, momentum: FloatBuffer
    private let dormant, dormantMeans, buffers: FloatBuffer
    private var used = 0, dormantUsed = 0, dormantMeansUsed = 0, buffersUsed = 0
    private var parameters: [String: Parameter] = [:]
    private var stateBuffers: [String: StateBuffer] = [:]
    /// Training batches seen since the state was made: `num_batches_tracked` of every batch norm.
    var batchCounts: [String: Int64] = [:]
    private var decay = DormantDecay()
    /// Stretches of the flat buffers with one learning rate factor, in order.
    private var rateStretches: [(range: Range<Int>, factor: Double)] = []

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
        dormant = FloatBuffer(count: capacity(learned))
        dormantMeans = FloatBuffer(count: capacity(learned))
        buffers = FloatBuffer(count: capacity(all.filter { !$0.isLearned }))
        for parameter in all where parameter.kind == .batchNormBatchCount { batchCounts[parameter.name] = 0 }
    }

    /// Gives the parameter called `name` its place. Each must be taken exactly once.
    package func parameter(_ name: String, layout: WeightLayout = .plain) -> Parameter {
        guard let description = descriptions[name], parameters[name] == nil else {
            preconditionFailure("\(name) is not a parameter of \(architecture), or was taken twice")
        }
        let learned = layout.learnedCount(of: description.count)
        let dormantCount = layout.dormantCount(of: description.count)
        var means = 0
        if case .groupedPositions = layout, dormantCount > 0 { means = learned }
        let parameter = Parameter(
            description: description, layout: layout,
            values: values.pointer + used, gradients: gradients.pointer + used, momentum: momentum.pointer + used,
            count: learned, dormant: dormant.pointer + dormantUsed, dormantCount: dormantCount,
            dormantMeans: dormantMeans.pointer + dormantMeansUsed, dormantMeansCount: means)
        func lines(_ count: Int) -> Int { (count + 15) & ~15 }
        appendStretch(used..<used + lines(learned), factor: description.rateFactor)
        used += lines(learned)
        dormantUsed += lines(dormantCount)
        dormantMeansUsed += lines(means)
        parameters[name] = parameter
        return parameter
    }

    private func appendStretch(_ range: Range<Int>, factor: Double) {
        if let last = rateStretches.last, last.factor == factor {
            rateStretches[rateStretches.count - 1].range = last.range.lowerBound..<range.upperBound
        } else {
            rateStretches.append((range, factor))
        }
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

    // MARK: Update

    /// Forgets all momentum, as a new optimizer does.
    package func clearMomentum() {
        // Not the whole buffer: most of its pages may never have been touched.
        momentum.pointer.update(repeating: 0, count: used)
        decay.clearMomentum()
    }

    /// One step of SGD on every parameter, from the gradients at hand. Each parameter's rate is `learningRate` times its
    /// own factor.
    package func update(_ settings: SGDSettings, learningRate: Double, threads: ThreadTeam = ThreadTeam()) {
        for (range, factor) in rateStretches {
            threads.split(range.count, grain: 4096) { part, _ in
                let first = range.lowerBound + part.lowerBound
                sower_sgd_update(
                    values.pointer + first, gradients.pointer + first, momentum.pointer + first, part.count,
                    Float(learningRate * factor), Float(settings.momentum), Float(settings.weightDecay),
                    settings.nesterov ? 1 : 0)
            }
        }
        decay.step(settings, learningRate: learningRate)
    }

    // MARK: State

    /// Replaces every value and clears the momentum. A missing batch count is zero, as torch reads older files.
    package func load(_ state: NetworkState) throws(NetworkError) {
        do {
            try load(DeferredState(state))
        } catch let error as NetworkError {
            throw error
        } catch {
            preconditionFailure("a state at hand is read without errors")
        }
    }

    /// The same, one tensor at a time. Names and shapes are checked before anything changes; a tensor that cannot be made
    /// then leaves the values half replaced.
    package func load(_ state: DeferredState) throws {
        try state.check(against: all, of: architecture)
        clearMomentum()
        decay = DormantDecay()
        for name in batchCounts.keys { batchCounts[name] = 0 }
        for entry in state.entries {
            switch try entry.make() {
            case .integer(let count): batchCounts[entry.name] = count
            case .float(let tensor):
                precondition(tensor.shape == descriptions[entry.name]!.shape, "\(entry.name) is not as announced")
                if let parameter = parameters[entry.name] {
                    parameter.load(tensor)
                } else {
                    let buffer = stateBuffers[entry.name]!
                    for (index, value) in tensor.values.enumerated() { buffer.values[index] = value }
                }
            }
        }
    }

    /// Everything in torch's names, shapes and order.
    package func state() -> NetworkState {
        NetworkState(
            entries: all.map { description in
                let name = description.name
                if let parameter = parameters[name] { return .init(name: name, tensor: parameter.tensor(decay)) }
                if let count = batchCounts[name] { return .init(name: name, value: .integer(count)) }
                let values = UnsafeBufferPointer(start: stateBuffers[name]!.values, count: description.count)
                return .init(name: name, tensor: Tensor(shape: description.shape, values: Array(values)))
            })
    }

    /// The same, each entry in pieces: floats row-major, or one integer.
    var streamedState: [StreamedEntry] {
        all.map { description in
            let name = description.name
            if let parameter = parameters[name] {
                return StreamedEntry(name: name, shape: description.shape, isInteger: false) { [decay] body in
                    parameter.forEachPiece(decay) { body(UnsafeRawBufferPointer($0)) }
                }
            }
            if let count = batchCounts[name] {
                return StreamedEntry(name: name, shape: [], isInteger: true) { body in
                    withUnsafeBytes(of: count.littleEndian) { body($0) }
                }
            }
            let values = UnsafeBufferPointer(start: stateBuffers[name]!.values, count: description.count)
            return StreamedEntry(name: name, shape: description.shape, isInteger: false) { body in
                body(UnsafeRawBufferPointer(values))
            }
        }
    }

    /// The gradients of the last backward pass, learned parameters only.
    package func gradientState() -> NetworkState {
        NetworkState(
            entries: all.filter(\.isLearned).map {
                .init(name: $0.name, tensor: parameters[$0.name]!.gradientTensor())
            })
    }

    // MARK: Snapshot

    /// Everything a training needs to go on with the same bits, in the engine's own order.
    package var snapshot: NetworkSnapshot {
        func array(_ buffer: FloatBuffer, _ count: Int) -> [Float] {
            Array(UnsafeBufferPointer(start: buffer.pointer, count: count))
        }
        return NetworkSnapshot(
            values: array(values, used), momentum: array(momentum, used), dormant: array(dormant, dormantUsed),
            dormantMeans: array(dormantMeans, dormantMeansUsed), buffers: array(buffers, buffersUsed),
            batchCounts: batchCounts.sorted { $0.key < $1.key }.map(\.value), decay: decay)
    }

    /// Takes a snapshot back; throws before anything changes when it is of another network.
    package func restore(_ snapshot: NetworkSnapshot) throws(NetworkError) {
        let counts = [
            ("values", snapshot.values.count, used), ("momentum", snapshot.momentum.count, used),
            ("dormant", snapshot.dormant.count, dormantUsed),
            ("dormant_means", snapshot.dormantMeans.count, dormantMeansUsed),
            ("buffers", snapshot.buffers.count, buffersUsed),
            ("batch_counts", snapshot.batchCounts.count, batchCounts.count),
        ]
        for (name, actual, expected) in counts where actual != expected {
            throw .wrongShape(name: name, actual: [actual], expected: [expected])
        }
        for (source, target) in [
            (snapshot.values, values), (snapshot.momentum, momentum), (snapshot.dormant, dormant),
            (snapshot.dormantMeans, dormantMeans), (snapshot.buffers, buffers),
        ] {
            source.withUnsafeBufferPointer { if let base = $0.baseAddress { target.pointer.update(from: base, count: $0.count) } }
        }
        for (name, count) in zip(batchCounts.keys.sorted(), snapshot.batchCounts) { batchCounts[name] = count }
        decay = snapshot.decay
    }
}

/// An entry of a `state_dict` as it is written to a file, without ever being in memory whole. Valid while its network is,
/// and is not trained on.
package struct StreamedEntry {
    package let name: String
    package let shape: [Int]
    /// An I64 in place of F32s.
    package let isInteger: Bool
    /// Hands over the elements' bytes, little-endian, in order.
    package let forEachPiece: ((UnsafeRawBufferPointer) -> Void) -> Void
}

/// The state of a network in the middle of a training, in the engine's own order; see ``ParameterStore/snapshot``.
package struct NetworkSnapshot: Sendable, Equatable {
    package var values, momentum, dormant, dormantMeans, buffers: [Float]
    package var batchCounts: [Int64]
    package var decay: DormantDecay

    package init(
        values: [Float], momentum: [Float], dormant: [Float], dormantMeans: [Float], buffers: [Float],
        batchCounts: [Int64], decay: DormantDecay
    ) {
        self.values = values
        self.momentum = momentum
        self.dormant = dormant
        self.dormantMeans = dormantMeans
        self.buffers = buffers
        self.batchCounts = batchCounts
        self.decay = decay
    }
}
