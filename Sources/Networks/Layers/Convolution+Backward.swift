import CKernels

extension Convolution {
    /// Writes the gradient of the weights and, unless `dx` is nil, that of the input, or adds it if `accumulate`.
    ///
    /// `epilogue` is called with each position of `dx`, as in ``forward(_:into:batch:epilogue:)``.
    @inline(__always)
    package func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>?,
        accumulate: Bool = false, batch: Int, epilogue: Epilogue = { _, _, _ in }
    ) {
        weightGradient(x, dy, batch: batch)
        if let dx { inputGradient(dy, into: dx, accumulate: accumulate, batch: batch, epilogue: epilogue) }
    }

    // MARK: Weights

    private func weightGradient(_ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, batch: Int) {
        // One thread transposes rows as it comes to them; several find all of them done.
        if !usesStrips, workspace.threads.count > 1 { transposeInput(x, batch: batch) }
        workspace.threads.split(geometry.output.channels) { channels, thread in
            if usesStrips {
                stripWeightGradient(x, dy, channels, thread: thread, batch: batch)
            } else {
                tapWeightGradient(x, dy, channels, thread: thread, batch: batch)
            }
        }
    }

    /// dw of a tap = Σ over the output positions it is live at of dy·xᵀ, `[O][N]·[N][C]`: a sum of segments once x has
    /// its channels innermost.
    private func tapWeightGradient(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ channels: Range<Int>, thread: Int, batch: Int
    ) {
        let g = geometry
        let segments = segments(of: thread)
        let transposed = workspace.transposed.pointer
        let (outputLength, inputLength) = (g.output.channels * batch, g.input.channels * batch)
        // Some rows at a time, so that their gradients stay in cache while every tap passes over them; but enough for a
        // tap's sum to be worth writing.
        let (cacheFloats, fewestTerms) = (1 << 16, 512)
        let rowsAtOnce = max(
            cacheFloats / (g.output.width * outputLength), fewestTerms / (g.output.width * batch), 1)
        // Transposed rows are soon read and soon done with: a ring of as many as a block of output rows reads stays in cache.
        let isAlone = workspace.threads.count == 1
        let ring = isAlone ? min(rowsAtOnce * g.stride + g.kernel, g.input.height) : g.input.height
        var transposedRows = 0
        for first in stride(from: 0, to: g.output.height, by: rowsAtOnce) {
            let rows = first..<min(first + rowsAtOnce, g.output.height)
            if isAlone {
                let needed = min((rows.upperBound - 1) * g.stride - g.padding + g.kernel, g.input.height)
                while transposedRows < needed {
                    transposeRow(transposedRows, of: x, into: transposedRows % ring, batch: batch)
                    transposedRows += 1
                }
            }
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
                                a: dy + (oy * g.output.width + ox) * outputLength + channels.lowerBound * batch,
                                b: transposed + (iy % ring * g.input.width + ix) * inputLength, length: batch)
                            count += 1
                        }
                    }
                    let target = weight.gradients + weightOffset(row: ky, column: kx) + channels.lowerBound * weightStride
                    if count == 0 {
                        // A live tap is live at some output row, not at each.
                        if first == 0 { target.update(repeating: 0, count: channels.count * weightStride) }
                        continue
                    }
                    workspace.product.sum(
                        segments, count: count, left: .rows(stride: batch), bStride: g.input.channels, into: target,
                        cStride: weightStride, rows: channels.count, columns: g.input.channels, accumulate: first > 0)
                }
            }
        }
    }

    private func transposeInput(_ x: UnsafePointer<Float>, batch: Int) {
        workspace.threads.split(geometry.input.height, grain: 1) { rows, _ in
            for row in rows { transposeRow(row, of: x, into: row, batch: batch) }
        }
    }

    /// Writes a row of the input with its channels innermost into row `slot` of the workspace.
    private func transposeRow(_ row: Int, of x: UnsafePointer<Float>, into slot: Int, batch: Int) {
        let g = geometry
        // A 1×1 kernel of stride 2 reads every other position of every other row.
        func isRead(_ coordinate: Int) -> Bool { (coordinate + g.padding) % g.stride < g.kernel }
        guard isRead(row) else { return }
        let length = g.input.channels * batch
        let (source, target) = (x + row * g.input.width * length, workspace.transposed.pointer + slot * g.input.width * length)
        for column in 0..<g.input.width where isRead(column) {
            sower_transpose(source + column * length, target + column * length, g.input.channels, batch)
        }
    }

    /// The same from strips: all taps at once, for runs of output columns that see the same kernel columns.
    private func stripWeightGradient(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ channels: Range<Int>, thread: Int, batch: Int
    ) {
        let g = geometry
        let segments = segments(of: thread)
        let (strip, transposed) = (strips[thread].pointer, transposedStrips[thread].pointer)
        let stripRows = g.input.width * stripColumn
        let outputLength = g.output.channels * batch
        let gradients = weight.gradients + channels.lowerBound * weightStride
        gradients.update(repeating: 0, count: channels.count * weightStride)
        for oy in 0..<g.output.height {
            fillStrip(strip, x, row: oy, batch: batch)
            sower_transpose(strip, transposed, stripRows, batch)
            var ox = 0
            while ox < g.output.width {
                let columns = g.columns(at: ox)
                var count = 0
                while ox < g.output.width, g.columns(at: ox) == columns {
                    segments[count] = sower_segment(
                        a: dy + (oy * g.output.width + ox) * outputLength + channels.lowerBound * batch,
                        b: transposed + stripRow(under: ox), length: batch)
                    count += 1
                    ox += 1
                }
                workspace.product.sum(
                    segments, count: count, left: .rows(stride: batch), bStride: stripRows,
                    into: gradients + columns.lowerBound * stripColumn, cStride: weightStride, rows: channels.count,
                    columns: columns.count * stripColumn, accumulate: true)
            }
        }
    }

    // MARK: Input

    /// dx of a position = Σ over the taps that read it of wᵀ·dy, `[C][O]·[O][N]`.
    @inline(__always)
    private func inputGradient(
        _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, accumulate: Bool, batch: Int,
        epilogue: Epilogue
    ) {
        precondition(!usesStrips, "The gradient of the image is not computed")
        workspace.threads.split(geometry.input.channels) { channels, thread in
            let inputLength = geometry.input.channels * batch
            for position in 0..<geometry.input.positions {
                let target = dx + position * inputLength + channels.lowerBound * batch
                let count = readerSegments(dy, of: position, channels, batch: batch, into: segments(of: thread))
                if count > 0 {
                    workspace.product.sum(
                        segments(of: thread), count: count, left: .columns(stride: weightStride), bStride: batch,
                        into: target, cStride: batch, rows: channels.count, columns: batch, accumulate: accumulate)
                } else if !accumulate {
                    target.update(repeating: 0, count: channels.count * batch)
                }
                epilogue(target, position, channels)
            }
        }
    }

    /// The taps that read an input position, a segment each.
    private func readerSegments(
        _ dy: UnsafePointer<Float>, of position: Int, _ channels: Range<Int>, batch: Int,
        into segments: UnsafeMutablePointer<sower_segment>
    ) -> Int {
        let g = geometry
        let outputLength = g.output.channels * batch
        let (iy, ix) = (position / g.input.width, position % g.input.width)
        var count = 0
        for ky in g.liveRows {
            guard let oy = output(reading: iy, tap: ky, outputs: g.output.height) else { continue }
            for kx in g.liveColumns {
                guard let ox = output(reading: ix, tap: kx, outputs: g.output.width) else { continue }
                segments[count] = sower_segment(
                    a: weight.values + weightOffset(row: ky, column: kx) + channels.lowerBound,
                    b: dy + (oy * g.output.width + ox) * outputLength, length: g.output.channels)
                count += 1
            }
        }
        return count
    }

    /// The output coordinate at which `tap` reads the input coordinate, if there is one.
    @inline(__always)
    private func output(reading coordinate: Int, tap: Int, outputs: Int) -> Int? {
        let start = coordinate + geometry.padding - tap
        guard start >= 0, start % geometry.stride == 0, start / geometry.stride < outputs else { return nil }
        return start / geometry.stride
    }
}
