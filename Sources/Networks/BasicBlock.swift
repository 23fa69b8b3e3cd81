import CKernels

/// The residual block of ResNet-18: 3×3, norm, ReLU, 3×3, norm, plus the shortcut, ReLU (He et al. 2015, figure 5).
final class BasicBlock {
    private let first, second: Convolution
    private let firstNorm, secondNorm: BatchNormalization
    /// A 1×1 convolution and norm where the shape changes; else the input itself.
    private let shortcut: (convolution: Convolution, norm: BatchNormalization, output: FloatBuffer)?
    /// What backward needs: each convolution's output, and the first activation.
    private let firstOutput, firstActivation, secondOutput: FloatBuffer
    private let output: FloatBuffer

    var inputShape: MapShape { first.geometry.input }
    var outputShape: MapShape { second.geometry.output }

    init(
        _ name: String, input: MapShape, channels: Int, stride: Int, store: ParameterStore, workspace: Workspace,
        maximumBatch: Int
    ) {
        func convolution(_ part: String, _ input: MapShape, kernel: Int, stride: Int) -> Convolution {
            Convolution(
                name + part, input: input, channels: channels, kernel: kernel, stride: stride, padding: kernel / 2,
                store: store, workspace: workspace, maximumBatch: maximumBatch)
        }
        first = convolution(".conv1.weight", input, kernel: 3, stride: stride)
        firstNorm = BatchNormalization(name + ".bn1", channels: channels, store: store)
        let shape = first.geometry.output
        second = convolution(".conv2.weight", shape, kernel: 3, stride: 1)
        secondNorm = BatchNormalization(name + ".bn2", channels: channels, store: store)
        func buffer() -> FloatBuffer { FloatBuffer(count: shape.positions * channels * maximumBatch) }
        if shape == input {
            shortcut = nil
        } else {
            shortcut = (
                convolution(".downsample.0.weight", input, kernel: 1, stride: stride),
                BatchNormalization(name + ".downsample.1", channels: channels, store: store), buffer()
            )
        }
        (firstOutput, firstActivation, secondOutput, output) = (buffer(), buffer(), buffer(), buffer())
    }

    // MARK: Forward

    func forward(_ x: UnsafePointer<Float>, batch: Int, timer: LayerTimer) -> UnsafeMutablePointer<Float> {
        let (positions, channels) = (outputShape.positions, outputShape.channels)
        let (x1, y1, x2, y) = (firstOutput.pointer, firstActivation.pointer, secondOutput.pointer, output.pointer)
        timer.measure(.convolutionForward) {
            first.forward(x, into: x1, batch: batch) { firstNorm.accumulate($0, position: $1, batch: batch) }
        }
        timer.measure(.normalization) {
            firstNorm.finishStatistics(count: positions * batch)
            sower_bn_relu(x1, firstNorm.scale, firstNorm.offset, y1, positions, channels, batch)
        }
        timer.measure(.convolutionForward) {
            second.forward(y1, into: x2, batch: batch) { secondNorm.accumulate($0, position: $1, batch: batch) }
            if let (convolution, norm, output) = shortcut {
                convolution.forward(x, into: output.pointer, batch: batch) {
                    norm.accumulate($0, position: $1, batch: batch)
                }
            }
        }
        timer.measure(.normalization) {
            secondNorm.finishStatistics(count: positions * batch)
            if let (_, norm, residual) = shortcut {
                norm.finishStatistics(count: positions * batch)
                sower_bn_add_bn_relu(
                    x2, secondNorm.scale, secondNorm.offset, residual.pointer, norm.scale, norm.offset, y, positions,
                    channels, batch)
            } else {
                sower_bn_add_relu(
                    x2, secondNorm.scale, secondNorm.offset, x, y, positions, channels, batch)
            }
        }
        return y
    }

    /// The same with running statistics; each norm is applied to a position while it is in cache.
    func evaluate(_ x: UnsafePointer<Float>, batch: Int) -> UnsafeMutablePointer<Float> {
        let channels = outputShape.channels
        let row = channels * batch
        let (y1, y) = (firstActivation.pointer, output.pointer)
        firstNorm.useRunningStatistics()
        secondNorm.useRunningStatistics()
        first.forward(x, into: y1, batch: batch) { position, _ in
            sower_bn_relu(position, firstNorm.scale, firstNorm.offset, position, 1, channels, batch)
        }
        if let (convolution, norm, residual) = shortcut {
            norm.useRunningStatistics()
            convolution.forward(x, into: residual.pointer, batch: batch) { _, _ in }
            second.forward(y1, into: y, batch: batch) { position, index in
                sower_bn_add_bn_relu(
                    position, secondNorm.scale, secondNorm.offset, residual.pointer + index * row, norm.scale,
                    norm.offset, position, 1, channels, batch)
            }
        } else {
            second.forward(y1, into: y, batch: batch) { position, index in
                sower_bn_add_relu(
                    position, secondNorm.scale, secondNorm.offset, x + index * row, position, 1, channels, batch)
            }
        }
        return y
    }

    // MARK: Backward

    /// `dy`, the gradient of the output, is overwritten. Returns the gradient of the input: in `dy` itself where the
    /// shortcut is the identity, else in `other`.
    func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, other: UnsafeMutablePointer<Float>,
        scratch: GradientScratch, batch: Int, timer: LayerTimer
    ) -> UnsafeMutablePointer<Float> {
        let (positions, channels) = (outputShape.positions, outputShape.channels)
        let count = positions * batch
        let (x1, y1, x2, y) = (firstOutput.pointer, firstActivation.pointer, secondOutput.pointer, output.pointer)
        let (d2, d1) = (scratch.first.pointer, scratch.second.pointer)
        timer.measure(.normalization) {
            secondNorm.clearSums()
            sower_bn_add_relu_backward_reduce(
                dy, y, x2, secondNorm.mean, secondNorm.sums, secondNorm.products, positions, channels, batch)
            secondNorm.finishBackward(count: count)
            secondNorm.applyBackward(dy, x2, into: d2, positions: positions, batch: batch)
            if let (_, norm, residual) = shortcut {
                norm.clearSums()
                sower_bn_backward_reduce(
                    dy, residual.pointer, norm.mean, norm.sums, norm.products, positions, channels, batch)
                norm.finishBackward(count: count)
                norm.applyBackward(dy, residual.pointer, into: dy, positions: positions, batch: batch)
            }
        }
        timer.measure(.convolutionBackward) {
            second.backward(y1, d2, into: d1, batch: batch)
        }
        timer.measure(.normalization) {
            firstNorm.clearSums()
            sower_bn_relu_backward_reduce(
                d1, x1, firstNorm.scale, firstNorm.offset, firstNorm.mean, firstNorm.sums, firstNorm.products,
                positions, channels, batch)
            firstNorm.finishBackward(count: count)
            sower_bn_relu_backward_apply(
                d1, x1, firstNorm.scale, firstNorm.offset, firstNorm.mean, firstNorm.a, firstNorm.b, firstNorm.c, d1,
                positions, channels, batch)
        }
        return timer.measure(.convolutionBackward) {
            guard let shortcut else {
                // dy, masked, is already the gradient through the identity.
                first.backward(x, d1, into: dy, accumulate: true, batch: batch)
                return dy
            }
            first.backward(x, d1, into: other, batch: batch)
            shortcut.convolution.backward(x, dy, into: other, accumulate: true, batch: batch)
            return other
        }
    }
}

/// Two buffers every block's backward pass uses in turn.
struct GradientScratch {
    let first, second: FloatBuffer
}
