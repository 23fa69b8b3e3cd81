import CKernels

/// The basic block of Fixup (Zhang, Dauphin & Ma 2019, arXiv:1901.09321, figure 1; github.com/hongyi-zhang/Fixup,
/// `cifar/models/fixup_resnet_cifar.py`): two 3×3 convolutions with scalar biases in front of and behind each, a scalar
/// multiplier, and no normalization.
///
/// y = relu(scale·conv2(relu(conv1(x + bias1a) + bias1b) + bias2a) + bias2b + shortcut), the shortcut being x, or where
/// the stride is 2 every other position of x + bias1a with as many channels of zeros after it.
package final class FixupBlock {
    private let first, second: Convolution
    private let firstShift, secondShift: ShiftedInput
    private let bias1a, bias1b, bias2a, scale, bias2b: Parameter
    private let threads: ThreadTeam
    private let activation, secondOutput, outputBuffer: FloatBuffer
    var output: UnsafeMutablePointer<Float> { outputBuffer.pointer }
    private let ones, zeros: ConstantRows
    /// Coefficients of a channel, `[class][O]`: what follows the first convolution, and the second.
    private let firstOffsets, secondOffsets: FloatBuffer
    /// `scale` and `bias1a`, once a channel.
    private let scales, inputShifts: FloatBuffer
    /// Sums of gradients of the first and the second convolution's output, `[class][O]`; and Σ dy·x per channel.
    private let firstSums, secondSums, products: UnsafeMutablePointer<Double>

    package var inputShape: MapShape { first.geometry.input }
    package var outputShape: MapShape { second.geometry.output }
    var convolutions: [ConvolutionGeometry] { [first.geometry, second.geometry] }
    private var isReduced: Bool { inputShape != outputShape }

    /// A scalar's rate is a tenth, as in the reference's optimizer.
    static let scalarRate = 0.1

    static func parameters(_ name: String, _ out: Int, _ channels: Int, _ list: inout ParameterList) {
        list.add(name + ".bias1a", [1], .scalarBias, rate: scalarRate)
        list.add(name + ".bias1b", [1], .scalarBias, rate: scalarRate)
        list.add(name + ".bias2a", [1], .scalarBias, rate: scalarRate)
        list.add(name + ".scale", [1], .scalarScale, rate: scalarRate)
        list.add(name + ".bias2b", [1], .scalarBias, rate: scalarRate)
        list.convolution(name + ".conv1", out, channels, 3)
        list.convolution(name + ".conv2", out, out, 3)
    }

    package init(_ name: String, input: MapShape, channels: Int, stride: Int, _ context: LayerContext) {
        func scalar(_ part: String) -> Parameter { context.store.parameter(name + part) }
        (bias1a, bias1b, bias2a, scale, bias2b) = (
            scalar(".bias1a"), scalar(".bias1b"), scalar(".bias2a"), scalar(".scale"), scalar(".bias2b")
        )
        threads = context.workspace.threads
        first = context.convolution(
            name + ".conv1.weight", input, channels: channels, kernel: 3, stride: stride, padding: 1)
        let map = first.geometry.output
        second = context.convolution(name + ".conv2.weight", map, channels: channels, kernel: 3, padding: 1)
        firstShift = ShiftedInput(first)
        secondShift = ShiftedInput(second)
        (activation, secondOutput, outputBuffer) = (context.buffer(map), context.buffer(map), context.buffer(map))
        ones = ConstantRows(1, channels: channels)
        zeros = ConstantRows(0, channels: channels)
        scales = FloatBuffer(count: channels)
        inputShifts = FloatBuffer(count: channels)
        firstOffsets = FloatBuffer(count: firstShift.classes * channels)
        secondOffsets = FloatBuffer(count: secondShift.classes * channels)
        func sums(_ count: Int) -> UnsafeMutablePointer<Double> {
            let pointer = UnsafeMutablePointer<Double>.allocate(capacity: count)
            pointer.initialize(repeating: 0, count: count)
            return pointer
        }
        firstSums = sums(firstShift.classes * channels)
        secondSums = sums(secondShift.classes * channels)
        products = sums(channels)
    }

    deinit {
        firstSums.deallocate()
        secondSums.deallocate()
        products.deallocate()
    }

    // MARK: Forward

    package func forward(_ x: UnsafePointer<Float>, batch: Int, timer: LayerTimer) -> UnsafeMutablePointer<Float> {
        let channels = outputShape.channels
        let (u, c2, y) = (activation.pointer, secondOutput.pointer, output)
        prepare()
        timer.measure(.convolutionForward) {
            first.forward(x, into: u, batch: batch) { [firstShift, firstOffsets, ones] rows, position, range in
                let offsets = firstOffsets.pointer + firstShift.classOfPosition[position] * channels + range.lowerBound
                sower_bn_relu(rows, ones.pointer, offsets, rows, 1, range.count, batch)
            }
            second.forward(u, into: c2, batch: batch) { [secondShift, secondOffsets] rows, position, range in
                let offsets = secondOffsets.pointer + secondShift.classOfPosition[position] * channels
                combine(
                    rows, x, into: y + (position * channels + range.lowerBound) * batch, position, range, offsets,
                    batch: batch)
            }
        }
        return y
    }

    /// Coefficients of this step: the shifts of both convolutions folded into what follows them.
    private func prepare() {
        firstShift.sumWindows()
        secondShift.sumWindows()
        let (shift1, after1) = (Double(bias1a.values[0]), Double(bias1b.values[0]))
        let (shift2, after2) = (Double(bias2a.values[0]), Double(bias2b.values[0]))
        let scale = Double(scale.values[0])
        for index in 0..<firstOffsets.count {
            firstOffsets.pointer[index] = Float(shift1 * firstShift.windowSums[index] + after1)
        }
        for index in 0..<secondOffsets.count {
            secondOffsets.pointer[index] = Float(scale * shift2 * secondShift.windowSums[index] + after2)
        }
        scales.pointer.update(repeating: Float(scale), count: scales.count)
        inputShifts.pointer.update(repeating: bias1a.values[0], count: inputShifts.count)
    }

    /// y = relu(scale·x + offset + shortcut) for rows of one position.
    @inline(__always)
    private func combine(
        _ rows: UnsafePointer<Float>, _ input: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
        _ position: Int, _ range: Range<Int>, _ offsets: UnsafeMutablePointer<Float>, batch: Int
    ) {
        guard isReduced else {
            let residual = input + (position * outputShape.channels + range.lowerBound) * batch
            sower_bn_add_relu(
                rows, scales.pointer, offsets + range.lowerBound, residual, y, 1, range.count, batch)
            return
        }
        let kept = range.clamped(to: 0..<inputShape.channels)
        if !kept.isEmpty {
            let residual = input + (source(of: position) * inputShape.channels + kept.lowerBound) * batch
            sower_bn_add_bn_relu(
                rows, scales.pointer, offsets + kept.lowerBound, residual, ones.pointer, inputShifts.pointer, y, 1, kept.count,
                batch)
        }
        let rest = range.clamped(to: inputShape.channels..<outputShape.channels)
        if !rest.isEmpty {
            let at = (rest.lowerBound - range.lowerBound) * batch
            sower_bn_relu(rows + at, scales.pointer, offsets + rest.lowerBound, y + at, 1, rest.count, batch)
        }
    }

    /// The input position under an output position of the shortcut.
    @inline(__always)
    private func source(of position: Int) -> Int {
        let (y, x) = (position / outputShape.width, position % outputShape.width)
        return 2 * y * inputShape.width + 2 * x
    }

    // MARK: Backward

    /// `dy`, the gradient of the output, is overwritten. Returns the gradient of the input: in `dy` itself where the
    /// shortcut is the identity, else in `other`.
    package func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, other: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer
    ) -> UnsafeMutablePointer<Float> {
        let channels = outputShape.channels
        let (u, scale) = (activation.pointer, scale.values[0])
        timer.measure(.normalization) { maskOutput(dy, batch: batch) }
        timer.measure(.convolutionBackward) {
            firstSums.update(repeating: 0, count: firstShift.classes * channels)
            second.backward(u, dy, into: scratch, batch: batch) { [firstShift, firstSums] rows, position, range in
                let at = (position * channels + range.lowerBound) * batch
                let sums = firstSums + firstShift.classOfPosition[position] * channels + range.lowerBound
                sower_relu_backward(rows, u + at, scale, sums, range.count, batch)
            }
            secondShift.completeWeightGradient(shift: bias2a.values[0], sums: secondSums, factor: scale)
        }
        finishScalars()
        return timer.measure(.convolutionBackward) {
            defer { firstShift.completeWeightGradient(shift: bias1a.values[0], sums: firstSums) }
            guard isReduced else {
                // dy, masked, is already the gradient through the identity.
                first.backward(x, scratch, into: dy, accumulate: true, batch: batch)
                return dy
            }
            other.update(repeating: 0, count: inputShape.elements * batch)
            let length = inputShape.channels * batch
            for position in 0..<outputShape.positions {
                (other + source(of: position) * length).update(from: dy + position * channels * batch, count: length)
            }
            first.backward(x, scratch, into: other, accumulate: true, batch: batch)
            return other
        }
    }

    /// Masks the gradient of the output where ReLU was off, and sums it.
    private func maskOutput(_ dy: UnsafeMutablePointer<Float>, batch: Int) {
        let channels = outputShape.channels
        let (c2, y) = (secondOutput.pointer, output)
        secondSums.update(repeating: 0, count: secondShift.classes * channels)
        products.update(repeating: 0, count: channels)
        threads.split(channels) { range, _ in
            for position in 0..<outputShape.positions {
                let at = (position * channels + range.lowerBound) * batch
                let sums = secondSums + secondShift.classOfPosition[position] * channels + range.lowerBound
                sower_bn_add_relu_backward_reduce(
                    dy + at, y + at, c2 + at, zeros.pointer, sums, products + range.lowerBound, 1, range.count, batch)
            }
        }
    }

    /// The gradients of the five scalars, from the sums.
    private func finishScalars() {
        let channels = outputShape.channels
        func total(_ sums: UnsafeMutablePointer<Double>, _ count: Int) -> Double {
            UnsafeBufferPointer(start: sums, count: count).reduce(0, +)
        }
        let shifted = secondShift.shiftGradient(secondSums)
        bias2b.gradients[0] = Float(total(secondSums, secondShift.classes * channels))
        scale.gradients[0] = Float(total(products, channels) + Double(bias2a.values[0]) * shifted)
        bias2a.gradients[0] = Float(Double(scale.values[0]) * shifted)
        bias1b.gradients[0] = Float(total(firstSums, firstShift.classes * channels))
        var throughShortcut = 0.0
        if isReduced {
            for index in 0..<secondShift.classes { throughShortcut += total(secondSums + index * channels, inputShape.channels) }
        }
        bias1a.gradients[0] = Float(firstShift.shiftGradient(firstSums) + throughShortcut)
    }
}
