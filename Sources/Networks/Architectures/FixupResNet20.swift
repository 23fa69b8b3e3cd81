import CKernels

/// The 20-layer residual network for CIFAR of Fixup (Zhang, Dauphin & Ma 2019, arXiv:1901.09321;
/// github.com/hongyi-zhang/Fixup, `cifar/models/fixup_resnet_cifar.py`, `fixup_resnet20`): three stages of three blocks
/// with 16, 32 and 64 channels, scalar biases and scales in place of normalization. 268,393 parameters at 10 classes.
///
/// As in the reference's optimizer, every parameter called a bias or a scale trains at a tenth of the rate.
final class FixupResNet20: NetworkBody {
    private static let stages = [16, 32, 64]
    private static let blocksPerStage = 3

    private let stem: Convolution
    private let bias1, bias2: Parameter
    private let blocks: [FixupBlock]
    private let head: Linear
    private let ones: ConstantRows
    private let biasRows: FloatBuffer
    private let stemOutput, features, featureGradient: FloatBuffer
    private let gradients: (FloatBuffer, FloatBuffer)
    private let scratch: FloatBuffer
    private let threads: ThreadTeam
    private let sums: UnsafeMutablePointer<Double>

    static func parameters(_ shape: NetworkShape) -> [ParameterDescription] {
        var list = ParameterList()
        list.add("bias1", [1], .scalarBias, rate: FixupBlock.scalarRate)
        list.add("bias2", [1], .scalarBias, rate: FixupBlock.scalarRate)
        list.convolution("conv1", stages[0], shape.channels, 3)
        var channels = stages[0]
        for (stage, out) in stages.enumerated() {
            for block in 0..<blocksPerStage {
                FixupBlock.parameters("layer\(stage + 1).\(block)", out, channels, &list)
                channels = out
            }
        }
        list.linear("fc", shape.classes, channels, biasRate: FixupBlock.scalarRate)
        return list.entries
    }

    init(_ context: LayerContext) {
        threads = context.workspace.threads
        bias1 = context.store.parameter("bias1")
        bias2 = context.store.parameter("bias2")
        stem = context.convolution("conv1.weight", context.imageMap, channels: Self.stages[0], kernel: 3, padding: 1)
        var map = stem.geometry.output
        var blocks: [FixupBlock] = []
        for (stage, channels) in Self.stages.enumerated() {
            for index in 0..<Self.blocksPerStage {
                let block = FixupBlock(
                    "layer\(stage + 1).\(index)", input: map, channels: channels,
                    stride: stage > 0 && index == 0 ? 2 : 1, context)
                blocks.append(block)
                map = block.outputShape
            }
        }
        self.blocks = blocks
        head = context.linear("fc", inputs: map.channels, outputs: context.shape.classes)
        let first = stem.geometry.output
        ones = ConstantRows(1, channels: first.channels)
        biasRows = FloatBuffer(count: first.channels)
        stemOutput = context.buffer(first)
        // The first stage has the largest maps.
        gradients = (context.buffer(first), context.buffer(first))
        scratch = context.buffer(first)
        features = FloatBuffer(count: map.channels * context.maximumBatch)
        featureGradient = FloatBuffer(count: features.count)
        sums = .allocate(capacity: first.channels)
    }

    deinit { sums.deallocate() }

    var convolutions: [ConvolutionGeometry] { [stem.geometry] + blocks.flatMap(\.convolutions) }
    var linearMultiplyAdds: Int { head.inputs * head.outputs }

    func forward(
        _ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        biasRows.pointer.update(repeating: bias1.values[0], count: biasRows.count)
        timer.measure(.convolutionForward) {
            stem.forward(images, into: stemOutput.pointer, batch: batch) { [ones, biasRows] rows, _, channels in
                sower_bn_relu(rows, ones.pointer, biasRows.pointer, rows, 1, channels.count, batch)
            }
        }
        var x = stemOutput.pointer
        for block in blocks { x = block.forward(x, batch: batch, timer: timer) }
        timer.measure(.head) {
            let count = head.inputs * batch
            sower_average_pool(x, features.pointer, blocks.last!.outputShape.positions, count)
            for index in 0..<count { features.pointer[index] += bias2.values[0] }
            head.forward(features.pointer, into: logits, batch: batch)
        }
    }

    func evaluate(_ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int) {
        forward(images, into: logits, batch: batch, timer: LayerTimer())
    }

    func backward(
        _ images: UnsafePointer<Float>, logitsGradient: UnsafePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        var (dy, other) = (gradients.0.pointer, gradients.1.pointer)
        timer.measure(.head) {
            let count = head.inputs * batch
            head.backward(features.pointer, logitsGradient, into: featureGradient.pointer, batch: batch)
            var total = 0.0
            for index in 0..<count { total += Double(featureGradient.pointer[index]) }
            bias2.gradients[0] = Float(total)
            sower_average_pool_backward(featureGradient.pointer, dy, blocks.last!.outputShape.positions, count)
        }
        for (index, block) in blocks.enumerated().reversed() {
            let x = index == 0 ? stemOutput.pointer : blocks[index - 1].output
            let dx = block.backward(x, dy, other: other, scratch: scratch.pointer, batch: batch, timer: timer)
            if dx != dy { swap(&dy, &other) }
        }
        let map = stem.geometry.output
        timer.measure(.normalization) {
            sums.update(repeating: 0, count: map.channels)
            threads.split(map.channels) { channels, _ in
                for position in 0..<map.positions {
                    let at = (position * map.channels + channels.lowerBound) * batch
                    sower_relu_backward(
                        dy + at, stemOutput.pointer + at, 1, sums + channels.lowerBound, channels.count, batch)
                }
            }
            bias1.gradients[0] = Float(UnsafeBufferPointer(start: sums, count: map.channels).reduce(0, +))
        }
        timer.measure(.convolutionBackward) { stem.backward(images, dy, into: nil, batch: batch) }
    }
}
