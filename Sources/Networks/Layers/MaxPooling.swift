import CKernels

/// Max pooling fused with what comes before it: y = max over the window of x·scale + offset, per channel, and then,
/// if asked, ReLU. The scaled map is never written, only its pooled maximum and which tap won (first on a tie, as
/// torch.nn.MaxPool2d).
package final class MaxPooling {
    /// The maps before and after pooling.
    package let input, output: MapShape
    private let pool: sower_pool
    private let winners: UnsafeMutablePointer<UInt8>
    private let threads: ThreadTeam

    package init(
        input: MapShape, kernel: Int, stride: Int, padding: Int, maximumBatch: Int, threads: ThreadTeam = ThreadTeam()
    ) {
        precondition(kernel * kernel <= 64 && padding * 2 <= kernel)
        func extent(_ size: Int) -> Int { (size + 2 * padding - kernel) / stride + 1 }
        self.input = input
        self.threads = threads
        output = MapShape(height: extent(input.height), width: extent(input.width), channels: input.channels)
        pool = sower_pool(
            height: input.height, width: input.width, out_height: output.height, out_width: output.width,
            kernel: kernel, stride: stride, padding: padding)
        winners = .allocate(capacity: output.elements * maximumBatch)
    }

    deinit { winners.deallocate() }

    package func forward(
        _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, offset: UnsafePointer<Float>, relu: Bool,
        into y: UnsafeMutablePointer<Float>, batch: Int
    ) {
        threads.split(input.channels) { channels, _ in
            withUnsafePointer(to: pool) {
                sower_max_pool(
                    x, scale, offset, relu ? 1 : 0, y, winners, $0, input.channels, channels.lowerBound,
                    channels.upperBound, batch)
            }
        }
    }

    /// dx = the gradient of x·scale + offset; adds Σ dx and Σ dx·(x − mean) of each channel to `sums` and `products`.
    package func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, scale: UnsafePointer<Float>,
        offset: UnsafePointer<Float>, means: UnsafePointer<Float>, relu: Bool, into dx: UnsafeMutablePointer<Float>,
        sums: UnsafeMutablePointer<Double>, products: UnsafeMutablePointer<Double>, batch: Int
    ) {
        threads.split(input.channels) { channels, _ in
            withUnsafePointer(to: pool) {
                sower_max_pool_backward(
                    dy, winners, x, scale, offset, means, relu ? 1 : 0, dx, sums, products, $0, input.channels,
                    channels.lowerBound, channels.upperBound, batch)
            }
        }
    }
}
