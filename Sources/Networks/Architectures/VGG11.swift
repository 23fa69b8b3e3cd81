import CKernels

/// VGG11 (Simonyan & Zisserman 2014, arXiv:1409.1556) as torchvision.models.vgg11 has it: biases, no batch norm,
/// adaptive average pooling to 7×7, dropout ½ in the classifier.
final class VGG11: NetworkBody {
    /// Filters of each convolution, and whether 2×2 max pooling follows it.
    private static let stages = [
        (64, true), (128, true), (256, false), (256, true), (512, false), (512, true), (512, false), (512, true),
    ]
    private static let hidden = 4096

    private let stages: [BiasedConvolution]
    private let pool: AdaptivePooling
    private let first, second, head: Linear
    private let firstDropout, secondDropout: Dropout
    private let firstActivation, secondActivation: FloatBuffer
    private let gradients: (FloatBuffer, FloatBuffer)
    private let scratch: FloatBuffer
    private let hiddenGradients: (FloatBuffer, FloatBuffer)
    private let sums: UnsafeMutablePointer<Double>

    /// Modules are counted with their ReLUs and poolings: features.0, .3, .6, .8, ….
    private static var convolutionNames: [String] {
        var index = 0
        return stages.map { _, isPooled in
            defer { index += isPooled ? 3 : 2 }
            return "features.\(index)"
        }
    }

    static func parameters(_ shape: NetworkShape) -> [ParameterDescription] {
        var list = ParameterList()
        var channels = shape.channels
        for (name, (filters, _)) in zip(convolutionNames, stages) {
            list.convolution(name, filters, channels, 3, bias: true)
            channels = filters
        }
        list.linear("classifier.0", hidden, channels * AdaptivePooling.positions)
        list.linear("classifier.3", hidden, hidden)
        list.linear("classifier.6", shape.classes, hidden)
        return list.entries
    }

    init(_ context: LayerContext) {
        var map = context.imageMap
        var stages: [BiasedConvolution] = []
        for (name, (filters, isPooled)) in zip(Self.convolutionNames, Self.stages) {
            let stage = BiasedConvolution(
                name, map, channels: filters, kernel: 3, padding: 1, isPooled ? .pool(relu: true) : .relu, context)
            stages.append(stage)
            map = stage.outputShape
        }
        self.stages = stages
        pool = AdaptivePooling(input: map, maximumBatch: context.maximumBatch)
        first = Linear(
            "classifier.0", inputs: pool.features, outputs: Self.hidden, layout: .groupedPositions(pool.groups),
            store: context.store, workspace: context.workspace, maximumBatch: context.maximumBatch)
        second = context.linear("classifier.3", inputs: Self.hidden, outputs: Self.hidden)
        head = context.linear("classifier.6", inputs: Self.hidden, outputs: context.shape.classes)
        firstDropout = Dropout(layer: 0, noise: context.dropout)
        secondDropout = Dropout(layer: 1, noise: context.dropout)
        func row() -> FloatBuffer { FloatBuffer(count: Self.hidden * context.maximumBatch) }
        (firstActivation, secondActivation, hiddenGradients) = (row(), row(), (row(), row()))
        let largest = stages.map(\.map).max { $0.elements < $1.elements }!
        gradients = (context.buffer(largest), context.buffer(largest))
        scratch = context.buffer(largest)
        sums = .allocate(capacity: Self.hidden)
        sums.initialize(repeating: 0, count: Self.hidden)
    }

    deinit { sums.deallocate() }

    var convolutions: [ConvolutionGeometry] { stages.map(\.convolution.geometry) }
    var linearMultiplyAdds: Int { [first, second, head].reduce(0) { $0 + $1.inputs * $1.outputs } }

    func forward(
        _ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        forward(images, into: logits, batch: batch, timer: timer, drops: true)
    }

    func evaluate(_ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int) {
        forward(images, into: logits, batch: batch, timer: LayerTimer(), drops: false)
    }

    private func forward(
        _ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer,
        drops: Bool
    ) {
        var x = images
        for stage in stages { x = UnsafePointer(stage.forward(x, batch: batch, timer: timer)) }
        timer.measure(.head) {
            let count = Self.hidden * batch
            pool.forward(x, batch: batch)
            first.forward(pool.repeatedFeatures.pointer, into: firstActivation.pointer, batch: batch)
            sower_relu(firstActivation.pointer, count)
            if drops { firstDropout.forward(firstActivation.pointer, count: count) }
            second.forward(firstActivation.pointer, into: secondActivation.pointer, batch: batch)
            sower_relu(secondActivation.pointer, count)
            if drops { secondDropout.forward(secondActivation.pointer, count: count) }
            head.forward(secondActivation.pointer, into: logits, batch: batch)
        }
    }

    func backward(
        _ images: UnsafePointer<Float>, logitsGradient: UnsafePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        var (dy, other) = (gradients.0.pointer, gradients.1.pointer)
        timer.measure(.head) {
            let (d2, d1) = (hiddenGradients.0.pointer, hiddenGradients.1.pointer)
            head.backward(secondActivation.pointer, logitsGradient, into: d2, batch: batch)
            sower_relu_backward(
                d2, secondActivation.pointer, secondDropout.backwardFactor, sums, Self.hidden, batch)
            second.backward(firstActivation.pointer, d2, into: d1, batch: batch)
            sower_relu_backward(d1, firstActivation.pointer, firstDropout.backwardFactor, sums, Self.hidden, batch)
            // The gradient of a group's mean weight is that of each of its positions: from the features as they are.
            first.backward(pool.means.pointer, d1, into: other, batch: batch)
            pool.backward(other, into: dy, batch: batch)
        }
        for (index, stage) in stages.enumerated().reversed() {
            let isFirst = index == 0
            stage.backward(
                isFirst ? images : UnsafePointer(stages[index - 1].output), dy, scratch: scratch.pointer,
                into: isFirst ? nil : other, batch: batch, timer: timer)
            swap(&dy, &other)
        }
    }
}
