import Jobs
import Networks
import Studies
import Tensors
import Testing

/// The default start of every architecture: which parameter has which distribution, by its extremes and its deviation.
/// Expected deviations are worked out by hand from the sources that `NetworkStart` names.
@Suite struct NetworkStartTests {
    private func tensor(_ name: String, _ architecture: Architecture, seed: UInt64 = 3) throws -> Tensor {
        let shape = try NetworkShape(architecture: architecture, classes: 10, channels: 3, imageSize: 32)
        let parameter = try #require(shape.parameters.first { $0.name == name })
        let tensor = NetworkStart.defaultTensor(parameter, of: shape, seed: seed)
        #expect(tensor.shape == parameter.shape)
        return tensor
    }

    /// Normal draws have some beyond twice the deviation; uniform ones none beyond √3 times it.
    private func expect(
        _ name: String, _ architecture: Architecture, deviation: Double, isUniform: Bool = false,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let values = try tensor(name, architecture).values.map(Double.init)
        let found = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        #expect(abs(found / deviation - 1) < 6 * (1 / Double(values.count)).squareRoot(), "\(name)", sourceLocation: location)
        let largest = values.map(abs).max() ?? 0
        #expect((largest <= deviation * 3.squareRoot() * 1.000001) == isUniform, "\(name)", sourceLocation: location)
    }

    private func expectConstant(_ value: Float, _ names: [String], _ architecture: Architecture) throws {
        for name in names { #expect(try tensor(name, architecture).values.allSatisfy { $0 == value }, "\(name)") }
    }

    @Test func `ResNet-18, with or without the first stage's sums`() throws {
        for architecture in [Architecture.resnet18, .customResNet18] {
            try expect("conv1.weight", architecture, deviation: (2.0 / (64 * 49)).squareRoot())
            try expect("layer4.1.conv2.weight", architecture, deviation: (2.0 / (512 * 9)).squareRoot())
            try expect("layer2.0.downsample.0.weight", architecture, deviation: (2.0 / 128).squareRoot())
            try expect("fc.weight", architecture, deviation: (1.0 / (3 * 512)).squareRoot(), isUniform: true)
            try expectConstant(1, ["bn1.weight", "bn1.running_var"], architecture)
            try expectConstant(0, ["bn1.bias", "bn1.running_mean"], architecture)
            #expect(try tensor("fc.bias", architecture).values.allSatisfy { abs($0) <= 0.04420 && $0 != 0 })
        }
    }

    @Test func `VGG-11`() throws {
        try expect("features.0.weight", .vgg11, deviation: (2.0 / (64 * 9)).squareRoot())
        try expect("features.8.weight", .vgg11, deviation: (2.0 / (256 * 9)).squareRoot())
        try expect("classifier.6.weight", .vgg11, deviation: 0.01)
        try expectConstant(0, ["features.0.bias", "classifier.0.bias", "classifier.6.bias"], .vgg11)
    }

    @Test func `LeNet`() throws {
        // 3 · 25, 20 · 25, 50 · 25 and 500 inputs an output.
        try expect("conv1.weight", .lenet, deviation: (1.0 / (3 * 75)).squareRoot(), isUniform: true)
        try expect("conv2.weight", .lenet, deviation: (1.0 / (3 * 500)).squareRoot(), isUniform: true)
        try expect("ip1.weight", .lenet, deviation: (1.0 / (3 * 1250)).squareRoot(), isUniform: true)
        try expect("ip1.bias", .lenet, deviation: (1.0 / (3 * 1250)).squareRoot(), isUniform: true)
        try expect("ip2.weight", .lenet, deviation: (1.0 / (3 * 500)).squareRoot(), isUniform: true)
        for (name, inputs) in [("conv1.bias", 75.0), ("conv2.bias", 500), ("ip2.bias", 500)] {
            let bound = Float(1 / inputs.squareRoot()) * 1.000001
            let values = try tensor(name, .lenet).values
            #expect(values.allSatisfy { abs($0) <= bound && $0 != 0 } && values.contains { abs($0) > bound / 2 }, "\(name)")
        }
    }

    @Test func `Fixup ResNet-20`() throws {
        try expect("conv1.weight", .fixupResNet20, deviation: (1.0 / (3 * 27)).squareRoot(), isUniform: true)
        try expect("layer1.0.conv1.weight", .fixupResNet20, deviation: (2.0 / (16 * 9)).squareRoot() / 3)
        try expect("layer3.2.conv1.weight", .fixupResNet20, deviation: (2.0 / (64 * 9)).squareRoot() / 3)
        try expectConstant(
            0, ["layer1.0.conv2.weight", "layer3.2.conv2.weight", "bias1", "bias2", "layer2.1.bias1a", "fc.weight", "fc.bias"],
            .fixupResNet20)
        try expectConstant(1, ["layer1.0.scale", "layer3.2.scale"], .fixupResNet20)
    }

    @Test func `a study's table of architectures is the engine's`() throws {
        #expect(ModelArchitecture.allCases.map(\.rawValue) == Architecture.allCases.map(\.rawValue))
        for model in ModelArchitecture.allCases {
            let architecture = try #require(Architecture(rawValue: model.rawValue))
            func shape(_ imageSize: Int) throws -> NetworkShape {
                try NetworkShape(architecture: architecture, classes: 10, channels: 3, imageSize: imageSize)
            }
            #expect(try shape(model.minimumImageSize).initializableLayers.count == model.initializableLayers)
            #expect(try shape(model.minimumImageSize).permutableLayers.count == model.alignableLayers)
            #expect(throws: NetworkError.self) { try shape(model.minimumImageSize - 1) }
            #expect(try shape(StudyLimits.imageSize.upperBound).imageSize == 1024)
            #expect(throws: NetworkError.self) { try shape(StudyLimits.imageSize.upperBound + 1) }
        }
    }

    @Test func `a state has every parameter, each from a stream of its own`() throws {
        let shape = try NetworkShape(architecture: .fixupResNet20, classes: 10, channels: 3, imageSize: 32)
        let state = try NetworkStart.defaultState(shape: shape, seed: 5).state()
        #expect(state.entries.map(\.name) == shape.parameters.map(\.name))
        #expect(state == (try NetworkStart.defaultState(shape: shape, seed: 5).state()))
        #expect(state["layer1.0.conv1.weight"] != state["layer1.1.conv1.weight"])
        #expect(state["conv1.weight"] != (try NetworkStart.defaultState(shape: shape, seed: 6).state()["conv1.weight"]))
    }
}
