import Networks
import Tensors
import Testing

/// A network whose filters have changed places computes what it did.
@Suite struct PermutableLayerTests {
    private static let shape = try! WholeNetworkTests.shape(.customResNet18)

    /// What a network gives for some images: logits and loss in evaluation, the loss as in training.
    private func outputs(
        _ state: NetworkState, _ shape: NetworkShape = shape
    ) throws -> (logits: [Float], evaluation: Double, training: Double) {
        let network = Network(shape: shape, maximumBatch: 6)
        try network.load(state)
        let batch = GradientDirectionTests.batch(shape, count: 6)
        let evaluation = network.evaluate(batch).lossSum
        let logits = network.logits(count: 6).values
        return (logits, evaluation, network.computeGradients(batch).lossSum)
    }

    private func difference(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { abs($0 - $1) }.max()! }

    /// An order without a place that stays, another one a layer.
    private func order(_ count: Int, _ layer: Int) -> [Int] { (0..<count).map { ($0 * 5 + 2 * layer + 3) % count } }

    private func filters(_ layer: PermutableLayer) -> Int { Self.shape.parameters.first { $0.name == layer.weight }!.shape[0] }

    @Test(arguments: [[1], [2], [3], [4], [5], [6], [1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6]])
    func `filters that change places with all that belongs to them change no output`(layers: [Int]) throws {
        let state = PyTorchParityTests.start(Self.shape, seed: 7)
        var permuted = state
        for layer in layers {
            let permutable = Self.shape.permutableLayers[layer - 1]
            permuted.permute(permutable, by: order(filters(permutable), layer))
        }
        #expect(permuted != state)
        let (before, after) = try (outputs(state), outputs(permuted))
        // Sums run in another order: the last digits of logits about 1 may differ.
        #expect(difference(before.logits, after.logits) < 2e-5)
        #expect(abs(before.evaluation - after.evaluation) < 1e-4 && abs(before.training - after.training) < 1e-4)
    }

    @Test func `whatever is left behind shows`() throws {
        let state = PyTorchParityTests.start(Self.shape, seed: 7)
        let before = try outputs(state).logits
        for layer in [1, 4, 5] {
            let permutable = Self.shape.permutableLayers[layer - 1]
            var permuted = state
            permuted.permute(permutable, by: order(64, layer))
            for name in permutable.tensors {
                var half = permuted
                half[name] = state[name]
                #expect(try difference(before, outputs(half).logits) > 1e-3, "\(name) of layer \(layer)")
            }
        }
    }

    @Test func `with residual sums the same permutation is another network`() throws {
        let plain = try WholeNetworkTests.shape(.resnet18)
        #expect(plain.permutableLayers.isEmpty)
        let state = PyTorchParityTests.start(plain, seed: 7)
        for layer in [1, 3, 5] {
            var permuted = state
            permuted.permute(Self.shape.permutableLayers[layer - 1], by: order(64, layer))
            #expect(try difference(outputs(state, plain).logits, outputs(permuted, plain).logits) > 1e-3, "layer \(layer)")
        }
    }

    @Test func `the layers are the first ones, and there and back is the same network`() throws {
        let layers = Self.shape.permutableLayers
        #expect(layers.map(\.weight) == Self.shape.initializableLayers.prefix(layers.count).map(\.name))
        let state = PyTorchParityTests.start(Self.shape, seed: 7)
        for (number, layer) in layers.enumerated() {
            let order = order(filters(layer), number)
            let back = order.indices.map { place in order.firstIndex(of: place)! }
            var moved = state
            moved.permute(layer, by: order)
            let (old, new) = (state[layer.weight]!, moved[layer.weight]!)
            let size = old.count / old.shape[0]
            #expect(Array(new.values[..<size]) == Array(old.values[order[0] * size..<(order[0] + 1) * size]))
            moved.permute(layer, by: back)
            #expect(moved == state)
        }
    }
}
