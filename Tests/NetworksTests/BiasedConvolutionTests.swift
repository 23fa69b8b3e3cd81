import Networks
import Tensors
import Testing

/// A convolution with bias and ReLU, or with max pooling after either, by definition; gradients through what follows the
/// convolution by central differences.
@Suite struct BiasedConvolutionTests {
    struct Shape: CustomTestStringConvertible {
        var kernel, padding, channels, outputs: Int
        var testDescription: String { "\(kernel)×\(kernel), \(channels) → \(outputs)" }
    }

    static let shapes = [1, 3, 8, 20].flatMap { channels in
        [(3, 1, 5), (3, 1, 17), (5, 0, 9)].map {
            Shape(kernel: $0.0, padding: $0.1, channels: channels, outputs: $0.2)
        }
    }

    enum Next: CaseIterable { case relu, pool, poolOfReLU }

    @Test(arguments: shapes, Next.allCases)
    func `Output and all gradients`(shape: Shape, next: Next) throws {
        let smallest = shape.kernel - 2 * shape.padding + (next == .relu ? 0 : 1)
        for size in smallest..<smallest + 6 {
            let input = MapShape(height: size, width: size, channels: shape.channels)
            for batch in [1, 3, 17] { try check(shape, input, next, batch: batch) }
        }
        let wide = MapShape(height: smallest, width: smallest + 3, channels: shape.channels)
        try check(shape, wide, next, batch: 3, threads: 2)
    }

    private func check(_ shape: Shape, _ input: MapShape, _ next: Next, batch: Int, threads: Int = 1) throws {
        let store = testStore(
            .init(
                name: "c.weight", shape: [shape.outputs, shape.channels, shape.kernel, shape.kernel],
                kind: .convolutionWeight),
            .init(name: "c.bias", shape: [shape.outputs], kind: .convolutionBias))
        let context = LayerContext(
            shape: try NetworkShape(architecture: .lenet, classes: 2, channels: 3, imageSize: 28), store: store,
            workspace: Workspace(threads: ThreadTeam(count: threads)), dropout: DropoutNoise(), maximumBatch: batch)
        let layer = BiasedConvolution(
            "c", input, channels: shape.outputs, kernel: shape.kernel, padding: shape.padding,
            next == .relu ? .relu : .pool(relu: next == .poolOfReLU), context)
        let start = NetworkState(entries: [
            .init(
                name: "c.weight",
                tensor: hashedTensor([shape.outputs, shape.channels, shape.kernel, shape.kernel], stream: 1)),
            .init(name: "c.bias", tensor: hashedTensor([shape.outputs], stream: 2)),
        ])
        try store.load(start)
        let (w, b) = (start["c.weight"]!.values.doubles, start["c.bias"]!.values.doubles)
        let x = numbers(input.elements * batch, stream: 3)
        let map = layer.map

        // What follows the convolution, on its output without bias.
        func after(_ z: [Double]) -> [Double] {
            let biased = z.enumerated().map { $1 + b[$0 / batch % shape.outputs] }
            switch next {
            case .relu: return Naive.relu(biased)
            case .pool: return Naive.maxPool(biased, input: map, kernel: 2, stride: 2, padding: 0, batch: batch)
            case .poolOfReLU:
                return Naive.maxPool(Naive.relu(biased), input: map, kernel: 2, stride: 2, padding: 0, batch: batch)
            }
        }
        let geometry = layer.convolution.geometry
        let z = Naive.convolution(x.doubles, w, geometry, batch: batch)
        let expected = after(z)
        #expect(layer.outputShape.elements * batch == expected.count)
        let xs = FloatBuffer(x)
        let y = layer.forward(xs.pointer, batch: batch, timer: LayerTimer())
        let place: Comment = "map \(input.height)×\(input.width), batch \(batch)"
        #expect(relativeError((0..<expected.count).map { Double(y[$0]) }, expected) < 1e-6, place)

        let r = numbers(expected.count, stream: 4)
        let dz = Self.gradient(z, row: shape.outputs * batch, r.doubles, after)
        let byDefinition = Naive.convolutionGradients(x.doubles, w, dz, geometry, batch: batch)
        var biasGradient = [Double](repeating: 0, count: shape.outputs)
        for (index, value) in dz.enumerated() { biasGradient[index / batch % shape.outputs] += value }
        let hasInputGradient = shape.channels >= 8
        let dx = FloatBuffer(numbers(x.count, stream: 5))
        // Twice: no sum of the first pass may stay.
        for _ in 0..<2 {
            layer.backward(
                xs.pointer, FloatBuffer(r).pointer, scratch: FloatBuffer(zeros: z.count).pointer,
                into: hasInputGradient ? dx.pointer : nil, batch: batch, timer: LayerTimer())
        }
        let gradients = store.gradientState()
        #expect(relativeError(gradients["c.weight"]!.values.doubles, byDefinition.w) < 1e-6, place)
        #expect(relativeError(gradients["c.bias"]!.values.doubles + [1], biasGradient + [1]) < 1e-6, place)
        if hasInputGradient { #expect(relativeError(dx.doubles, byDefinition.x) < 1e-6, place) }
    }

    /// The gradient of Σ f(z)·r by central differences, a position at a time: f mixes no channels and no images.
    private static func gradient(_ z: [Double], row: Int, _ r: [Double], _ f: ([Double]) -> [Double]) -> [Double] {
        let step = 1e-6
        var z = z
        return stride(from: 0, to: z.count, by: row).flatMap { first -> [Double] in
            let kept = z
            for k in 0..<row { z[first + k] = kept[first + k] + step }
            let above = f(z)
            for k in 0..<row { z[first + k] = kept[first + k] - step }
            let below = f(z)
            z = kept
            var sums = [Double](repeating: 0, count: row)
            for index in above.indices { sums[index % row] += (above[index] - below[index]) / (2 * step) * r[index] }
            return sums
        }
    }
}
