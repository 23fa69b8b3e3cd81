import CKernels

/// A convolution with bias and what follows it in the older networks: ReLU, or max pooling with or without ReLU.
package final class BiasedConvolution {
    package enum Next {
        case relu
        /// 2×2 max pooling of stride 2, of the ReLU or of the map itself.
        case pool(relu: Bool)
    }

    package let convolution: Convolution
    private let bias: Parameter
    private let relu: Bool
    private let pool: MaxPooling?
    private let threads: ThreadTeam
    private let ones, zeros: ConstantRows
    /// The convolution's output; where nothing is pooled, with bias and ReLU.
    private let mapOutput: FloatBuffer
    private let pooled: FloatBuffer
    private let sums: UnsafeMutablePointer<Double>

    /// `name` is the module's, without ".weight".
    package init(
        _ name: String, _ input: MapShape, channels: Int, kernel: Int, padding: Int, _ next: Next, _ context: LayerContext
    ) {
        convolution = context.convolution(name + ".weight", input, channels: channels, kernel: kernel, padding: padding)
        bias = context.store.parameter(name + ".bias")
        threads = context.workspace.threads
        let map = convolution.geometry.output
        mapOutput = context.buffer(map)
        switch next {
        case .relu:
            (relu, pool) = (true, nil)
            pooled = FloatBuffer(count: 0)
        case .pool(let relu):
            let pool = MaxPooling(
                input: map, kernel: 2, stride: 2, padding: 0, maximumBatch: context.maximumBatch,
                threads: context.workspace.threads)
            self.relu = relu
            self.pool = pool
            pooled = context.buffer(pool.output)
        }
        ones = ConstantRows(1, channels: channels)
        zeros = ConstantRows(0, channels: channels)
        sums = .allocate(capacity: 2 * channels)
    }

    deinit { sums.deallocate() }

    /// The map before pooling.
    package var map: MapShape { convolution.geometry.output }
    package var outputShape: MapShape { pool?.output ?? map }
    var output: UnsafeMutablePointer<Float> { pool == nil ? mapOutput.pointer : pooled.pointer }

    /// Returns ``output``.
    package func forward(_ x: UnsafePointer<Float>, batch: Int, timer: LayerTimer) -> UnsafeMutablePointer<Float> {
        timer.measure(.convolutionForward) {
            guard pool == nil else {
                convolution.forward(x, into: mapOutput.pointer, batch: batch) { _, _, _ in }
                return
            }
            convolution.forward(x, into: mapOutput.pointer, batch: batch) { [ones, bias] rows, _, channels in
                sower_bn_relu(rows, ones.pointer, bias.values + channels.lowerBound, rows, 1, channels.count, batch)
            }
        }
        if let pool {
            timer.measure(.pooling) {
                pool.forward(
                    mapOutput.pointer, scale: ones.pointer, offset: bias.values, relu: relu, into: pooled.pointer,
                    batch: batch)
            }
        }
        return output
    }

    /// `dy`, the gradient of the output, is overwritten where nothing is pooled; `scratch` holds a map. Writes the
    /// gradient of the input to `dx` unless it is nil.
    package func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
        into dx: UnsafeMutablePointer<Float>?, batch: Int, timer: LayerTimer
    ) {
        let channels = map.channels
        sums.update(repeating: 0, count: 2 * channels)
        let gradient = pool == nil ? dy : scratch
        timer.measure(pool == nil ? .normalization : .pooling) {
            if let pool {
                pool.backward(
                    mapOutput.pointer, dy, scale: ones.pointer, offset: bias.values, means: zeros.pointer, relu: relu,
                    into: scratch, sums: sums, products: sums + channels, batch: batch)
            } else {
                threads.split(channels) { range, _ in
                    for position in 0..<map.positions {
                        let at = (position * channels + range.lowerBound) * batch
                        sower_relu_backward(
                            dy + at, mapOutput.pointer + at, 1, sums + range.lowerBound, range.count, batch)
                    }
                }
            }
            for channel in 0..<channels { bias.gradients[channel] = Float(sums[channel]) }
        }
        timer.measure(.convolutionBackward) {
            convolution.backward(x, gradient, into: dx, batch: batch)
        }
    }
}
