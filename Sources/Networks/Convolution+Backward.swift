import CKernels

extension Convolution {
    /// Writes the gradient of the weights and, unless `dx` is nil, that of the input, or adds it if `accumulate`.
    package func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>?,
        accumulate: Bool = false, batch: Int
    ) {
        weight.gradients.update(repeating: 0, count: weight.count)
        if let strip {
            addStripWeightGradient(x, dy, strip: strip.pointer, batch: batch)
        } else {
            addWeightGradient(x, dy, batch: batch)
        }
        if let dx { inputGradient(dy, into: dx, accumulate: accumulate, batch: batch) }
    }

    // MARK: Weights

    /// dw of a tap = Σ over the output positions it is live at of dy·xᵀ, `[O][N]·[N][C]`: a sum of segments once x has
    /// its channels innermost.
    private func addWeightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, batch: Int) {
        let g = geometry
        let transposed = workspace.transposed.pointer
        transposeInput(x, into: transposed, batch: batch)
        let (outputLength, inputLength) = (g.output.channels * batch, g.input.channels * batch)
        // Some rows at a time, so that their gradients stay in cache while every tap passes over them; but enough for a
        // tap's sum to be worth writing.
        let (cacheFloats, fewestTerms) = (1 << 16, 512)
        let rowsAtOnce = max(
            cacheFloats / (g.output.width * outputLength), fewestTerms / (g.output.width * batch), 1)
        for first in stride(from: 0, to: g.output.height, by: rowsAtOnce) {
            let rows = first..<min(first + rowsAtOnce, g.output.height)
            for ky in g.liveRows {
                for kx in g.liveColumns {
                    var count = 0
                    for oy in rows {
                        let iy = oy * g.stride - g.padding + ky
                        guard iy >= 0, iy < g.input.height else { continue }
                        for ox in 0..<g.output.width {
                            let ix = ox * g.stride - g.padding + kx
                            guard ix >= 0, ix < g.input.width else { continue }
                            segments[count] = sower_segment(
                                a: dy + (oy * g.output.width + ox) * outputLength,
                                b: transposed + (iy * g.input.width + ix) * inputLength, length: batch)
                            count += 1
                        }
                    }
                    guard count > 0 else { continue }
                    workspace.product.sum(
                        segments, count: count, left: .rows(stride: batch), bStride: g.input.channels,
                        into: weight.gradients + weightOffset(row: ky, column: kx), cStride: weightStride,
                        rows: g.output.channels, columns: g.input.channels, accumulate: true)
                }
            }
        }
    }

    private func transposeInput(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, batch: Int) {
        let g = geometry
        let length = g.input.channels * batch
        // A 1×1 kernel of stride 2 reads every other position of every other row.
        func isRead(_ coordinate: Int) -> Bool { (coordinate + g.padding) % g.stride < g.kernel }
        for iy in 0..<g.input.height where isRead(iy) {
            for ix in 0..<g.input.width where isRead(ix) {
                let offset = (iy * g.input.width + ix) * length
                sower_transpose(x + offset, y + offset, g.input.channels, batch)
            }
        }
    }

    /// The same from strips: all taps at once, for runs of output columns that see the same kernel columns.
    private func addStripWeightGradient(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, strip: UnsafeMutablePointer<Float>, batch: Int
    ) {
        let g = geometry
        let transposed = workspace.transposed.pointer
        let stripRows = g.input.width * stripColumn
        let outputLength = g.output.channels * batch
        for oy in 0..<g.output.height {
            fillStrip(strip, x, row: oy, batch: batch)
            sower_transpose(strip, transposed, stripRows, batch)
            var ox = 0
            while ox < g.output.width {
                let columns = g.columns(at: ox)
                var count = 0
                while ox < g.output.width, g.columns(at: ox) == columns {
                    segments[count] = sower_segment(
                        a: dy + (oy * g.output.width + ox) * outputLength, b: transposed + stripRow(under: ox),
                        length: batch)
                    count += 1
                    ox += 1
                }
                workspace.product.sum(
                    segments, count: count, left: .rows(stride: batch), bStride: stripRows,
                    into: weight.gradients + columns.lowerBound * stripColumn, cStride: weightStride,
                    rows: g.output.channels, columns: columns.count * stripColumn, accumulate: true)
            }
        }
    }

    // MARK: Input

    /// dx of a position = Σ over the taps that read it of wᵀ·dy, `[C][O]·[O][N]`.
    private func inputGradient(
        _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, accumulate: Bool, batch: Int
    ) {
        precondition(strip == nil, "The gradient of the image is not computed")
        let g = geometry
        let (outputLength, inputLength) = (g.output.channels * batch, g.input.channels * batch)
        for iy in 0..<g.input.height {
            for ix in 0..<g.input.width {
                var count = 0
                for ky in g.liveRows {
                    guard let oy = output(reading: iy, tap: ky, outputs: g.output.height) else { continue }
                    for kx in g.liveColumns {
                        guard let ox = output(reading: ix, tap: kx, outputs: g.output.width) else { continue }
                        segments[count] = sower_segment(
                            a: weight.values + weightOffset(row: ky, column: kx),
                            b: dy + (oy * g.output.width + ox) * outputLength, length: g.output.channels)
                        count += 1
                    }
                }
                let target = dx + (iy * g.input.width + ix) * inputLength
                if count > 0 {
                    workspace.product.sum(
                        segments, count: count, left: .columns(stride: weightStride), bStride: batch, into: target,
                        cStride: batch, rows: g.input.channels, columns: batch, accumulate: accumulate)
                } else if !accumulate {
                    target.update(repeating: 0, count: inputLength)
                }
            }
        }
    }

    /// The output coordinate at which `tap` reads the input coordinate, if there is one.
    @inline(__always)
    private func output(reading coordinate: Int, tap: Int, outputs: Int) -> Int? {
        let start = coordinate + geometry.padding - tap
        guard start >= 0, start % geometry.stride == 0, start / geometry.stride < outputs else { return nil }
        return start / geometry.stride
    }
}
