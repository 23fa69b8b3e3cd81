import Networks
import Tensors
import Testing

/// A block without normalization against its definition in double precision, its gradients against central differences.
@Suite struct FixupBlockTests {
    /// The parameters of a block, in torch's order.
    struct Values {
        /// bias1a, bias1b, bias2a, scale, bias2b.
        var scalars: [Float]
        var first, second: [Float]

        static let names = ["bias1a", "bias1b", "bias2a", "scale", "bias2b"]
    }

    struct Setup {
        var size: Int
        var channels = 8
        var isReduced: Bool
        var batch = 2
        var threads = 1

        var input: MapShape { MapShape(height: size, width: size, channels: channels) }
        var outputs: Int { isReduced ? 2 * channels : channels }
        var stride: Int { isReduced ? 2 : 1 }
        var firstGeometry: ConvolutionGeometry {
            ConvolutionGeometry(input: input, channels: outputs, kernel: 3, stride: stride, padding: 1)
        }
        var secondGeometry: ConvolutionGeometry {
            ConvolutionGeometry(input: firstGeometry.output, channels: outputs, kernel: 3, stride: 1, padding: 1)
        }

        func values(scale: Float? = nil, zeroSecond: Bool = false) -> Values {
            var scalars = numbers(5, stream: 1, scale: 0.5)
            scalars[3] = scale ?? 1 + scalars[3]
            let second = numbers(outputs * outputs * 9, stream: 3, scale: 0.3)
            return Values(
                scalars: scalars, first: numbers(outputs * channels * 9, stream: 2, scale: 0.3),
                second: zeroSecond ? second.map { _ in 0 } : second)
        }

        /// y by the definition of the block.
        func definition(_ x: [Double], _ scalars: [Double], _ first: [Double], _ second: [Double]) -> [Double] {
            let shifted = x.map { $0 + scalars[0] }
            let hidden = Naive.relu(
                Naive.convolution(shifted, first, firstGeometry, batch: batch).map { $0 + scalars[1] })
            let main = Naive.convolution(hidden.map { $0 + scalars[2] }, second, secondGeometry, batch: batch)
            let shortcut = isReduced ? reduced(shifted) : x
            return zip(main, shortcut).map { max(scalars[3] * $0 + scalars[4] + $1, 0) }
        }

        /// torch's AvgPool2d(1, stride 2), and as many channels of zeros after it.
        private func reduced(_ x: [Double]) -> [Double] {
            let map = firstGeometry.output
            var y = [Double](repeating: 0, count: map.elements * batch)
            for row in 0..<map.height {
                for column in 0..<map.width {
                    for k in 0..<channels * batch {
                        y[(row * map.width + column) * outputs * batch + k] =
                            x[(2 * row * size + 2 * column) * channels * batch + k]
                    }
                }
            }
            return y
        }
    }

    private static func block(_ setup: Setup, _ values: Values) throws -> (FixupBlock, ParameterStore) {
        let store = testStore(
            .init(name: "b.bias1a", shape: [1], kind: .scalarBias), .init(name: "b.bias1b", shape: [1], kind: .scalarBias),
            .init(name: "b.bias2a", shape: [1], kind: .scalarBias), .init(name: "b.scale", shape: [1], kind: .scalarScale),
            .init(name: "b.bias2b", shape: [1], kind: .scalarBias),
            .init(name: "b.conv1.weight", shape: [setup.outputs, setup.channels, 3, 3], kind: .convolutionWeight),
            .init(name: "b.conv2.weight", shape: [setup.outputs, setup.outputs, 3, 3], kind: .convolutionWeight))
        let context = LayerContext(
            shape: try NetworkShape(architecture: .fixupResNet20, classes: 2, channels: 3, imageSize: 8), store: store,
            workspace: Workspace(threads: ThreadTeam(count: setup.threads)), dropout: DropoutNoise(),
            maximumBatch: setup.batch)
        let block = FixupBlock("b", input: setup.input, channels: setup.outputs, stride: setup.stride, context)
        var state = NetworkState()
        for (name, value) in zip(Values.names, values.scalars) { state["b." + name] = Tensor(shape: [1], values: [value]) }
        state["b.conv1.weight"] = Tensor(shape: [setup.outputs, setup.channels, 3, 3], values: values.first)
        state["b.conv2.weight"] = Tensor(shape: [setup.outputs, setup.outputs, 3, 3], values: values.second)
        try store.load(state)
        return (block, store)
    }

    private func check(_ setup: Setup, _ values: Values, everyElement: Bool) throws {
        let (block, store) = try Self.block(setup, values)
        let batch = setup.batch
        let x = numbers(setup.input.elements * batch, stream: 4)
        let (scalars, w1, w2) = (values.scalars.doubles, values.first.doubles, values.second.doubles)
        let expected = setup.definition(x.doubles, scalars, w1, w2)
        let place: Comment = "map \(setup.size), batch \(batch), scalars \(values.scalars)"
        let r = numbers(expected.count, stream: 5)
        let xs = FloatBuffer(x)
        var dx: [Double] = []
        // Twice: no sum of the first pass may stay.
        for _ in 0..<2 {
            let y = block.forward(xs.pointer, batch: batch, timer: LayerTimer())
            #expect(block.outputShape == setup.firstGeometry.output)
            #expect(relativeError((0..<expected.count).map { Double(y[$0]) }, expected) < 2e-6, place)
            let gradient = block.backward(
                xs.pointer, FloatBuffer(r).pointer, other: FloatBuffer(numbers(x.count, stream: 6)).pointer,
                scratch: FloatBuffer(zeros: expected.count).pointer, batch: batch, timer: LayerTimer())
            dx = (0..<x.count).map { Double(gradient[$0]) }
        }

        func loss(_ x: [Double], _ scalars: [Double], _ w1: [Double], _ w2: [Double]) -> Double {
            Naive.dot(setup.definition(x, scalars, w1, w2), r.doubles)
        }
        let gradients = store.gradientState()
        let byScalars = Naive.gradient(scalars) { loss(x.doubles, $0, w1, w2) }
        for (name, expected) in zip(Values.names, byScalars) {
            let actual = Double(gradients["b." + name]!.values[0])
            #expect(abs(actual - expected) < 1e-5 * max(abs(expected), 1), "\(name): \(actual), expected \(expected), \(place)")
        }
        let (dw1, dw2) = (gradients["b.conv1.weight"]!.values.doubles, gradients["b.conv2.weight"]!.values.doubles)
        if everyElement {
            #expect(relativeError(dx, Naive.gradient(x.doubles) { loss($0, scalars, w1, w2) }) < 1e-5, place)
            // + [1]: with scale 0, nothing reaches the convolutions.
            #expect(relativeError(dw1 + [1], Naive.gradient(w1) { loss(x.doubles, scalars, $0, w2) } + [1]) < 1e-5, place)
            #expect(relativeError(dw2 + [1], Naive.gradient(w2) { loss(x.doubles, scalars, w1, $0) } + [1]) < 1e-5, place)
        } else {
            #expect(Naive.slopeError(dx, x.doubles) { loss($0, scalars, w1, w2) } < 1e-5, place)
            #expect(Naive.slopeError(dw1, w1) { loss(x.doubles, scalars, $0, w2) } < 1e-5, place)
            #expect(Naive.slopeError(dw2, w2) { loss(x.doubles, scalars, w1, $0) } < 1e-5, place)
        }
    }

    @Test(arguments: 1...5, [false, true])
    func `Output and every gradient, along random directions`(size: Int, isReduced: Bool) throws {
        for batch in [1, 3, 17] {
            let setup = Setup(size: size, isReduced: isReduced, batch: batch, threads: batch == 3 ? 2 : 1)
            for values in [setup.values(), setup.values(scale: 0), setup.values(zeroSecond: true)] {
                try check(setup, values, everyElement: false)
            }
        }
    }

    @Test(arguments: 1...3, [false, true])
    func `Every element of every gradient on the smallest maps`(size: Int, isReduced: Bool) throws {
        let setup = Setup(size: size, isReduced: isReduced, batch: 1)
        for values in [setup.values(), setup.values(scale: 0), setup.values(zeroSecond: true)] {
            try check(setup, values, everyElement: true)
        }
    }

    /// As the network starts: every bias 0, every scale 1, the second convolution 0.
    @Test func `A block at its start passes its input on, and learns`() throws {
        let setup = Setup(size: 5, channels: 16, isReduced: false, batch: 3)
        var values = setup.values(zeroSecond: true)
        values.scalars = [0, 0, 0, 1, 0]
        try check(setup, values, everyElement: false)
    }

    /// There the channels a reducing block adds are exactly 0 before ReLU, whose slope torch takes as 0.
    @Test func `A ReLU of exactly zero passes no gradient`() throws {
        let setup = Setup(size: 5, channels: 16, isReduced: true, batch: 3)
        var values = setup.values(zeroSecond: true)
        values.scalars = [0, 0, 0, 1, 0]
        let (block, store) = try Self.block(setup, values)
        let x = FloatBuffer(numbers(setup.input.elements * 3, stream: 4))
        let count = setup.firstGeometry.output.elements * 3
        _ = block.forward(x.pointer, batch: 3, timer: LayerTimer())
        _ = block.backward(
            x.pointer, FloatBuffer(numbers(count, stream: 5)).pointer, other: FloatBuffer(zeros: x.count).pointer,
            scratch: FloatBuffer(zeros: count).pointer, batch: 3, timer: LayerTimer())
        let gradient = store.gradientState()["b.conv2.weight"]!.values
        #expect(gradient[..<(gradient.count / 2)].contains { $0 != 0 })
        #expect(gradient[(gradient.count / 2)...].allSatisfy { $0 == 0 })
    }
}

/// The convolution of x + b, without x + b.
@Suite struct ShiftedInputTests {
    @Test(arguments: [(1, 1), (2, 2), (3, 3), (6, 6), (5, 2), (1, 4)], [1, 2])
    func `Outputs and gradients are those of convolving x + b`(map: (height: Int, width: Int), stride: Int) throws {
        let (channels, outputs, batch) = (8, 9, 3)
        let description = ParameterDescription(name: "w", shape: [outputs, channels, 3, 3], kind: .convolutionWeight)
        let store = testStore(description)
        let convolution = Convolution(
            "w", input: MapShape(height: map.height, width: map.width, channels: channels), channels: outputs, kernel: 3,
            stride: stride, padding: 1, store: store, workspace: Workspace(), maximumBatch: batch)
        let shifted = ShiftedInput(convolution)
        let g = convolution.geometry
        let w = numbers(description.count, stream: 1)
        try store.load(NetworkState(entries: [.init(name: "w", tensor: Tensor(shape: description.shape, values: w))]))
        let x = numbers(g.input.elements * batch, stream: 2)
        let r = numbers(g.output.elements * batch, stream: 3)
        let shift: Float = -0.75
        let (xs, y, dy) = (FloatBuffer(x), FloatBuffer(zeros: r.count), FloatBuffer(r))

        shifted.sumWindows()
        convolution.forward(xs.pointer, into: y.pointer, batch: batch) { rows, position, range in
            for o in range {
                let sum = shifted.windowSums[shifted.classOfPosition[position] * outputs + o]
                for n in 0..<batch { rows[(o - range.lowerBound) * batch + n] += Float(Double(shift) * sum) }
            }
        }
        let input = x.map { Double($0) + Double(shift) }
        #expect(relativeError(y.doubles, Naive.convolution(input, w.doubles, g, batch: batch)) < 1e-6)

        var sums = [Double](repeating: 0, count: shifted.classes * outputs)
        for (index, value) in r.enumerated() {
            let (position, o) = (index / (outputs * batch), index / batch % outputs)
            sums[shifted.classOfPosition[position] * outputs + o] += Double(value)
        }
        let gradients = Naive.convolutionGradients(input, w.doubles, r.doubles, g, batch: batch)
        let byShift = gradients.x.reduce(0, +)
        #expect(abs(shifted.shiftGradient(sums) - byShift) < 1e-5 * max(abs(byShift), 1))
        for factor in [Float(1), -0.5, 0] {
            convolution.backward(xs.pointer, dy.pointer, into: nil, batch: batch)
            shifted.completeWeightGradient(shift: shift, sums: sums, factor: factor)
            let expected = gradients.w.map { $0 * Double(factor) }
            #expect(relativeError(store.gradientState()["w"]!.values.doubles + [1], expected + [1]) < 1e-6)
        }
    }
}
