import Networks
import Tensors
import Testing

@Suite struct ConvolutionTests {
    struct Shape: CustomTestStringConvertible {
        var kernel, stride, channels, outputs: Int
        var testDescription: String { "\(kernel)×\(kernel) stride \(stride), \(channels) → \(outputs)" }
    }

    static let shapes = [
        Shape(kernel: 3, stride: 1, channels: 8, outputs: 5), Shape(kernel: 3, stride: 2, channels: 9, outputs: 16),
        Shape(kernel: 1, stride: 1, channels: 8, outputs: 7), Shape(kernel: 1, stride: 2, channels: 12, outputs: 8),
        Shape(kernel: 3, stride: 1, channels: 64, outputs: 64), Shape(kernel: 7, stride: 2, channels: 3, outputs: 16),
        Shape(kernel: 7, stride: 2, channels: 1, outputs: 8), Shape(kernel: 3, stride: 1, channels: 3, outputs: 4),
    ]

    @Test("Output and both gradients are the definition's on every map from 1×1 to 8×8", arguments: shapes, SegmentProduct.available)
    func matchesDefinition(shape: Shape, backend: SegmentProduct.Backend) throws {
        for size in 1...8 {
            for batch in shape.channels == 64 ? [3] : [1, 3, 8] {
                try check(shape, MapShape(height: size, width: size, channels: shape.channels), batch: batch, backend)
            }
        }
        try check(shape, MapShape(height: 3, width: 5, channels: shape.channels), batch: 2, backend)
        try check(shape, MapShape(height: 6, width: 2, channels: shape.channels), batch: 104, backend)
    }

    private func check(
        _ shape: Shape, _ input: MapShape, batch: Int, _ backend: SegmentProduct.Backend
    ) throws {
        let description = ParameterDescription(
            name: "w", shape: [shape.outputs, shape.channels, shape.kernel, shape.kernel], kind: .convolutionWeight)
        let store = testStore(description)
        let convolution = Convolution(
            "w", input: input, channels: shape.outputs, kernel: shape.kernel, stride: shape.stride,
            padding: shape.kernel / 2, store: store, workspace: Workspace(product: SegmentProduct(backend)),
            maximumBatch: batch)
        let g = convolution.geometry
        let w = numbers(description.count, stream: 1)
        let x = numbers(input.positions * input.channels * batch, stream: 2)
        let r = numbers(g.output.positions * g.output.channels * batch, stream: 3)
        let before = numbers(x.count, stream: 4)
        try store.load(NetworkState(entries: [.init(name: "w", tensor: Tensor(shape: description.shape, values: w))]))
        #expect(store.state()["w"]?.values == w, "weights come back as they were loaded")

        let (xs, y, dy, dx) = (FloatBuffer(x), FloatBuffer(zeros: r.count), FloatBuffer(r), FloatBuffer(before))
        var visited = [Int]()
        convolution.forward(xs.pointer, into: y.pointer, batch: batch) { output, position, channels in
            #expect(output == y.pointer + position * g.output.channels * batch && channels == 0..<g.output.channels)
            visited.append(position)
        }
        #expect(visited == Array(0..<g.output.positions))
        let expected = Naive.convolution(x.doubles, w.doubles, g, batch: batch)
        let place: Comment = "map \(input.height)×\(input.width), batch \(batch)"
        #expect(relativeError(y.doubles, expected) <= 1e-6, place)

        let hasInputGradient = shape.channels >= 8
        convolution.backward(
            xs.pointer, dy.pointer, into: hasInputGradient ? dx.pointer : nil, accumulate: true, batch: batch)
        let gradients = Naive.convolutionGradients(x.doubles, w.doubles, r.doubles, g, batch: batch)
        let dw = try #require(store.gradientState()["w"]).values.doubles
        #expect(relativeError(dw, gradients.w) <= 1e-6, place)
        let added = hasInputGradient ? zip(gradients.x, before.doubles).map { $0 + $1 } : before.doubles
        #expect(relativeError(dx.doubles, added) <= 1e-6, place)
        guard hasInputGradient else { return }
        convolution.backward(xs.pointer, dy.pointer, into: dx.pointer, batch: batch)
        #expect(relativeError(dx.doubles, gradients.x) <= 1e-6, place)
    }

    @Test func `Live taps are those that meet the image`() {
        func geometry(_ size: Int, stride: Int) -> ConvolutionGeometry {
            ConvolutionGeometry(
                input: MapShape(height: size, width: size, channels: 1), channels: 1, kernel: 3, stride: stride,
                padding: 1)
        }
        #expect(geometry(1, stride: 1).liveRows == 1..<2)
        #expect(geometry(1, stride: 1).multiplyAdds == 1)
        #expect(geometry(2, stride: 2).liveTaps == 4)
        #expect(geometry(2, stride: 1).liveTaps == 9)
        #expect(geometry(2, stride: 1).multiplyAdds == 16)
        #expect(geometry(8, stride: 1).multiplyAdds == 22 * 22)
    }
}
