/// The architectures that can be trained.
package enum Architecture: String, Sendable, CaseIterable, Codable {
    /// He et al. 2015, arXiv:1512.03385, as torchvision has it: 7×7 stem, two basic blocks in each of four stages.
    case resnet18
}

/// What decides the parameters of a network: its architecture, classes, and the images it takes.
package struct NetworkShape: Sendable, Equatable {
    package let architecture: Architecture
    /// The number of outputs, 2 or more.
    package let classes: Int
    /// 1 (grey) or 3 (RGB).
    package let channels: Int
    /// Height and width of an image, in pixels.
    package let imageSize: Int

    package init(architecture: Architecture, classes: Int, channels: Int, imageSize: Int) throws(NetworkError) {
        func refuse(_ reason: String) -> NetworkError { .unsupportedShape(architecture: architecture, reason: reason) }
        guard classes >= 2 else { throw refuse("\(classes) classes, expected 2 or more") }
        guard channels == 1 || channels == 3 else { throw refuse("\(channels) channels, expected 1 or 3") }
        guard (8...1024).contains(imageSize) else { throw refuse("images of \(imageSize) pixels, expected 8 to 1024") }
        self.architecture = architecture
        self.classes = classes
        self.channels = channels
        self.imageSize = imageSize
    }

    /// Parameters and buffers in the order of torchvision's `state_dict`.
    package var parameters: [ParameterDescription] {
        switch architecture {
        case .resnet18: ResNet18Layout.parameters(self)
        }
    }

    /// The convolutions an initialization method may replace, "layers 1…17" of the clustered-initialization paper: the
    /// stem and the two 3×3 convolutions of each block, in order; the 1×1 shortcuts are not among them.
    package var initializableLayers: [ParameterDescription] {
        parameters.filter { $0.kind == .convolutionWeight && !$0.name.contains(".downsample.") }
    }
}

/// One entry of a `state_dict`: its torchvision name, shape and role.
package struct ParameterDescription: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable {
        case convolutionWeight, linearWeight, linearBias
        case batchNormWeight, batchNormBias, batchNormRunningMean, batchNormRunningVariance, batchNormBatchCount
    }

    package let name: String
    /// As in torch: `[O, C, kh, kw]`, `[O, C]`, `[C]`, or `[]` for a count.
    package let shape: [Int]
    package let kind: Kind

    package init(name: String, shape: [Int], kind: Kind) {
        self.name = name
        self.shape = shape
        self.kind = kind
    }

    /// The number of elements.
    package var count: Int { shape.reduce(1, *) }

    /// Whether training changes it by its gradient (as opposed to a buffer).
    package var isLearned: Bool {
        switch kind {
        case .convolutionWeight, .linearWeight, .linearBias, .batchNormWeight, .batchNormBias: true
        case .batchNormRunningMean, .batchNormRunningVariance, .batchNormBatchCount: false
        }
    }
}

/// The plan of ResNet-18: names and shapes only.
enum ResNet18Layout {
    /// Channels of the four stages.
    static let stages = [64, 128, 256, 512]

    static func parameters(_ shape: NetworkShape) -> [ParameterDescription] {
        var list: [ParameterDescription] = []
        func convolution(_ name: String, _ out: Int, _ channels: Int, _ kernel: Int) {
            list.append(.init(name: name + ".weight", shape: [out, channels, kernel, kernel], kind: .convolutionWeight))
        }
        func batchNorm(_ name: String, _ channels: Int) {
            list.append(.init(name: name + ".weight", shape: [channels], kind: .batchNormWeight))
            list.append(.init(name: name + ".bias", shape: [channels], kind: .batchNormBias))
            list.append(.init(name: name + ".running_mean", shape: [channels], kind: .batchNormRunningMean))
            list.append(.init(name: name + ".running_var", shape: [channels], kind: .batchNormRunningVariance))
            list.append(.init(name: name + ".num_batches_tracked", shape: [], kind: .batchNormBatchCount))
        }
        convolution("conv1", 64, shape.channels, 7)
        batchNorm("bn1", 64)
        var channels = 64
        for (stage, out) in stages.enumerated() {
            for block in 0..<2 {
                let name = "layer\(stage + 1).\(block)"
                convolution(name + ".conv1", out, channels, 3)
                batchNorm(name + ".bn1", out)
                convolution(name + ".conv2", out, out, 3)
                batchNorm(name + ".bn2", out)
                if channels != out {
                    convolution(name + ".downsample.0", out, channels, 1)
                    batchNorm(name + ".downsample.1", out)
                }
                channels = out
            }
        }
        list.append(.init(name: "fc.weight", shape: [shape.classes, channels], kind: .linearWeight))
        list.append(.init(name: "fc.bias", shape: [shape.classes], kind: .linearBias))
        return list
    }
}
