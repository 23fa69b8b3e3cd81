/// The height, width and channels of an activation.
package struct MapShape: Equatable {
    package var height: Int
    package var width: Int
    package var channels: Int

    package init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    package var positions: Int { height * width }
    /// Elements of one image's map.
    package var elements: Int { positions * channels }
}

/// The shapes of one convolution, and which taps of its kernel ever meet the image.
package struct ConvolutionGeometry: Equatable {
    package let input: MapShape
    package let output: MapShape
    package let kernel: Int
    package let stride: Int
    package let padding: Int
    /// The taps that meet the image at some output position: a rectangle of the kernel.
    package let liveRows: Range<Int>
    package let liveColumns: Range<Int>

    package init(input: MapShape, channels: Int, kernel: Int, stride: Int, padding: Int) {
        func extent(_ size: Int) -> Int { (size + 2 * padding - kernel) / stride + 1 }
        output = MapShape(height: extent(input.height), width: extent(input.width), channels: channels)
        precondition(output.height > 0 && output.width > 0, "The kernel is larger than the padded image")
        self.input = input
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        func live(_ size: Int, _ outputs: Int) -> Range<Int> {
            let taps = (0..<kernel).filter { tap in
                (0..<outputs).contains { (0..<size).contains($0 * stride - padding + tap) }
            }
            return taps.first!..<(taps.last! + 1)
        }
        liveRows = live(input.height, output.height)
        liveColumns = live(input.width, output.width)
    }

    /// The kernel rows that meet the image at output row `y`.
    @inline(__always)
    func rows(at y: Int) -> Range<Int> { Self.taps(at: y, input.height, kernel, stride, padding) }

    /// The kernel columns that meet the image at output column `x`.
    @inline(__always)
    func columns(at x: Int) -> Range<Int> { Self.taps(at: x, input.width, kernel, stride, padding) }

    @inline(__always)
    private static func taps(
        at position: Int, _ size: Int, _ kernel: Int, _ stride: Int, _ padding: Int
    ) -> Range<Int> {
        let start = position * stride - padding
        return max(0, -start)..<min(kernel, size - start)
    }

    package var liveTaps: Int { liveRows.count * liveColumns.count }

    /// The number of a live tap among the live, row by row.
    @inline(__always)
    func liveTap(row: Int, column: Int) -> Int {
        (row - liveRows.lowerBound) * liveColumns.count + column - liveColumns.lowerBound
    }

    /// Multiply-adds for one image, over live taps only.
    package var multiplyAdds: Int {
        let rows = (0..<output.height).reduce(0) { $0 + self.rows(at: $1).count }
        let columns = (0..<output.width).reduce(0) { $0 + self.columns(at: $1).count }
        return rows * columns * input.channels * output.channels
    }
}
