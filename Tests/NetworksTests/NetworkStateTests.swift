import Networks
import Tensors
import Testing

@Suite struct NetworkStateTests {
    static func shape(classes: Int = 10, size: Int = 32) throws -> NetworkShape {
        try NetworkShape(architecture: .resnet18, classes: classes, channels: 3, imageSize: size)
    }

    @Test func `Names, shapes and counts are torchvision's`() throws {
        let parameters = try Self.shape(classes: 1000).parameters
        #expect(parameters.count == 122)
        #expect(parameters.filter(\.isLearned).reduce(0) { $0 + $1.count } == 11_689_512)
        #expect(
            parameters.prefix(7).map(\.name) == [
                "conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked",
                "layer1.0.conv1.weight",
            ])
        let layer2 = parameters.map(\.name).filter { $0.hasPrefix("layer2.0.") && $0.hasSuffix(".weight") }
        #expect(layer2 == ["conv1", "bn1", "conv2", "bn2", "downsample.0", "downsample.1"].map { "layer2.0.\($0).weight" })
        #expect(parameters.suffix(2).map(\.name) == ["fc.weight", "fc.bias"])
    }

    @Test func `Layers 1 to 17 are the stem and the 3×3 convolutions`() throws {
        let layers = try Self.shape().initializableLayers
        #expect(layers.count == 17)
        #expect(layers[0].shape == [64, 3, 7, 7])
        #expect(layers[1].name == "layer1.0.conv1.weight")
        #expect(layers[16].name == "layer4.1.conv2.weight")
        #expect(layers.dropFirst().allSatisfy { $0.shape.suffix(2) == [3, 3] })
    }

    @Test(arguments: [8, 32, 64])
    func `A loaded state comes back bit for bit, dead taps included`(size: Int) throws {
        let shape = try Self.shape(size: size)
        let network = Network(shape: shape, maximumBatch: 1)
        #expect(network.state() == NetworkState(zeros: shape))
        let state = PyTorchParityTests.start(shape, seed: 3)
        try network.load(state)
        #expect(network.state() == state)
    }

    @Test func `Bad states are refused by name, and change nothing`() throws {
        let shape = try Self.shape()
        let network = Network(shape: shape, maximumBatch: 1)
        let good = PyTorchParityTests.start(shape, seed: 3)
        try network.load(good)
        var state = good
        state["layer1.0.bn1.bias"] = nil
        #expect(throws: NetworkError.missingTensor(name: "layer1.0.bn1.bias", shape: [64])) { try network.load(state) }
        state = good
        state["layer5.weight"] = Tensor(zeros: [1])
        #expect(throws: NetworkError.unexpectedTensor(name: "layer5.weight", architecture: .resnet18)) {
            try network.load(state)
        }
        state = good
        state["fc.weight"] = Tensor(zeros: [100, 512])
        #expect(throws: NetworkError.wrongShape(name: "fc.weight", actual: [100, 512], expected: [10, 512])) {
            try network.load(state)
        }
        state = good
        state.entries.append(state.entries[0])
        #expect(throws: NetworkError.duplicateTensor(name: "conv1.weight")) { try network.load(state) }
        state = good
        state["bn1.num_batches_tracked"] = Tensor(zeros: [])
        #expect(throws: NetworkError.self) { try network.load(state) }
        state = NetworkState(zeros: shape)
        state["fc.bias"] = nil
        #expect(throws: NetworkError.self) { try network.load(state) }
        #expect(network.state() == good)
    }

    @Test func `A state without batch counts is read as if they were zero`() throws {
        let shape = try Self.shape()
        let network = Network(shape: shape, maximumBatch: 1)
        let full = PyTorchParityTests.start(shape, seed: 3)
        try network.load(NetworkState(entries: full.entries.filter { !$0.name.hasSuffix("num_batches_tracked") }))
        #expect(network.state() == full)
    }

    @Test func `Shapes that cannot be built say why`() {
        #expect(throws: NetworkError.self) {
            try NetworkShape(architecture: .resnet18, classes: 1, channels: 3, imageSize: 32)
        }
        #expect(throws: NetworkError.self) {
            try NetworkShape(architecture: .resnet18, classes: 10, channels: 2, imageSize: 32)
        }
        let error = NetworkError.wrongShape(name: "fc.weight", actual: [100, 512], expected: [10, 512])
        #expect(error.errorDescription == "The tensor fc.weight has shape [100, 512], expected [10, 512]")
        #expect(error.recoverySuggestion?.isEmpty == false)
    }
}
