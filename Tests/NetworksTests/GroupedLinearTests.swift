import Networks
import Tensors
import Testing

/// A linear layer behind an adaptive pooling that enlarges: groups of positions with one mean weight, against the dense
/// layer of 49 positions a channel.
@Suite struct GroupedLinearTests {
    static let (channels, outputs) = (3, 9)

    /// The groups of 49 outputs that torch.nn.AdaptiveAvgPool2d(7) computes from the same window of an H×W map.
    static func groups(height: Int, width: Int) -> PositionGroups {
        func windows(_ size: Int) -> [String] {
            (0..<7).map { "\($0 * size / 7)..<\((($0 + 1) * size + 6) / 7)" }
        }
        let all = windows(height).flatMap { y in windows(width).map { "\(y), \($0)" } }
        var order: [String] = []
        for window in all where !order.contains(window) { order.append(window) }
        return PositionGroups(channels: channels, groupOfPosition: all.map { order.firstIndex(of: $0)! })
    }

    static let maps = (1...9).map { ($0, $0) } + [(2, 5), (1, 9)]

    /// A layer with its start, and the same numbers for a dense layer.
    struct Fixture {
        let groups: PositionGroups
        let store: ParameterStore
        let layer: Linear
        let start: NetworkState
        let batch: Int
        var inputs: Int { channels * groups.groupOfPosition.count }

        init(height: Int, width: Int, batch: Int, threads: Int = 1) throws {
            groups = GroupedLinearTests.groups(height: height, width: width)
            self.batch = batch
            let inputs = channels * 49
            store = testStore(
                .init(name: "fc.weight", shape: [outputs, inputs], kind: .linearWeight),
                .init(name: "fc.bias", shape: [outputs], kind: .linearBias))
            layer = Linear(
                "fc", inputs: channels * groups.sizes.count, outputs: outputs, layout: .groupedPositions(groups),
                store: store, workspace: Workspace(threads: ThreadTeam(count: threads)), maximumBatch: batch)
            start = NetworkState(entries: [
                .init(name: "fc.weight", tensor: hashedTensor([outputs, inputs], stream: 1)),
                .init(name: "fc.bias", tensor: hashedTensor([outputs], stream: 2)),
            ])
            try store.load(start)
        }

        /// Features `[group][C][N]`.
        func features(stream: UInt64) -> [Float] { numbers(layer.inputs * batch, stream: stream) }

        /// The same times the size of their group: what the layer is applied to.
        func repeated(_ features: [Float]) -> [Float] {
            features.enumerated().map { Float(groups.sizes[$0 / (channels * batch)]) * $1 }
        }

        /// Input `[C][position]`, in torch's order, of image n in the dense layer.
        func dense(_ features: [Float], image n: Int) -> [Double] {
            (0..<channels).flatMap { c in
                groups.groupOfPosition.map { Double(features[($0 * channels + c) * batch + n]) }
            }
        }

        /// The gradients of weight and bias of the dense layer.
        func gradients(_ features: [Float], _ dy: [Float]) -> (weight: [Double], bias: [Double]) {
            var weight = [Double](repeating: 0, count: outputs * inputs)
            var bias = [Double](repeating: 0, count: outputs)
            for n in 0..<batch {
                let x = dense(features, image: n)
                for o in 0..<outputs {
                    let g = Double(dy[o * batch + n])
                    bias[o] += g
                    for i in 0..<inputs { weight[o * inputs + i] += g * x[i] }
                }
            }
            return (weight, bias)
        }
    }

    /// Worked by hand: from 4 rows on, all seven windows differ.
    @Test(arguments: maps)
    func `Group sizes add up to 49, and only maps below 4×4 have groups`(height: Int, width: Int) {
        func sizes(_ size: Int) -> [Int] {
            [1: [7], 2: [3, 1, 3], 3: [2, 1, 1, 1, 2]][size] ?? [1, 1, 1, 1, 1, 1, 1]
        }
        let groups = Self.groups(height: height, width: width)
        #expect(groups.sizes == sizes(height).flatMap { y in sizes(width).map { y * $0 } })
        #expect(groups.sizes.reduce(0, +) == 49)
        #expect(groups.areSingle == (height >= 4 && width >= 4))
    }

    @Test(arguments: maps, [1, 5, 17])
    func `Output and gradients are those of the dense layer`(map: (height: Int, width: Int), batch: Int) throws {
        let f = try Fixture(height: map.height, width: map.width, batch: batch)
        let (features, r) = (f.features(stream: 3), numbers(Self.outputs * batch, stream: 4))
        let (xs, xr) = (FloatBuffer(features), FloatBuffer(f.repeated(features)))
        let (y, dy, dx) = (FloatBuffer(zeros: r.count), FloatBuffer(r), FloatBuffer(zeros: features.count))
        f.layer.forward(xr.pointer, into: y.pointer, batch: batch)
        f.layer.backward(xs.pointer, dy.pointer, into: dx.pointer, batch: batch)

        let weight = f.start["fc.weight"]!.values.doubles
        let bias = f.start["fc.bias"]!.values.doubles
        var expected = [Double](repeating: 0, count: r.count)
        for n in 0..<batch {
            let x = f.dense(features, image: n)
            for o in 0..<Self.outputs {
                expected[o * batch + n] = bias[o] + (0..<f.inputs).reduce(0) { $0 + weight[o * f.inputs + $1] * x[$1] }
            }
        }
        #expect(relativeError(y.doubles, expected) < 1e-6)

        let gradients = f.gradients(features, r)
        let actual = f.store.gradientState()
        #expect(relativeError(actual["fc.weight"]!.values.doubles, gradients.weight) < 1e-6)
        #expect(relativeError(actual["fc.bias"]!.values.doubles, gradients.bias) < 1e-6)

        // The gradient of a group's repeated feature: a position's, in the mean of the group.
        var toInput = [Double](repeating: 0, count: features.count)
        for n in 0..<batch {
            for c in 0..<Self.channels {
                for (position, group) in f.groups.groupOfPosition.enumerated() {
                    let sum = (0..<Self.outputs).reduce(0.0) {
                        $0 + weight[$1 * f.inputs + c * 49 + position] * Double(r[$1 * batch + n])
                    }
                    toInput[(group * Self.channels + c) * batch + n] += sum / Double(f.groups.sizes[group])
                }
            }
        }
        #expect(relativeError(dx.doubles, toInput) < 1e-6)
    }

    @Test(arguments: maps)
    func `A loaded state comes back bit for bit`(height: Int, width: Int) throws {
        let f = try Fixture(height: height, width: width, batch: 1)
        #expect(f.store.state() == f.start)
    }

    @Test(arguments: maps, [false, true])
    func `Twelve steps of SGD end where the plain loop over all 49 positions does`(
        map: (height: Int, width: Int), nesterov: Bool
    ) throws {
        let f = try Fixture(height: map.height, width: map.width, batch: 5)
        let settings = SGDSettings(learningRate: 0.05, momentum: 0.9, weightDecay: 0.02, nesterov: nesterov)
        var plain = PlainSGD(f.start["fc.weight"]!.values + f.start["fc.bias"]!.values, settings)
        for step in 0..<12 {
            let rate = step < 7 ? 0.05 : 0.01
            let (features, r) = (f.features(stream: UInt64(10 + step)), numbers(Self.outputs * 5, stream: UInt64(30 + step)))
            let (xs, dy) = (FloatBuffer(features), FloatBuffer(r))
            f.layer.backward(xs.pointer, dy.pointer, into: FloatBuffer(zeros: features.count).pointer, batch: 5)
            f.store.update(settings, learningRate: rate)
            let gradients = f.gradients(features, r)
            plain.step(gradients.weight + gradients.bias, rate: rate)
            if step == 3 || step == 11 {
                let state = f.store.state()
                let actual = state["fc.weight"]!.values.doubles + state["fc.bias"]!.values.doubles
                #expect(relativeError(actual, plain.weights) < 1e-6, "after step \(step + 1)")
            }
            if step == 5 {
                f.store.clearMomentum()
                plain.clearMomentum()
            }
        }
        // What training did, seen without the start: a small change must be right as well.
        let start = f.start["fc.weight"]!.values.doubles
        let moved = zip(f.store.state()["fc.weight"]!.values.doubles, start).map { $0 - $1 }
        #expect(relativeError(moved, zip(plain.weights, start).map { $0 - $1 }) < 1e-5)
    }
}

/// torch.optim.SGD by its definition, in double precision.
struct PlainSGD {
    private(set) var weights: [Double]
    private var velocity: [Double]
    private let settings: SGDSettings

    init(_ start: [Float], _ settings: SGDSettings) {
        weights = start.doubles
        velocity = weights.map { _ in 0 }
        self.settings = settings
    }

    mutating func step(_ gradient: [Double], rate: Double) {
        for i in weights.indices {
            let d = gradient[i] + settings.weightDecay * weights[i]
            velocity[i] = settings.momentum * velocity[i] + d
            weights[i] -= rate * (settings.nesterov ? d + settings.momentum * velocity[i] : velocity[i])
        }
    }

    mutating func clearMomentum() { velocity = velocity.map { _ in 0 } }
}
