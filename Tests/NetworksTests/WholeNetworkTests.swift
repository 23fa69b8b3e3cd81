import Networks
import Tensors
import Testing

/// Every architecture from outside: its parameters, its state, the images it takes.
@Suite struct WholeNetworkTests {
    static func shape(
        _ architecture: Architecture, classes: Int = 10, channels: Int = 3, imageSize: Int = 32
    ) throws -> NetworkShape {
        try NetworkShape(architecture: architecture, classes: classes, channels: channels, imageSize: imageSize)
    }

    static func learned(_ shape: NetworkShape) -> Int {
        shape.parameters.filter(\.isLearned).reduce(0) { $0 + $1.count }
    }

    @Test func `Fixup-ResNet-20 has the names of the reference and 268,393 parameters`() throws {
        let shape = try Self.shape(.fixupResNet20)
        #expect(Self.learned(shape) == 268_393)
        let parameters = shape.parameters
        #expect(parameters.count == 5 + 9 * 7 && parameters.allSatisfy(\.isLearned))
        #expect(
            parameters.prefix(10).map(\.name) == [
                "bias1", "bias2", "conv1.weight", "layer1.0.bias1a", "layer1.0.bias1b", "layer1.0.bias2a", "layer1.0.scale",
                "layer1.0.bias2b", "layer1.0.conv1.weight", "layer1.0.conv2.weight",
            ])
        #expect(parameters.suffix(2).map(\.name) == ["fc.weight", "fc.bias"])
        func size(_ name: String) -> [Int]? { parameters.first { $0.name == name }?.shape }
        #expect(size("layer1.0.scale") == [1] && size("conv1.weight") == [16, 3, 3, 3])
        #expect(size("layer2.0.conv1.weight") == [32, 16, 3, 3] && size("layer3.2.conv2.weight") == [64, 64, 3, 3])
        // The reference's optimizer: a tenth of the rate for whatever is called a bias or a scale.
        for parameter in parameters {
            let isScalar = parameter.name.contains("bias") || parameter.name.contains("scale")
            #expect(parameter.rateFactor == (isScalar ? 0.1 : 1), "\(parameter.name)")
        }
        #expect(shape.initializableLayers.count == 19)
    }

    @Test func `VGG11 has torchvision's names and 132,863,336 parameters`() throws {
        let shape = try Self.shape(.vgg11, classes: 1000, imageSize: 224)
        #expect(Self.learned(shape) == 132_863_336)
        let modules = [0, 3, 6, 8, 11, 13, 16, 18].map { "features.\($0)" } + [0, 3, 6].map { "classifier.\($0)" }
        #expect(shape.parameters.map(\.name) == modules.flatMap { [$0 + ".weight", $0 + ".bias"] })
        let weights = shape.parameters.filter { $0.name.hasSuffix(".weight") }.map(\.shape)
        let channels = [3, 64, 128, 256, 256, 512, 512, 512, 512]
        let convolutions = zip(channels.dropFirst(), channels).map { [$0, $1, 3, 3] }
        #expect(weights == convolutions + [[4096, 25088], [4096, 4096], [1000, 4096]])
        #expect(shape.initializableLayers.map(\.name) == modules.prefix(8).map { $0 + ".weight" })
    }

    @Test func `LeNet has Caffe's layers and 431,080 parameters`() throws {
        let shape = try Self.shape(.lenet, channels: 1, imageSize: 28)
        #expect(Self.learned(shape) == 431_080)
        #expect(shape.parameters.map(\.name) == ["conv1", "conv2", "ip1", "ip2"].flatMap { [$0 + ".weight", $0 + ".bias"] })
        #expect(shape.parameters.map(\.shape) == [[20, 1, 5, 5], [20], [50, 20, 5, 5], [50], [500, 800], [500], [10, 500], [10]])
        #expect(shape.initializableLayers.map(\.name) == ["conv1.weight", "conv2.weight"])
    }

    @Test func `The custom ResNet-18 has ResNet-18's parameters and other outputs`() throws {
        let (plain, custom) = try (Self.shape(.resnet18, imageSize: 16), Self.shape(.customResNet18, imageSize: 16))
        #expect(plain.parameters == custom.parameters)
        let state = PyTorchParityTests.start(plain, seed: 1)
        func logits(_ shape: NetworkShape) throws -> Tensor {
            let network = Network(shape: shape, maximumBatch: 2)
            try network.load(state)
            _ = network.evaluate(GradientDirectionTests.batch(shape, count: 2))
            return network.logits(count: 2)
        }
        #expect(try logits(plain) != logits(custom))
    }

    /// Below, at and above the sizes whose maps come out even; VGG11 has a suite of its own.
    static let sizes: [(Architecture, [Int])] = [
        (.resnet18, [8, 9, 17]), (.customResNet18, [8, 15, 33]), (.fixupResNet20, [8, 9, 13]), (.lenet, [16, 17, 18, 19, 28, 45]),
    ]

    @Test(arguments: sizes)
    func `Every image size trains, and a loaded state comes back bit for bit`(
        _ architecture: Architecture, _ sizes: [Int]
    ) throws {
        for size in sizes {
            for channels in [1, 3] {
                let shape = try Self.shape(architecture, classes: 3, channels: channels, imageSize: size)
                let network = Network(shape: shape, maximumBatch: 3)
                expectSame(network.state(), NetworkState(zeros: shape))
                let state = PyTorchParityTests.start(shape, seed: 3)
                try network.load(state)
                expectSame(network.state(), state)
                let batch = GradientDirectionTests.batch(shape, count: 3)
                #expect(network.computeGradients(batch).lossSum.isFinite)
                #expect(network.gradients.entries.map(\.name) == shape.parameters.filter(\.isLearned).map(\.name))
                network.update(SGDSettings(learningRate: 0.01, momentum: 0.9, weightDecay: 0), learningRate: 0.01)
                let moved = network.state()
                for entry in network.gradients.entries {
                    guard case .float(let gradient) = entry.value else { continue }
                    let hasGradient = gradient.values.contains { $0 != 0 }
                    let hasMoved = moved[entry.name] != state[entry.name]
                    #expect(hasGradient && hasMoved, "\(entry.name)")
                }
            }
        }
    }

    @Test(arguments: zip([Architecture.resnet18, .customResNet18, .fixupResNet20, .vgg11, .lenet], [8, 8, 8, 32, 16]))
    func `Images too small or too large are refused with the sizes that are not`(
        _ architecture: Architecture, smallest: Int
    ) throws {
        #expect(try Self.shape(architecture, imageSize: smallest).imageSize == smallest)
        #expect(try Self.shape(architecture, imageSize: 1024).imageSize == 1024)
        for size in [Int.min, -1, 0, 1, smallest - 1, 1025, .max] {
            let reason = "images of \(size) pixels, expected \(smallest) to 1024"
            let error = #expect(throws: NetworkError.unsupportedShape(architecture: architecture, reason: reason)) {
                try Self.shape(architecture, imageSize: size)
            }
            #expect(error?.errorDescription == "\(architecture.rawValue) cannot be built: \(reason)")
            #expect(error?.recoverySuggestion?.contains("image size") == true)
        }
        for (classes, channels) in [(1, 3), (0, 3), (-5, 3), (10, 0), (10, 2), (10, 4)] {
            #expect(throws: NetworkError.self) { try Self.shape(architecture, classes: classes, channels: channels) }
        }
    }

    @Test(arguments: Architecture.allCases)
    func `The usual images can be taken`(_ architecture: Architecture) throws {
        _ = try Self.shape(architecture, channels: architecture.usualChannels, imageSize: architecture.usualImageSize)
        #expect((architecture.usualChannels, architecture.usualImageSize) == (architecture == .lenet ? (1, 28) : (3, 32)))
    }
}
