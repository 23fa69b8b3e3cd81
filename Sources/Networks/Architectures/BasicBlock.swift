import CKernels

/// The residual block of ResNet-18: 3×3, norm, ReLU, 3×3, norm, plus the shortcut, ReLU (He et al. 2015, figure 5).
final class BasicBlock {
    private enum Shortcut {
        /// No residual sum: the plain block of the custom ResNet-18.
        case none
        case identity
        /// A 1×1 convolution and norm where the shape changes.
        case projection(Convolution, BatchNormalization, output: FloatBuffer)
    }

    private let first, second: Convolution
    private let firstNorm, secondNorm: BatchNormalization
    private let shortcut: Shortcut
    private let threads: ThreadTeam
    /// What backward needs: each convolution's output, and the first activation.
    private let firstOutput, firstActivation, secondOutput: FloatBuffer
    private let output: FloatBuffer

    var inputShape: MapShape { first.geometry.input }
    var outputShape: MapShape { second.geometry.output }

    var convolutions: [ConvolutionGeometry] {
        guard case .projection(let projection, _, _) = shortcut else { return [first.geometry, second.geometry] }
        return [first.geometry, second.geometry, projection.geometry]
    }

    init(_ name: String, input: MapShape, channels: Int, stride: Int, isResidual: Bool, _ context: LayerContext) {
        threads = context.workspace.threads
        first = context.convolution(
            name + ".conv1.weight", input, channels: channels, kernel: 3, stride: stride, padding: 1)
        firstNorm = context.norm(name + ".bn1", channels: channels)
        let shape = first.geometry.output
        second = context.convolution(name + ".conv2.weight", shape, channels: channels, kernel: 3, padding: 1)
        secondNorm = context.norm(name + ".bn2", channels: channels)
        if !isResidual {
            shortcut = .none
        } else if shape == input {
            shortcut = .identity
        } else {
            shortcut = .projection(
                context.convolution(
                    name + ".downsample.0.weight", input, channels: channels, kernel: 1, stride: stride, padding: 0),
                context.norm(name + ".downsample.1", channels: channels), output: context.buffer(shape))
        }
        firstOutput = context.buffer(shape)
        firstActivation = context.buffer(shape)
        secondOutput = context.buffer(shape)
        output = context.buffer(shape)
    }

    /// Calls `body` with some channels of each position: the offset of their rows, and which they are.
    @inline(__always)
    private func forEachPosition(batch: Int, _ body: (_ offset: Int, _ channels: Range<Int>) -> Void) {
        let (positions, channels) = (outputShape.positions, outputShape.channels)
        threads.split(channels) { range, _ in
            for position in 0..<positions { body((position * channels + range.lowerBound) * batch, range) }
        }
    }

    // MARK: Forward

    func forward(_ x: UnsafePointer<Float>, batch: Int, timer: LayerTimer) -> UnsafeMutablePointer<Float> {
        let count = outputShape.positions * batch
        let (x1, y1, x2, y) = (firstOutput.pointer, firstActivation.pointer, secondOutput.pointer, output.pointer)
        timer.measure(.convolutionForward) {
            first.forward(x, into: x1, batch: batch) { [firstNorm] in
                firstNorm.accumulate($0, position: $1, channels: $2, batch: batch)
            }
        }
        timer.measure(.normalization) {
            firstNorm.finishStatistics(count: count)
            firstNorm.countBatch()
            forEachPosition(batch: batch) { at, channels in
                let norm = firstNorm.rows(channels)
                sower_bn_relu(x1 + at, norm.scale, norm.offset, y1 + at, 1, channels.count, batch)
            }
        }
        timer.measure(.convolutionForward) {
            second.forward(y1, into: x2, batch: batch) { [secondNorm] in
                secondNorm.accumulate($0, position: $1, channels: $2, batch: batch)
            }
            if case .projection(let convolution, let norm, let output) = shortcut {
                convolution.forward(x, into: output.pointer, batch: batch) {
                    norm.accumulate($0, position: $1, channels: $2, batch: batch)
                }
            }
        }
        timer.measure(.normalization) {
            secondNorm.finishStatistics(count: count)
            secondNorm.countBatch()
            if case .projection(_, let norm, _) = shortcut {
                norm.finishStatistics(count: count)
                norm.countBatch()
            }
            forEachPosition(batch: batch) { at, channels in
                combine(x2 + at, x + at, into: y + at, at: at, channels, batch: batch)
            }
        }
        return y
    }

    /// y = relu(norm(x) + shortcut) for rows of one position.
    @inline(__always)
    private func combine(
        _ x: UnsafePointer<Float>, _ input: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, at offset: Int,
        _ channels: Range<Int>, batch: Int
    ) {
        let norm = secondNorm.rows(channels)
        switch shortcut {
        case .none:
            sower_bn_relu(x, norm.scale, norm.offset, y, 1, channels.count, batch)
        case .identity:
            sower_bn_add_relu(x, norm.scale, norm.offset, input, y, 1, channels.count, batch)
        case .projection(_, let sideNorm, let side):
            let rows = sideNorm.rows(channels)
            sower_bn_add_bn_relu(
                x, norm.scale, norm.offset, side.pointer + offset, rows.scale, rows.offset, y, 1, channels.count, batch)
        }
    }

    /// The same with running statistics; each norm is applied to a position while it is in cache.
    func evaluate(_ x: UnsafePointer<Float>, batch: Int) -> UnsafeMutablePointer<Float> {
        let row = outputShape.channels * batch
        let (y1, y) = (firstActivation.pointer, output.pointer)
        firstNorm.useRunningStatistics()
        secondNorm.useRunningStatistics()
        first.forward(x, into: y1, batch: batch) { [firstNorm] rows, _, channels in
            let norm = firstNorm.rows(channels)
            sower_bn_relu(rows, norm.scale, norm.offset, rows, 1, channels.count, batch)
        }
        if case .projection(let convolution, let norm, let output) = shortcut {
            norm.useRunningStatistics()
            convolution.forward(x, into: output.pointer, batch: batch) { _, _, _ in }
        }
        second.forward(y1, into: y, batch: batch) { rows, position, channels in
            let offset = position * row + channels.lowerBound * batch
            combine(rows, x + offset, into: rows, at: offset, channels, batch: batch)
        }
        return y
    }

    // MARK: Backward

    /// `dy`, the gradient of the output, is overwritten. Returns the gradient of the input: in `dy` itself where the
    /// block has no projection, else in `other`.
    func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, other: UnsafeMutablePointer<Float>,
        scratch: GradientScratch, batch: Int, timer: LayerTimer
    ) -> UnsafeMutablePointer<Float> {
        let count = outputShape.positions * batch
        let (d2, d1) = (scratch.first.pointer, scratch.second.pointer)
        timer.measure(.normalization) { backwardThroughSum(dy, into: d2, count: count, batch: batch) }
        timer.measure(.convolutionBackward) {
            second.backward(firstActivation.pointer, d2, into: d1, batch: batch)
        }
        timer.measure(.normalization) {
            reluBackward(firstNorm, firstOutput.pointer, d1, into: d1, count: count, batch: batch)
        }
        return timer.measure(.convolutionBackward) {
            switch shortcut {
            case .none:
                first.backward(x, d1, into: dy, batch: batch)
                return dy
            case .identity:
                // dy, masked, is already the gradient through the identity.
                first.backward(x, d1, into: dy, accumulate: true, batch: batch)
                return dy
            case .projection(let convolution, _, _):
                first.backward(x, d1, into: other, batch: batch)
                convolution.backward(x, dy, into: other, accumulate: true, batch: batch)
                return other
            }
        }
    }

    /// From the gradient of the output, that of the second convolution's output in `d2`, and in `dy` that of the
    /// shortcut's.
    private func backwardThroughSum(
        _ dy: UnsafeMutablePointer<Float>, into d2: UnsafeMutablePointer<Float>, count: Int, batch: Int
    ) {
        let (x2, y) = (secondOutput.pointer, output.pointer)
        if case .none = shortcut {
            reluBackward(secondNorm, x2, dy, into: d2, count: count, batch: batch)
            return
        }
        secondNorm.clearSums()
        forEachPosition(batch: batch) { at, channels in
            let norm = secondNorm.rows(channels)
            sower_bn_add_relu_backward_reduce(
                dy + at, y + at, x2 + at, norm.mean, norm.sums, norm.products, 1, channels.count, batch)
        }
        applyBackward(secondNorm, x2, dy, into: d2, count: count, batch: batch)
        guard case .projection(_, let norm, let output) = shortcut else { return }
        norm.clearSums()
        forEachPosition(batch: batch) { at, channels in
            let rows = norm.rows(channels)
            sower_bn_backward_reduce(
                dy + at, output.pointer + at, rows.mean, rows.sums, rows.products, 1, channels.count, batch)
        }
        applyBackward(norm, output.pointer, dy, into: dy, count: count, batch: batch)
    }

    private func applyBackward(
        _ norm: BatchNormalization, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>, count: Int, batch: Int
    ) {
        threads.split(outputShape.channels) { channels, _ in
            norm.finishBackward(channels, count: count)
            norm.applyBackward(dy, x, into: dx, positions: outputShape.positions, channels: channels, batch: batch)
        }
    }

    /// dx of relu(norm(x)); `dx` may be `dy`.
    private func reluBackward(
        _ norm: BatchNormalization, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>, count: Int, batch: Int
    ) {
        norm.clearSums()
        forEachPosition(batch: batch) { at, channels in
            let rows = norm.rows(channels)
            sower_bn_relu_backward_reduce(
                dy + at, x + at, rows.scale, rows.offset, rows.mean, rows.sums, rows.products, 1, channels.count, batch)
        }
        norm.finishBackward(0..<outputShape.channels, count: count)
        forEachPosition(batch: batch) { at, channels in
            let rows = norm.rows(channels)
            sower_bn_relu_backward_apply(
                dy + at, x + at, rows.scale, rows.offset, rows.mean, rows.a, rows.b, rows.c, dx + at, 1, channels.count,
                batch)
        }
    }
}

/// Two buffers every block's backward pass uses in turn.
struct GradientScratch {
    let first, second: FloatBuffer
}
