import CKernels

/// A 2-D convolution without bias on activations `[H][W][C][N]`, as matrix products straight out of the activations.
///
/// A position of the input is a C×N matrix and the weights of a tap an O×C matrix, so an output position is the sum of
/// one product a tap, `[kh][kw][O][C]` by `[H][W][C][N]`. Taps in the padding are never multiplied.
///
/// With few input channels (an image) those products would be too thin. There the input rows under an output row are
/// interleaved once into a strip `[W][kh][C][N]`, in which a whole window is contiguous, and weights are
/// `[O][kw][kh][C]`.
///
/// Threads share a convolution by its output channels (the gradient of the input: by its input channels).
package final class Convolution {
    /// Called with rows of one position as soon as they are complete, while they are in cache: the pointer to the first
    /// of them, the position, and which channels they are.
    package typealias Epilogue = (
        _ rows: UnsafeMutablePointer<Float>, _ position: Int, _ channels: Range<Int>
    ) -> Void

    package let geometry: ConvolutionGeometry
    package let weight: Parameter
    let workspace: Workspace
    /// The strip of one output row, one a thread; empty where rows are read in place.
    let strips: [FloatBuffer]
    /// The strip of one output row with its images outermost, one a thread.
    let transposedStrips: [FloatBuffer]
    /// The products of one sum, one list a thread.
    private let segmentLists: [UnsafeMutablePointer<sower_segment>]

    package init(
        _ name: String, input: MapShape, channels: Int, kernel: Int, stride: Int, padding: Int, store: ParameterStore,
        workspace: Workspace, maximumBatch: Int
    ) {
        geometry = ConvolutionGeometry(
            input: input, channels: channels, kernel: kernel, stride: stride, padding: padding)
        self.workspace = workspace
        let usesStrips = input.channels < 8 && kernel > 1
        let stripCount = input.width * kernel * input.channels * maximumBatch
        let threads = workspace.threads.count
        func stripBuffers() -> [FloatBuffer] {
            usesStrips ? (0..<threads).map { _ in FloatBuffer(count: stripCount) } : []
        }
        (strips, transposedStrips) = (stripBuffers(), stripBuffers())
        if !usesStrips { workspace.reserve(transposed: input.positions * input.channels * maximumBatch) }
        weight = store.parameter(name, layout: usesStrips ? .columnMajor(geometry) : .liveTaps(geometry))
        let capacity = max(geometry.output.positions, kernel * kernel)
        segmentLists = (0..<threads).map { _ in .allocate(capacity: capacity) }
    }

    deinit { for list in segmentLists { list.deallocate() } }

    var usesStrips: Bool { !strips.isEmpty }

    @inline(__always)
    func segments(of thread: Int) -> UnsafeMutablePointer<sower_segment> { segmentLists[thread] }

    /// Elements between the weights of consecutive output channels.
    var weightStride: Int { usesStrips ? geometry.kernel * stripColumn : geometry.input.channels }

    /// Where the weights of a tap begin.
    @inline(__always)
    func weightOffset(row: Int, column: Int) -> Int {
        geometry.liveTap(row: row, column: column) * geometry.output.channels * geometry.input.channels
    }

    /// Writes y = w ∗ x.
    @inline(__always)
    package func forward(
        _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, batch: Int, epilogue: Epilogue
    ) {
        workspace.threads.split(geometry.output.channels) { channels, thread in
            let segments = segments(of: thread)
            let rowLength = geometry.output.channels * batch
            for oy in 0..<geometry.output.height {
                if usesStrips { fillStrip(strips[thread].pointer, x, row: oy, batch: batch) }
                for ox in 0..<geometry.output.width {
                    let position = oy * geometry.output.width + ox
                    let output = y + position * rowLength + channels.lowerBound * batch
                    let firstWeight = channels.lowerBound * weightStride
                    let count: Int
                    if usesStrips {
                        segments[0] = stripSegment(strips[thread].pointer, column: ox, firstWeight, batch: batch)
                        count = 1
                    } else {
                        count = windowSegments(x, row: oy, column: ox, firstWeight, batch: batch, into: segments)
                    }
                    workspace.product.sum(
                        segments, count: count, left: .rows(stride: weightStride), bStride: batch, into: output,
                        cStride: batch, rows: channels.count, columns: batch)
                    epilogue(output, position, channels)
                }
            }
        }
    }

    /// The window of one output position, a segment a tap.
    private func windowSegments(
        _ x: UnsafePointer<Float>, row: Int, column: Int, _ firstWeight: Int, batch: Int,
        into segments: UnsafeMutablePointer<sower_segment>
    ) -> Int {
        let g = geometry
        let length = g.input.channels * batch
        var count = 0
        for ky in g.rows(at: row) {
            let inputRow = (row * g.stride - g.padding + ky) * g.input.width
            for kx in g.columns(at: column) {
                segments[count] = sower_segment(
                    a: weight.values + weightOffset(row: ky, column: kx) + firstWeight,
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

    private func stripSegment(
        _ strip: UnsafePointer<Float>, column: Int, _ firstWeight: Int, batch: Int
    ) -> sower_segment {
        let columns = geometry.columns(at: column)
        return sower_segment(
            a: weight.values + firstWeight + columns.lowerBound * stripColumn,
            b: strip + stripRow(under: column) * batch, length: columns.count * stripColumn)
    }

    /// Rows of the strip, and terms of a window, for one image column.
    var stripColumn: Int { geometry.kernel * geometry.input.channels }

    /// The first row of the strip under the window of an output column.
    func stripRow(under column: Int) -> Int {
        (column * geometry.stride - geometry.padding + geometry.columns(at: column).lowerBound) * stripColumn
    }
}
