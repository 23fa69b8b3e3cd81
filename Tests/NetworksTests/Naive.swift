import Networks
import Tensors
import Testing

/// Layers by their definition, in double precision, on arrays laid out like the engine's: `[H][W][C][N]`.
enum Naive {
    /// w is `[O][C][kh][kw]`, as in torch.
    static func convolution(_ x: [Double], _ w: [Double], _ g: ConvolutionGeometry, batch: Int) -> [Double] {
        var y = [Double](repeating: 0, count: g.output.positions * g.output.channels * batch)
        forEachTap(g, batch: batch) { out, input, weight in y[out] += w[weight] * x[input] }
        return y
    }

    /// The gradients of Σ y·r with respect to w and x: by definition, every product once.
    static func convolutionGradients(
        _ x: [Double], _ w: [Double], _ r: [Double], _ g: ConvolutionGeometry, batch: Int
    ) -> (w: [Double], x: [Double]) {
        var dw = [Double](repeating: 0, count: w.count)
        var dx = [Double](repeating: 0, count: x.count)
        forEachTap(g, batch: batch) { out, input, weight in
            dw[weight] += r[out] * x[input]
            dx[input] += r[out] * w[weight]
        }
        return (dw, dx)
    }

    private static func forEachTap(_ g: ConvolutionGeometry, batch: Int, _ body: (Int, Int, Int) -> Void) {
        for oy in 0..<g.output.height {
            for ox in 0..<g.output.width {
                for ky in 0..<g.kernel {
                    for kx in 0..<g.kernel {
                        let (iy, ix) = (oy * g.stride - g.padding + ky, ox * g.stride - g.padding + kx)
                        guard (0..<g.input.height).contains(iy), (0..<g.input.width).contains(ix) else { continue }
                        for o in 0..<g.output.channels {
                            for c in 0..<g.input.channels {
                                for n in 0..<batch {
                                    body(
                                        ((oy * g.output.width + ox) * g.output.channels + o) * batch + n,
                                        ((iy * g.input.width + ix) * g.input.channels + c) * batch + n,
                                        ((o * g.input.channels + c) * g.kernel + ky) * g.kernel + kx)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Batch normalization with this batch's statistics.
    static func normalization(
        _ x: [Double], weight: [Double], bias: [Double], positions: Int, batch: Int
    ) -> [Double] {
        let channels = weight.count
        var y = x
        for c in 0..<channels {
            let places = (0..<positions).flatMap { p in (0..<batch).map { (p * channels + c) * batch + $0 } }
            let mean = places.reduce(0) { $0 + x[$1] } / Double(places.count)
            let variance = places.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(places.count)
            for place in places {
                y[place] = weight[c] * (x[place] - mean) / (variance + 1e-5).squareRoot() + bias[c]
            }
        }
        return y
    }

    static func maxPool(
        _ x: [Double], input: MapShape, kernel: Int, stride: Int, padding: Int, batch: Int
    ) -> [Double] {
        func extent(_ size: Int) -> Int { (size + 2 * padding - kernel) / stride + 1 }
        let (height, width) = (extent(input.height), extent(input.width))
        let row = input.channels * batch
        var y = [Double](repeating: -.infinity, count: height * width * row)
        for oy in 0..<height {
            for ox in 0..<width {
                for ky in 0..<kernel {
                    for kx in 0..<kernel {
                        let (iy, ix) = (oy * stride - padding + ky, ox * stride - padding + kx)
                        guard (0..<input.height).contains(iy), (0..<input.width).contains(ix) else { continue }
                        for k in 0..<row {
                            let place = (oy * width + ox) * row + k
                            y[place] = max(y[place], x[(iy * input.width + ix) * row + k])
                        }
                    }
                }
            }
        }
        return y
    }

    static func relu(_ x: [Double]) -> [Double] { x.map { max($0, 0) } }

    /// The gradient of a function by central differences.
    static func gradient(_ x: [Double], step: Double = 1e-6, of f: ([Double]) -> Double) -> [Double] {
        var x = x
        return x.indices.map { index in
            let value = x[index]
            x[index] = value + step
            let above = f(x)
            x[index] = value - step
            let below = f(x)
            x[index] = value
            return (above - below) / (2 * step)
        }
    }

    /// How far a gradient is from central differences of a function, along eight random directions of ±1: the largest
    /// difference of the slopes over the length of the gradient, or over 1 where that is larger.
    static func slopeError(
        _ gradient: [Double], _ x: [Double], step: Double = 1e-6, of f: ([Double]) -> Double
    ) -> Double {
        precondition(gradient.count == x.count)
        let length = dot(gradient, gradient).squareRoot()
        return (0..<8).reduce(0.0) { worst, number in
            let direction = x.indices.map { splitmix(stream: 8000 + UInt64(number), index: $0) & 1 == 1 ? 1.0 : -1.0 }
            func moved(_ step: Double) -> Double { f(zip(x, direction).map { $0 + step * $1 }) }
            let measured = (moved(step) - moved(-step)) / (2 * step)
            return max(worst, abs(measured - dot(gradient, direction)) / max(length, 1))
        }
    }

    static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}

/// Expects two values to be equal without printing them when they are not: states have up to 10⁸ numbers.
func expectSame<Value: Equatable>(
    _ a: Value, _ b: Value, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    let isSame = a == b
    #expect(isSame, comment, sourceLocation: sourceLocation)
}

/// ‖a − b‖ / ‖b‖.
func relativeError(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count)
    let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / max(Naive.dot(b, b), 1e-30)).squareRoot()
}

/// Numbers the engine and a naive layer can share: exact in float32.
func numbers(_ count: Int, stream: UInt64, scale: Float = 1) -> [Float] {
    (0..<count).map { scale * hashedUniform(stream: stream, index: $0) }
}

extension [Float] {
    var doubles: [Double] { map(Double.init) }
}

/// Buffers of a test are never freed: it hands bare pointers to C, and Swift may otherwise free a buffer right after the
/// last mention of it, before the call has returned.
extension FloatBuffer {
    convenience init(_ values: [Float]) {
        self.init(zeros: values.count)
        for (index, value) in values.enumerated() { pointer[index] = value }
    }

    convenience init(zeros count: Int) {
        self.init(count: count)
        _ = Unmanaged.passRetained(self)
    }

    var doubles: [Double] { (0..<count).map { Double(pointer[$0]) } }
}

/// A store for layers under test, outside any architecture.
func testStore(_ parameters: ParameterDescription...) -> ParameterStore {
    ParameterStore(parameters, architecture: .resnet18)
}

func normParameters(_ name: String, channels: Int) -> [ParameterDescription] {
    [
        .init(name: name + ".weight", shape: [channels], kind: .batchNormWeight),
        .init(name: name + ".bias", shape: [channels], kind: .batchNormBias),
        .init(name: name + ".running_mean", shape: [channels], kind: .batchNormRunningMean),
        .init(name: name + ".running_var", shape: [channels], kind: .batchNormRunningVariance),
        .init(name: name + ".num_batches_tracked", shape: [], kind: .batchNormBatchCount),
    ]
}
