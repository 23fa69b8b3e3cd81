import CKernels

/// A 2-D convolution without bias on activations `[H][W][C][N]`, as matrix products straight out of the activations.
///
/// A position of the input is a C×N matrix and the weights of a tap an O×C matrix, so an output position is the sum of
/// one product a tap, `[kh][kw][O][C]` by `[H][W][C][N]`. Taps in the padding are never multiplied.
///
/// With few input channels (an image) those products would be too thin. There the input rows under an output row are
/// interleaved once into a strip `[W][kh][C][N]`, in which a whole window is contiguous, and weights are
/// `[O][kw][kh][C]`.
package final class Convolution {
    package let geometry: ConvolutionGeometry
    package let weight: Parameter
    let workspace: Workspace
    /// The strip of one output row, or nil where rows are read in place.
    let strip: FloatBuffer?
    /// The products of one sum.
    let segments: UnsafeMutablePointer<sower_segment>

    package init(
        _ name: String, input: MapShape, channels: Int, kernel: Int, stride: Int, padding: Int, store: ParameterStore,
        workspace: Workspace, maximumBatch: Int
    ) {
        geometry = ConvolutionGeometry(
            input: input, channels: channels, kernel: kernel, stride: stride, padding: padding)
        self.workspace = workspace
        let usesStrips = input.channels < 8 && kernel > 1
        let stripCount = input.width * kernel * input.channels * maximumBatch
        strip = usesStrips ? FloatBuffer(count: stripCount) : nil
        workspace.reserve(
            transposed: usesStrips ? stripCount : input.positions * input.channels * maximumBatch)
        weight = store.parameter(name, layout: usesStrips ? .columnMajor(geometry) : .liveTaps(geometry))
        segments = .allocate(capacity: max(geometry.output.positions, kernel * kernel))
    }

    deinit { segments.deallocate() }

    /// Elements between the weights of consecutive output channels.
    var weightStride: Int { strip == nil ? geometry.input.channels : geometry.kernel * stripColumn }

    /// Where the weights of a tap begin.
    @inline(__always)
    func weightOffset(row: Int, column: Int) -> Int {
        geometry.liveTap(row: row, column: column) * geometry.output.channels * geometry.input.channels
    }

    /// Writes y = w ∗ x, and calls `epilogue` with each output position as soon as it is complete, while it is in cache.
    @inline(__always)
    package func forward(
        _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: (_ output: UnsafeMutablePointer<Float>, _ position: Int) -> Void
    ) {
        let rowLength = geometry.output.channels * batch
        for oy in 0..<geometry.output.height {
            if let strip { fillStrip(strip.pointer, x, row: oy, batch: batch) }
            for ox in 0..<geometry.output.width {
                let position = oy * geometry.output.width + ox
                let output = y + position * rowLength
                let count =
                    if let strip {
                        stripSegment(strip.pointer, column: ox, batch: batch)
                    } else {
                        windowSegments(x, row: oy, column: ox, batch: batch)
                    }
                workspace.product.sum(
                    segments, count: count, left: .rows(stride: weightStride), bStride: batch, into: output,
                    cStride: batch, rows: geometry.output.channels, columns: batch)
                epilogue(output, position)
            }
        }
    }

    /// The window of one output position, a segment a tap.
    private func windowSegments(_ x: UnsafePointer<Float>, row: Int, column: Int, batch: Int) -> Int {
        let g = geometry
        let length = g.input.channels * batch
        var count = 0
        for ky in g.rows(at: row) {
            let inputRow = (row * g.stride - g.padding + ky) * g.input.width
            for kx in g.columns(at: column) {
                segments[count] = sower_segment(
                    a: weight.values + weightOffset(row: ky, column: kx),
                    b: x + (inputRow + column * g.stride - g.padding + kx) * length, length: g.input.channels)
                count += 1
            }
        }
        return count
    }

    // MARK: Strips

    /// Interleaves the input rows under output row `row`; rows in the padding are zero.
    func fillStrip(_ strip: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, row: Int, batch: Int) {
        let g = geometry
        let length = g.input.channels * batch
        for ky in 0..<g.kernel {
            let iy = row * g.stride - g.padding + ky
            for ix in 0..<g.input.width {
                let target = strip + (ix * g.kernel + ky) * length
                if iy < 0 || iy >= g.input.height {
                    target.update(repeating: 0, count: length)
                } else {
                    target.update(from: x + (iy * g.input.width + ix) * length, count: length)
                }
            }
        }
    }

    private func stripSegment(_ strip: UnsafePointer<Float>, column: Int, batch: Int) -> Int {
        let columns = geometry.columns(at: column)
        segments[0] = sower_segment(
            a: weight.values + columns.lowerBound * stripColumn, b: strip + stripRow(under: column) * batch,
            length: columns.count * stripColumn)
        return 1
    }

    /// Rows of the strip, and terms of a window, for one image column.
    var stripColumn: Int { geometry.kernel * geometry.input.channels }

    /// The first row of the strip under the window of an output column.
    func stripRow(under column: Int) -> Int {
        (column * geometry.stride - geometry.padding + geometry.columns(at: column).lowerBound) * stripColumn
    }
}
