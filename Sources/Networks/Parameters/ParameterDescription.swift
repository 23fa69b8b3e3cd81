/// One entry of a `state_dict`: its name in the source, shape and role.
package struct ParameterDescription: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable {
        case convolutionWeight, convolutionBias, linearWeight, linearBias
        case batchNormWeight, batchNormBias, batchNormRunningMean, batchNormRunningVariance, batchNormBatchCount
        /// One number added to, or multiplied with, a whole map (Fixup).
        case scalarBias, scalarScale
    }

    package let name: String
    /// As in torch: `[O, C, kh, kw]`, `[O, C]`, `[C]`, or `[]` for a count.
    package let shape: [Int]
    package let kind: Kind
    /// What the learning rate is multiplied with for this parameter.
    package let rateFactor: Double

    package init(name: String, shape: [Int], kind: Kind, rateFactor: Double = 1) {
        self.name = name
        self.shape = shape
        self.kind = kind
        self.rateFactor = rateFactor
    }

    /// The number of elements.
    package var count: Int { shape.reduce(1, *) }

    /// Whether training changes it by its gradient (as opposed to a buffer).
    package var isLearned: Bool {
        switch kind {
        case .batchNormRunningMean, .batchNormRunningVariance, .batchNormBatchCount: false
        default: true
        }
    }
}

/// Writes the entries of a `state_dict` in order.
struct ParameterList {
    private(set) var entries: [ParameterDescription] = []

    mutating func convolution(_ name: String, _ out: Int, _ channels: Int, _ kernel: Int, bias: Bool = false) {
        add(name + ".weight", [out, channels, kernel, kernel], .convolutionWeight)
        if bias { add(name + ".bias", [out], .convolutionBias) }
    }

    mutating func norm(_ name: String, _ channels: Int) {
        add(name + ".weight", [channels], .batchNormWeight)
        add(name + ".bias", [channels], .batchNormBias)
        add(name + ".running_mean", [channels], .batchNormRunningMean)
        add(name + ".running_var", [channels], .batchNormRunningVariance)
        add(name + ".num_batches_tracked", [], .batchNormBatchCount)
    }

    mutating func linear(_ name: String, _ outputs: Int, _ inputs: Int, biasRate: Double = 1) {
        add(name + ".weight", [outputs, inputs], .linearWeight)
        add(name + ".bias", [outputs], .linearBias, rate: biasRate)
    }

    mutating func add(_ name: String, _ shape: [Int], _ kind: ParameterDescription.Kind, rate: Double = 1) {
        entries.append(ParameterDescription(name: name, shape: shape, kind: kind, rateFactor: rate))
    }
}
