import CKernels

/// Batch normalization over N and all positions, per channel (Ioffe & Szegedy 2015, arXiv:1502.03167), ε 1e-5,
/// running statistics with momentum 0.1 and the unbiased variance, as torch.nn.BatchNorm2d.
///
/// It only knows scale and bias per channel; the passes over activations are fused with what follows them (ReLU,
/// residual sum, pooling) by the layer that owns it.
///
/// **Differs:** torch refuses one value per channel in training; here its unbiased variance is taken as zero.
package final class BatchNormalization {
    static let epsilon = 1e-5
    static let runningMomentum = 0.1

    let channels: Int
    package let weight, bias: Parameter
    package let runningMean, runningVariance: StateBuffer
    private let countName: String
    private unowned let store: ParameterStore

    /// y = x·scale + offset in this batch.
    package let scale, offset: UnsafeMutablePointer<Float>
    package let mean: UnsafeMutablePointer<Float>
    /// dx = a·dy + b·(x − mean) + c.
    package let a, b, c: UnsafeMutablePointer<Float>
    private let shift, inverseDeviation: UnsafeMutablePointer<Float>
    private let work: FloatBuffer
    /// Two sums per channel, of the forward or the backward pass.
    package let sums, products: UnsafeMutablePointer<Double>

    package init(_ name: String, channels: Int, store: ParameterStore) {
        self.channels = channels
        self.store = store
        weight = store.parameter(name + ".weight")
        bias = store.parameter(name + ".bias")
        runningMean = store.buffer(name + ".running_mean")
        runningVariance = store.buffer(name + ".running_var")
        countName = name + ".num_batches_tracked"
        let stride = (channels + 15) & ~15
        work = FloatBuffer(count: 8 * stride)
        let arrays = work.pointer
        func array(_ index: Int) -> UnsafeMutablePointer<Float> { arrays + index * stride }
        (scale, offset, mean) = (array(0), array(1), array(2))
        (a, b, c) = (array(3), array(4), array(5))
        (shift, inverseDeviation) = (array(6), array(7))
        sums = .allocate(capacity: 2 * channels)
        products = sums + channels
        clearSums()
    }

    deinit { sums.deallocate() }

    /// Begins the sums of a backward pass.
    package func clearSums() { sums.update(repeating: 0, count: 2 * channels) }

    // MARK: Forward

    /// Adds rows of one position's C×N matrix, those of `channels`, to the statistics; position 0 begins them.
    @inline(__always)
    package func accumulate(_ x: UnsafePointer<Float>, position: Int, channels: Range<Int>, batch: Int) {
        let first = channels.lowerBound
        if position == 0 {
            (sums + first).update(repeating: 0, count: channels.count)
            (products + first).update(repeating: 0, count: channels.count)
            sower_row_means(x, channels.count, batch, shift + first)
        }
        sower_bn_accumulate(x, channels.count, batch, shift + first, sums + first, products + first)
    }

    /// Mean and variance of the `count` values per channel, the running statistics, and this batch's scale and offset.
    package func finishStatistics(count: Int) {
        let unbiased = Double(count) / Double(max(count - 1, 1))
        for channel in 0..<channels {
            let shifted = sums[channel] / Double(count)
            let variance = max(products[channel] / Double(count) - shifted * shifted, 0)
            let mean = Double(shift[channel]) + shifted
            let deviation = 1 / (variance + Self.epsilon).squareRoot()
            self.mean[channel] = Float(mean)
            inverseDeviation[channel] = Float(deviation)
            setScale(channel, mean: mean, inverseDeviation: deviation)
            let keep = 1 - Self.runningMomentum
            runningMean.values[channel] = Float(
                keep * Double(runningMean.values[channel]) + Self.runningMomentum * mean)
            runningVariance.values[channel] = Float(
                keep * Double(runningVariance.values[channel]) + Self.runningMomentum * variance * unbiased)
        }
    }

    /// Counts a training batch.
    package func countBatch() { store.batchCounts[countName]! += 1 }

    /// Scale and offset from the running statistics, for evaluation.
    package func useRunningStatistics() {
        for channel in 0..<channels {
            let deviation = 1 / (Double(runningVariance.values[channel]) + Self.epsilon).squareRoot()
            setScale(channel, mean: Double(runningMean.values[channel]), inverseDeviation: deviation)
        }
    }

    private func setScale(_ channel: Int, mean: Double, inverseDeviation: Double) {
        let scale = Double(weight.values[channel]) * inverseDeviation
        self.scale[channel] = Float(scale)
        offset[channel] = Float(Double(bias.values[channel]) - mean * scale)
    }

    // MARK: Backward

    /// The gradients of weight and bias from Σ dy and Σ dy·(x − mean), and the coefficients of dx.
    package func finishBackward(_ channels: Range<Int>, count: Int) {
        for channel in channels {
            let deviation = Double(inverseDeviation[channel])
            let weightGradient = products[channel] * deviation
            weight.gradients[channel] = Float(weightGradient)
            bias.gradients[channel] = Float(sums[channel])
            let slope = Double(weight.values[channel]) * deviation
            a[channel] = Float(slope)
            b[channel] = Float(-slope * deviation * weightGradient / Double(count))
            c[channel] = Float(-slope * sums[channel] / Double(count))
        }
    }

    /// dx = a·dy + b·(x − mean) + c for some channels of every position; `dx` may be `dy`.
    package func applyBackward(
        _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, positions: Int,
        channels: Range<Int>, batch: Int
    ) {
        let rows = rows(channels)
        for position in 0..<positions {
            let at = (position * self.channels + channels.lowerBound) * batch
            sower_bn_backward_apply(
                dy + at, x + at, rows.mean, rows.a, rows.b, rows.c, dx + at, 1, channels.count, batch)
        }
    }

    // MARK: Channels

    /// The coefficients and sums of some channels.
    package struct Rows {
        package let scale, offset, mean, a, b, c: UnsafeMutablePointer<Float>
        package let sums, products: UnsafeMutablePointer<Double>
    }

    @inline(__always)
    package func rows(_ channels: Range<Int>) -> Rows {
        let first = channels.lowerBound
        return Rows(
            scale: scale + first, offset: offset + first, mean: mean + first, a: a + first, b: b + first, c: c + first,
            sums: sums + first, products: products + first)
    }
}
