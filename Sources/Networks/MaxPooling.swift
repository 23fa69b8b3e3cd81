import CKernels

/// Max pooling fused with the batch norm and ReLU before it: the normalized map is never written, only its pooled
/// maximum and which tap won (first on a tie, as torch.nn.MaxPool2d).
package final class MaxPooling {
    /// The maps before and after pooling.
    package let input, output: MapShape
    private var pool: sower_pool
    private let winners: UnsafeMutablePointer<UInt8>

    package init(input: MapShape, kernel: Int, stride: Int, padding: Int, maximumBatch: Int) {
        precondition(kernel * kernel <= 64 && padding * 2 <= kernel)
        func extent(_ size: Int) -> Int { (size + 2 * padding - kernel) / stride + 1 }
        self.input = input
        output = MapShape(height: extent(input.height), width: extent(input.width), channels: input.channels)
        pool = sower_pool(
            height: input.height, width: input.width, out_height: output.height, out_width: output.width,
            kernel: kernel, stride: stride, padding: padding)
        winners = .allocate(capacity: output.positions * output.channels * maximumBatch)
    }

    deinit { winners.deallocate() }

    /// y = pooled relu(norm(x)).
    package func forward(
        _ norm: BatchNormalization, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, batch: Int
    ) {
        sower_bn_relu_max_pool(x, norm.scale, norm.offset, y, winners, &pool, input.channels, batch)
    }

    /// dx = the gradient of norm(x), with the sums the norm's own backward needs.
    package func backward(
        _ norm: BatchNormalization, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>, batch: Int
    ) {
        norm.clearSums()
        sower_bn_relu_max_pool_backward_reduce(
            dy, winners, x, norm.scale, norm.offset, norm.mean, dx, norm.sums, norm.products, &pool, input.channels,
            batch)
        norm.finishBackward(count: input.positions * batch)
    }
}
