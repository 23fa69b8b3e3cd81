import CKernels

/// ResNet-18 (He et al. 2015, arXiv:1512.03385) as torchvision.models.resnet18 has it.
final class ResNet18 {
    private let stem: Convolution
    private let stemNorm: BatchNormalization
    private let pool: MaxPooling
    private let blocks: [BasicBlock]
    private let head: Linear
    private let stemOutput, poolOutput, features: FloatBuffer
    private let gradients: (FloatBuffer, FloatBuffer)
    private let scratch: GradientScratch
    private let stemGradient: FloatBuffer
    /// The input of each block and of the head in the last training pass.
    private var inputs: [UnsafeMutablePointer<Float>] = []

    init(shape: NetworkShape, store: ParameterStore, workspace: Workspace, maximumBatch: Int) {
        func buffer(_ shape: MapShape) -> FloatBuffer {
            FloatBuffer(count: shape.positions * shape.channels * maximumBatch)
        }
        let image = MapShape(height: shape.imageSize, width: shape.imageSize, channels: shape.channels)
        stem = Convolution(
            "conv1.weight", input: image, channels: 64, kernel: 7, stride: 2, padding: 3, store: store,
            workspace: workspace, maximumBatch: maximumBatch)
        stemNorm = BatchNormalization("bn1", channels: 64, store: store)
        pool = MaxPooling(input: stem.geometry.output, kernel: 3, stride: 2, padding: 1, maximumBatch: maximumBatch)
        var map = pool.output
        var blocks: [BasicBlock] = []
        for (stage, channels) in ResNet18Layout.stages.enumerated() {
            for index in 0..<2 {
                let block = BasicBlock(
                    "layer\(stage + 1).\(index)", input: map, channels: channels,
                    stride: stage > 0 && index == 0 ? 2 : 1, store: store, workspace: workspace,
                    maximumBatch: maximumBatch)
                blocks.append(block)
                map = block.outputShape
            }
        }
        self.blocks = blocks
        head = Linear("fc", inputs: map.channels, outputs: shape.classes, store: store, workspace: workspace,
            maximumBatch: maximumBatch)
        stemOutput = buffer(stem.geometry.output)
        stemGradient = buffer(stem.geometry.output)
        poolOutput = buffer(pool.output)
        features = FloatBuffer(count: map.channels * maximumBatch)
        // The first stage has the largest maps; every later gradient fits in as much.
        let largest = ([pool.output] + blocks.map(\.outputShape)).max {
            $0.positions * $0.channels < $1.positions * $1.channels
        }!
        gradients = (buffer(largest), buffer(largest))
        scratch = GradientScratch(first: buffer(largest), second: buffer(largest))
    }

    /// Logits `[classes][N]` with this batch's statistics, keeping what backward needs.
    func forward(
        _ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        timer.measure(.convolutionForward) {
            stem.forward(images, into: stemOutput.pointer, batch: batch) {
                stemNorm.accumulate($0, position: $1, batch: batch)
            }
        }
        timer.measure(.pooling) {
            stemNorm.finishStatistics(count: stem.geometry.output.positions * batch)
            pool.forward(stemNorm, stemOutput.pointer, into: poolOutput.pointer, batch: batch)
        }
        inputs.removeAll(keepingCapacity: true)
        var x = poolOutput.pointer
        for block in blocks {
            inputs.append(x)
            x = block.forward(x, batch: batch, timer: timer)
        }
        timer.measure(.head) { classify(x, into: logits, batch: batch) }
    }

    /// Logits with the running statistics.
    func evaluate(_ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int) {
        stemNorm.useRunningStatistics()
        stem.forward(images, into: stemOutput.pointer, batch: batch) { _, _ in }
        pool.forward(stemNorm, stemOutput.pointer, into: poolOutput.pointer, batch: batch)
        var x = poolOutput.pointer
        for block in blocks { x = block.evaluate(x, batch: batch) }
        classify(x, into: logits, batch: batch)
    }

    private func classify(_ x: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int) {
        sower_average_pool(x, features.pointer, blocks.last!.outputShape.positions, head.inputs * batch)
        head.forward(features.pointer, into: logits, batch: batch)
    }

    /// All gradients, from the gradient of the logits of the last `forward`.
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
        let positions = stem.geometry.output.positions
        timer.measure(.pooling) {
            pool.backward(stemNorm, stemOutput.pointer, dy, into: stemGradient.pointer, batch: batch)
            stemNorm.applyBackward(
                stemGradient.pointer, stemOutput.pointer, into: stemGradient.pointer, positions: positions,
                batch: batch)
        }
        timer.measure(.convolutionBackward) {
            stem.backward(images, stemGradient.pointer, into: nil, batch: batch)
        }
    }
}
