import CKernels
import Networks
import Tensors
import Testing

/// Each fused pass against its definition in double precision, its gradients against central differences.
@Suite struct NormalizationTests {
    static let cases: [(positions: Int, channels: Int, batch: Int)] = [
        (1, 2, 3), (4, 3, 1), (9, 2, 8), (2, 3, 16), (1, 4, 17), (4, 2, 33), (1, 2, 104),
    ]

    struct Fixture {
        let norm: BatchNormalization
        let store: ParameterStore
        let weight, bias, x: [Float]
        let xs: FloatBuffer
        let count: Int

        init(positions: Int, channels: Int, batch: Int, stream: UInt64 = 10) throws {
            store = ParameterStore(normParameters("bn", channels: channels), architecture: .resnet18)
            norm = BatchNormalization("bn", channels: channels, store: store)
            weight = numbers(channels, stream: stream).map { 1 + $0 / 2 }
            bias = numbers(channels, stream: stream + 1, scale: 0.5)
            x = numbers(positions * channels * batch, stream: stream + 2).map { $0 * 2 + 3 }
            xs = FloatBuffer(x)
            count = positions * batch
            try store.load(
                NetworkState(entries: [
                    .init(name: "bn.weight", tensor: Tensor(shape: [channels], values: weight)),
                    .init(name: "bn.bias", tensor: Tensor(shape: [channels], values: bias)),
                    .init(name: "bn.running_mean", tensor: Tensor(repeating: 0.5, shape: [channels])),
                    .init(name: "bn.running_var", tensor: Tensor(repeating: 2, shape: [channels])),
                ]))
            for p in 0..<positions {
                norm.accumulate(
                    xs.pointer + p * channels * batch, position: p, channels: 0..<channels, batch: batch)
            }
            norm.finishStatistics(count: count)
            norm.countBatch()
        }
    }

    @Test(arguments: cases)
    func `Running statistics take a tenth of this batch's, the variance unbiased`(
        positions: Int, channels: Int, batch: Int
    ) throws {
        let fixture = try Fixture(positions: positions, channels: channels, batch: batch)
        let state = fixture.store.state()
        for c in 0..<channels {
            let values = (0..<positions).flatMap { p in
                (0..<batch).map { Double(fixture.x[(p * channels + c) * batch + $0]) }
            }
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let variance = squares / Double(max(values.count - 1, 1))
            #expect(abs(Double(state["bn.running_mean"]!.values[c]) - (0.45 + 0.1 * mean)) < 1e-6)
            #expect(abs(Double(state["bn.running_var"]!.values[c]) - (1.8 + 0.1 * variance)) < 1e-5)
        }
        #expect(state.entries.last?.value == .integer(1))
    }

    @Test func `The variance keeps its digits when the mean is large`() throws {
        let store = ParameterStore(normParameters("bn", channels: 1), architecture: .resnet18)
        let norm = BatchNormalization("bn", channels: 1, store: store)
        let x = numbers(64, stream: 5).map { 10_000 + $0.rounded() }
        let xs = FloatBuffer(x)
        norm.accumulate(xs.pointer, position: 0, channels: 0..<1, batch: 64)
        norm.finishStatistics(count: 64)
        let mean = x.doubles.reduce(0, +) / 64
        let variance = x.doubles.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 63
        #expect(abs(Double(norm.runningVariance.values[0]) / (0.1 * variance) - 1) < 1e-5)
    }

    @Test(arguments: cases)
    func `relu(norm(x)) and its gradients`(positions: Int, channels: Int, batch: Int) throws {
        let f = try Fixture(positions: positions, channels: channels, batch: batch)
        let norm = f.norm
        func forward(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
            Naive.relu(
                Naive.normalization(x, weight: weight, bias: bias, positions: positions, batch: batch))
        }
        let y = FloatBuffer(zeros: f.x.count)
        sower_bn_relu(f.xs.pointer, norm.scale, norm.offset, y.pointer, positions, channels, batch)
        #expect(relativeError(y.doubles, forward(f.x.doubles, f.weight.doubles, f.bias.doubles)) < 3e-6)

        let r = numbers(f.x.count, stream: 20)
        let dy = FloatBuffer(r)
        norm.clearSums()
        sower_bn_relu_backward_reduce(
            dy.pointer, f.xs.pointer, norm.scale, norm.offset, norm.mean, norm.sums, norm.products, positions, channels,
            batch)
        norm.finishBackward(0..<channels, count: f.count)
        sower_bn_relu_backward_apply(
            dy.pointer, f.xs.pointer, norm.scale, norm.offset, norm.mean, norm.a, norm.b, norm.c, dy.pointer, positions,
            channels, batch)
        try expectGradients(f, dx: dy) { Naive.dot(forward($0, $1, $2), r.doubles) }
    }

    @Test(arguments: cases)
    func `relu(norm(x) + residual) and its gradients`(positions: Int, channels: Int, batch: Int) throws {
        let f = try Fixture(positions: positions, channels: channels, batch: batch)
        let norm = f.norm
        let residual = numbers(f.x.count, stream: 30)
        func forward(_ x: [Double], _ weight: [Double], _ bias: [Double], _ residual: [Double]) -> [Double] {
            let normal = Naive.normalization(x, weight: weight, bias: bias, positions: positions, batch: batch)
            return Naive.relu(zip(normal, residual).map { $0 + $1 })
        }
        let (res, y) = (FloatBuffer(residual), FloatBuffer(zeros: f.x.count))
        sower_bn_add_relu(
            f.xs.pointer, norm.scale, norm.offset, res.pointer, y.pointer, positions, channels, batch)
        let expected = forward(f.x.doubles, f.weight.doubles, f.bias.doubles, residual.doubles)
        #expect(relativeError(y.doubles, expected) < 3e-6)

        let r = numbers(f.x.count, stream: 21)
        let (dy, dx) = (FloatBuffer(r), FloatBuffer(zeros: r.count))
        norm.clearSums()
        sower_bn_add_relu_backward_reduce(
            dy.pointer, y.pointer, f.xs.pointer, norm.mean, norm.sums, norm.products, positions, channels, batch)
        norm.finishBackward(0..<channels, count: f.count)
        norm.applyBackward(dy.pointer, f.xs.pointer, into: dx.pointer, positions: positions, channels: 0..<channels, batch: batch)
        try expectGradients(f, dx: dx) { Naive.dot(forward($0, $1, $2, residual.doubles), r.doubles) }
        let dResidual = Naive.gradient(residual.doubles) {
            Naive.dot(forward(f.x.doubles, f.weight.doubles, f.bias.doubles, $0), r.doubles)
        }
        #expect(relativeError(dy.doubles, dResidual) < 1e-5)
    }

    @Test(arguments: cases)
    func `relu(norm(x) + norm(shortcut)) and the shortcut's gradients`(
        positions: Int, channels: Int, batch: Int
    ) throws {
        let f = try Fixture(positions: positions, channels: channels, batch: batch)
        let s = try Fixture(positions: positions, channels: channels, batch: batch, stream: 40)
        let y = FloatBuffer(zeros: f.x.count)
        sower_bn_add_bn_relu(
            f.xs.pointer, f.norm.scale, f.norm.offset, s.xs.pointer, s.norm.scale, s.norm.offset, y.pointer, positions,
            channels, batch)
        let main = Naive.normalization(
            f.x.doubles, weight: f.weight.doubles, bias: f.bias.doubles, positions: positions, batch: batch)
        func forward(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
            let side = Naive.normalization(x, weight: weight, bias: bias, positions: positions, batch: batch)
            return Naive.relu(zip(main, side).map { $0 + $1 })
        }
        #expect(relativeError(y.doubles, forward(s.x.doubles, s.weight.doubles, s.bias.doubles)) < 3e-6)
        let r = numbers(f.x.count, stream: 22)
        let dy = FloatBuffer(zip(r, (0..<r.count).map { y.pointer[$0] }).map { $1 > 0 ? $0 : 0 })
        s.norm.clearSums()
        sower_bn_backward_reduce(
            dy.pointer, s.xs.pointer, s.norm.mean, s.norm.sums, s.norm.products, positions, channels, batch)
        s.norm.finishBackward(0..<channels, count: s.count)
        s.norm.applyBackward(dy.pointer, s.xs.pointer, into: dy.pointer, positions: positions, channels: 0..<channels, batch: batch)
        try expectGradients(s, dx: dy) { Naive.dot(forward($0, $1, $2), r.doubles) }
    }

    /// `loss` takes x, weight and bias.
    private func expectGradients(
        _ f: Fixture, dx: FloatBuffer, loss: ([Double], [Double], [Double]) -> Double
    ) throws {
        let (x, weight, bias) = (f.x.doubles, f.weight.doubles, f.bias.doubles)
        let gradients = f.store.gradientState()
        let byX = Naive.gradient(x) { loss($0, weight, bias) }
        let byWeight = Naive.gradient(weight) { loss(x, $0, bias) }
        let byBias = Naive.gradient(bias) { loss(x, weight, $0) }
        // With one value a channel the gradient of x is zero up to rounding: compare with the gradient it cancels.
        let floor = 1e-6 * Double(x.count).squareRoot()
        let error = zip(dx.doubles, byX).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        #expect(error <= 2e-5 * Naive.dot(byX, byX).squareRoot() + floor)
        #expect(relativeError(try #require(gradients["bn.weight"]).values.doubles + [1], byWeight + [1]) < 1e-5)
        #expect(relativeError(try #require(gradients["bn.bias"]).values.doubles + [1], byBias + [1]) < 1e-5)
    }

    @Test(arguments: [(1, 3), (2, 1), (3, 8), (5, 16), (8, 17), (4, 104)])
    func `Max pooling of relu(norm(x)) and its gradients`(size: Int, batch: Int) throws {
        let channels = 2
        let map = MapShape(height: size, width: size, channels: channels)
        let f = try Fixture(positions: map.positions, channels: channels, batch: batch)
        let pool = MaxPooling(input: map, kernel: 3, stride: 2, padding: 1, maximumBatch: batch)
        func forward(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
            let normal = Naive.normalization(x, weight: weight, bias: bias, positions: map.positions, batch: batch)
            return Naive.maxPool(Naive.relu(normal), input: map, kernel: 3, stride: 2, padding: 1, batch: batch)
        }
        let y = FloatBuffer(zeros: pool.output.positions * channels * batch)
        let norm = f.norm
        pool.forward(
            f.xs.pointer, scale: norm.scale, offset: norm.offset, relu: true, into: y.pointer, batch: batch)
        #expect(relativeError(y.doubles, forward(f.x.doubles, f.weight.doubles, f.bias.doubles)) < 3e-6)
        let r = numbers(y.count, stream: 23)
        let (dy, dx) = (FloatBuffer(r), FloatBuffer(zeros: f.x.count))
        norm.clearSums()
        pool.backward(
            f.xs.pointer, dy.pointer, scale: norm.scale, offset: norm.offset, means: norm.mean, relu: true,
            into: dx.pointer, sums: norm.sums, products: norm.products, batch: batch)
        norm.finishBackward(0..<channels, count: f.count)
        f.norm.applyBackward(dx.pointer, f.xs.pointer, into: dx.pointer, positions: map.positions, channels: 0..<channels, batch: batch)
        try expectGradients(f, dx: dx) { Naive.dot(forward($0, $1, $2), r.doubles) }
    }

    @Test func `A NaN is not hidden by ReLU or pooling`() throws {
        let x = FloatBuffer([.nan, 1, 2, -1])
        let (one, zero, y) = (FloatBuffer([1]), FloatBuffer([0]), FloatBuffer(zeros: 4))
        sower_bn_relu(x.pointer, one.pointer, zero.pointer, y.pointer, 4, 1, 1)
        #expect(y.doubles[0].isNaN && y.doubles[3] == 0)
        var pool = sower_pool(height: 2, width: 2, out_height: 1, out_width: 1, kernel: 2, stride: 2, padding: 0)
        var winner: UInt8 = 9
        sower_max_pool(x.pointer, one.pointer, zero.pointer, 1, y.pointer, &winner, &pool, 1, 0, 1, 1)
        #expect(y.doubles[0].isNaN)
    }
}
