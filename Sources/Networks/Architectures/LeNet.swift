import CKernels

/// Caffe's LeNet (github.com/BVLC/caffe, `examples/mnist/lenet_train_test.prototxt`): 20 and 50 5×5 filters, each
/// followed by 2×2 max pooling without an activation, then 500 with ReLU, then the classes. Names are Caffe's layers.
///
/// **Differs:** where a map has an odd size, its last row and column are not pooled (torch's floor, not Caffe's ceiling).
final class LeNet: NetworkBody {
    private static let (filters, hidden) = ([20, 50], 500)

    private let first, second: BiasedConvolution
    private let inner, head: Linear
    private let activation: FloatBuffer
    private let mapGradient, featureGradient, hiddenGradient, scratch: FloatBuffer
    private let sums: UnsafeMutablePointer<Double>

    /// The size of the map after a 5×5 convolution and 2×2 pooling.
    private static func pooled(_ size: Int) -> Int { (size - 4) / 2 }

    static func parameters(_ shape: NetworkShape) -> [ParameterDescription] {
        let side = pooled(pooled(shape.imageSize))
        var list = ParameterList()
        list.convolution("conv1", filters[0], shape.channels, 5, bias: true)
        list.convolution("conv2", filters[1], filters[0], 5, bias: true)
        list.linear("ip1", hidden, filters[1] * side * side)
        list.linear("ip2", shape.classes, hidden)
        return list.entries
    }

    init(_ context: LayerContext) {
        first = BiasedConvolution(
            "conv1", context.imageMap, channels: Self.filters[0], kernel: 5, padding: 0, .pool(relu: false), context)
        second = BiasedConvolution(
            "conv2", first.outputShape, channels: Self.filters[1], kernel: 5, padding: 0, .pool(relu: false), context)
        let map = second.outputShape
        inner = Linear(
            "ip1", inputs: map.elements, outputs: Self.hidden,
            layout: .groupedPositions(
                PositionGroups(channels: map.channels, groupOfPosition: Array(0..<map.positions))),
            store: context.store, workspace: context.workspace, maximumBatch: context.maximumBatch)
        head = context.linear("ip2", inputs: Self.hidden, outputs: context.shape.classes)
        activation = FloatBuffer(count: Self.hidden * context.maximumBatch)
        hiddenGradient = FloatBuffer(count: Self.hidden * context.maximumBatch)
        featureGradient = context.buffer(map)
        mapGradient = context.buffer(first.outputShape)
        scratch = context.buffer(first.map.elements > second.map.elements ? first.map : second.map)
        sums = .allocate(capacity: Self.hidden)
        sums.initialize(repeating: 0, count: Self.hidden)
    }

    deinit { sums.deallocate() }

    var convolutions: [ConvolutionGeometry] { [first.convolution.geometry, second.convolution.geometry] }
    var linearMultiplyAdds: Int { inner.inputs * inner.outputs + head.inputs * head.outputs }

    func forward(
        _ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        let map = first.forward(images, batch: batch, timer: timer)
        let features = second.forward(map, batch: batch, timer: timer)
        timer.measure(.head) {
            inner.forward(features, into: activation.pointer, batch: batch)
            sower_relu(activation.pointer, Self.hidden * batch)
            head.forward(activation.pointer, into: logits, batch: batch)
        }
    }

    func evaluate(_ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int) {
        forward(images, into: logits, batch: batch, timer: LayerTimer())
    }

    func backward(
        _ images: UnsafePointer<Float>, logitsGradient: UnsafePointer<Float>, batch: Int, timer: LayerTimer
    ) {
        timer.measure(.head) {
            head.backward(activation.pointer, logitsGradient, into: hiddenGradient.pointer, batch: batch)
            sower_relu_backward(hiddenGradient.pointer, activation.pointer, 1, sums, Self.hidden, batch)
            inner.backward(second.output, hiddenGradient.pointer, into: featureGradient.pointer, batch: batch)
        }
        second.backward(
            first.output, featureGradient.pointer, scratch: scratch.pointer, into: mapGradient.pointer, batch: batch,
            timer: timer)
        first.backward(images, mapGradient.pointer, scratch: scratch.pointer, into: nil, batch: batch, timer: timer)
    }
}
