import CKernels

/// ResNet-18 (He et al. 2015, arXiv:1512.03385) as torchvision.models.resnet18 has it.
///
/// The custom ResNet-18 of the clustered-initialization study is the same without the residual sums of stage 1: its
/// repository applies the plain block there only.
final class ResNet18: NetworkBody {
    /// Channels of the four stages.
    private static let stages = [64, 128, 256, 512]

    private let stem: Convolution
    private let stemNorm: BatchNormalization
    private let pool: MaxPooling
    private let blocks: [BasicBlock]
    private let head: Linear
    private let threads: ThreadTeam
    private let stemOutput, poolOutput, features: FloatBuffer
    private let gradients: (FloatBuffer, FloatBuffer)
    private let scratch: GradientScratch
    private let stemGradient: FloatBuffer
    /// The input of each block and of the head in the last training pass.
    private var inputs: [UnsafeMutablePointer<Float>] = []

    static func parameters(_ shape: NetworkShape) -> [ParameterDescription] {
        var list = ParameterList()
        list.convolution("conv1", 64, shape.channels, 7)
        list.norm("bn1", 64)
        var channels = 64
        for (stage, out) in stages.enumerated() {
            for block in 0..<2 {
                let name = "layer\(stage + 1).\(block)"
                list.convolution(name + ".conv1", out, channels, 3)
                list.norm(name + ".bn1", out)
                list.convolution(name + ".conv2", out, out, 3)
                list.norm(name + ".bn2", out)
                if channels != out {
                    list.convolution(name + ".downsample.0", out, channels, 1)
                    list.norm(name + ".downsample.1", out)
                }
                channels = out
            }
        }
        list.linear("fc", shape.classes, channels)
        return list.entries
    }

    init(_ context: LayerContext, firstStageIsResidual: Bool) {
        threads = context.workspace.threads
        stem = context.convolution("conv1.weight", context.imageMap, channels: 64, kernel: 7, stride: 2, padding: 3)
        stemNorm = context.norm("bn1", channels: 64)
        pool = MaxPooling(
            input: stem.geometry.output, kernel: 3, stride: 2, padding: 1, maximumBatch: context.maximumBatch,
            threads: threads)
        var map = pool.output
        var blocks: [BasicBlock] = []
        for (stage, channels) in Self.stages.enumerated() {
            for index in 0..<2 {
                let block = BasicBlock(
                    "layer\(stage + 1).\(index)", input: map, channels: channels,
                    stride: stage > 0 && index == 0 ? 2 : 1, isResidual: stage > 0 || firstStageIsResidual, context)
                blocks.append(block)
                map = block.outputShape
            }
        }
        self.blocks = blocks
        head = context.linear("fc", inputs: map.channels, outputs: context.shape.classes)
        stemOutput = context.buffer(stem.geometry.output)
        stemGradient = context.buffer(stem.geometry.output)
        poolOutput = context.buffer(pool.output)
        features = FloatBuffer(count: map.channels * context.maximumBatch)
        // The first stage has the largest maps; every later gradient fits in as much.
        let largest = ([pool.output] + blocks.map(\.outputShape)).max { $0.elements < $1.elements }!
        gradients = (context.buffer(largest), context.buffer(largest))
        scratch = GradientScratch(first: context.buffer(largest), second: context.buffer(largest))
    }

    var convolutions: [ConvolutionGeometry] { [stem.geometry] + blocks.flatMap(\.convolutions) }
    var linearMultiplyAdds: Int { head.inputs * head.outputs }

    func forward(
        _ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        timer.measure(.convolutionForward) {
            stem.forward(images, into: stemOutput.pointer, batch: batch) { [stemNorm] in
                stemNorm.accumulate($0, position: $1, channels: $2, batch: batch)
            }
        }
        timer.measure(.pooling) {
            stemNorm.finishStatistics(count: stem.geometry.output.positions * batch)
            stemNorm.countBatch()
            pool.forward(
                stemOutput.pointer, scale: stemNorm.scale, offset: stemNorm.offset, relu: true, into: poolOutput.pointer,
                batch: batch)
        }
        inputs.removeAll(keepingCapacity: true)
        var x = poolOutput.pointer
        for block in blocks {
            inputs.append(x)
            x = block.forward(x, batch: batch, timer: timer)
        }
        timer.measure(.head) { classify(x, into: logits, batch: batch) }
    }

    func evaluate(_ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int) {
        stemNorm.useRunningStatistics()
        stem.forward(images, into: stemOutput.pointer, batch: batch) { _, _, _ in }
        pool.forward(
            stemOutput.pointer, scale: stemNorm.scale, offset: stemNorm.offset, relu: true, into: poolOutput.pointer,
            batch: batch)
        var x = poolOutput.pointer
        for block in blocks { x = block.evaluate(x, batch: batch) }
        classify(x, into: logits, batch: batch)
    }

    private func classify(_ x: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int) {
        sower_average_pool(x, features.pointer, blocks.last!.outputShape.positions, head.inputs * batch)
        head.forward(features.pointer, into: logits, batch: batch)
    }

    func backward(
        _ images: UnsafePointer<Float>, logitsGradient: UnsafePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        var (dy, other) = (gradients.0.pointer, gradients.1.pointer)
        timer.measure(.head) {
            let pooled = scratch.first.pointer
            head.backward(features.pointer, logitsGradient, into: pooled, batch: batch)
            sower_average_pool_backward(pooled, dy, blocks.last!.outputShape.positions, head.inputs * batch)
        }
        for (block, x) in zip(blocks, inputs).reversed() {
            let dx = block.backward(x, dy, other: other, scratch: scratch, batch: batch, timer: timer)
            if dx != dy { swap(&dy, &other) }
        }
        let map = stem.geometry.output
        timer.measure(.pooling) {
            stemNorm.clearSums()
            pool.backward(
                stemOutput.pointer, dy, scale: stemNorm.scale, offset: stemNorm.offset, means: stemNorm.mean, relu: true,
                into: stemGradient.pointer, sums: stemNorm.sums, products: stemNorm.products, batch: batch)
            threads.split(map.channels) { channels, _ in
                stemNorm.finishBackward(channels, count: map.positions * batch)
                stemNorm.applyBackward(
                    stemGradient.pointer, stemOutput.pointer, into: stemGradient.pointer, positions: map.positions,
                    channels: channels, batch: batch)
            }
        }
        timer.measure(.convolutionBackward) {
            stem.backward(images, stemGradient.pointer, into: nil, batch: batch)
        }
    }
}
