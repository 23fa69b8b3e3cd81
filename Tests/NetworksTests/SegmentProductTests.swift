import CKernels
import Networks
import Testing

/// Every shape a tile can have, narrow ones above all, against sums in double precision.
@Suite struct SegmentProductTests {
    static let lengths = [[1], [2], [3], [4], [5], [5, 1, 3], [2, 4, 1, 5, 3]]

    /// Where factors lie: those of consecutive segments some way apart.
    nonisolated(unsafe) static let memory = factors()

    static func factors() -> FloatBuffer { FloatBuffer(numbers(1 << 18, stream: 1)) }

    /// One product: its factors, and c with `gap` floats behind each row that are not its own.
    struct Case {
        let segments: [sower_segment]
        let left: SegmentProduct.Left
        let rows, columns, terms, bStride, gap: Int
        let start: [Float]

        init(
            rows: Int, columns: Int, lengths: [Int], transposed: Bool, memory: FloatBuffer = SegmentProductTests.memory
        ) {
            (self.rows, self.columns, gap) = (rows, columns, 3)
            terms = lengths.reduce(0, +)
            bStride = columns + 2
            // A's rows (or columns) are longer than what is read of them.
            let stride = (transposed ? rows : lengths.max()!) + 1
            left = transposed ? .columns(stride: stride) : .rows(stride: stride)
            var next = UnsafePointer(memory.pointer)
            var segments: [sower_segment] = []
            for length in lengths {
                let b = next + stride * (transposed ? length : rows) + 5
                segments.append(sower_segment(a: next, b: b, length: length))
                next = b + bStride * length + 5
            }
            precondition(next <= memory.pointer + memory.count)
            self.segments = segments
            start = numbers(rows * (columns + gap), stream: 2)
        }

        func run(_ backend: SegmentProduct.Backend, accumulate: Bool) -> [Float] {
            var c = start
            c.withUnsafeMutableBufferPointer {
                SegmentProduct(backend).sum(
                    segments, count: segments.count, left: left, bStride: bStride, into: $0.baseAddress!,
                    cStride: columns + gap, rows: rows, columns: columns, accumulate: accumulate)
            }
            return c
        }

        /// The largest error of an element as a multiple of what rounding every term once could cause; infinite where a
        /// float between the rows was written.
        func error(of c: [Float], accumulate: Bool) -> Double {
            var worst = 0.0
            for row in 0..<rows {
                for column in 0..<columns + gap {
                    let place = row * (columns + gap) + column
                    guard column < columns else {
                        if c[place] != start[place] { return .infinity }
                        continue
                    }
                    var sum = accumulate ? Double(start[place]) : 0
                    var size = abs(sum)
                    for segment in segments {
                        for k in 0..<segment.length {
                            let a: Float =
                                switch left {
                                case .rows(let stride): segment.a[row * stride + k]
                                case .columns(let stride): segment.a[k * stride + row]
                                }
                            let product = Double(a) * Double(segment.b[k * bStride + column])
                            sum += product
                            size += abs(product)
                        }
                    }
                    worst = max(worst, abs(Double(c[place]) - sum) / (Double(terms + 1) * size * 0x1p-24 + 1e-30))
                }
            }
            return worst
        }
    }

    @Test("1 to 40 columns, 1 to 20 rows, short segments", arguments: SegmentProduct.available)
    func narrowProducts(_ backend: SegmentProduct.Backend) {
        for columns in 1...40 {
            for rows in 1...20 {
                for transposed in [false, true] {
                    // One list of segments a shape, another for its neighbours.
                    let lengths = Self.lengths[(columns + 3 * rows + (transposed ? 1 : 0)) % Self.lengths.count]
                    let product = Case(rows: rows, columns: columns, lengths: lengths, transposed: transposed)
                    for accumulate in [false, true] {
                        let error = product.error(of: product.run(backend, accumulate: accumulate), accumulate: accumulate)
                        let place: Comment = "\(rows)×\(columns), segments \(lengths), \(transposed), \(accumulate)"
                        if error > 1 { Issue.record(place) }
                    }
                }
            }
        }
    }

    /// Rows that meet every tile height, columns on both sides of every tile width, sums cut in the middle.
    @Test("Sums longer than what is kept in cache at once", arguments: SegmentProduct.available)
    func longSums(_ backend: SegmentProduct.Backend) {
        for lengths in [[513], [512, 1], [511, 2, 700], [100, 200, 300, 400]] {
            for (rows, columns) in [(1, 1), (16, 16), (17, 15), (23, 17), (31, 33)] {
                for accumulate in [false, true] {
                    let product = Case(rows: rows, columns: columns, lengths: lengths, transposed: false)
                    let error = product.error(of: product.run(backend, accumulate: accumulate), accumulate: accumulate)
                    #expect(error <= 1, "\(rows)×\(columns), segments \(lengths), accumulate \(accumulate)")
                }
            }
        }
    }

    @Test(.enabled(if: SegmentProduct.available.contains(.avx512), "this CPU has no AVX-512"))
    func `AVX2 and AVX-512 give the same bits for every shape`() {
        for columns in 1...40 {
            for rows in 1...20 {
                let lengths = columns == rows ? [511, 2, 700] : Self.lengths[(columns + rows) % Self.lengths.count]
                let product = Case(rows: rows, columns: columns, lengths: lengths, transposed: rows % 2 == 0)
                for accumulate in [false, true] {
                    let (narrow, wide) = (
                        product.run(.avx2, accumulate: accumulate), product.run(.avx512, accumulate: accumulate)
                    )
                    if narrow != wide { Issue.record("\(rows)×\(columns), segments \(lengths), accumulate \(accumulate)") }
                }
            }
        }
    }

    @Test("A NaN or an infinity reaches exactly the elements it belongs to", arguments: SegmentProduct.available)
    func nonFinite(_ backend: SegmentProduct.Backend) {
        for columns in [1, 7, 16, 17, 33] {
            for rows in [1, 5, 16, 19] {
                let product = Case(
                    rows: rows, columns: columns, lengths: [4], transposed: false, memory: Self.factors())
                UnsafeMutablePointer(mutating: product.segments[0].b)[2 * product.bStride + columns - 1] = .nan
                let c = product.run(backend, accumulate: false)
                for row in 0..<rows {
                    for column in 0..<columns {
                        let isNaN = c[row * (columns + product.gap) + column].isNaN
                        if isNaN != (column == columns - 1) { Issue.record("\(rows)×\(columns) at \(row), \(column)") }
                    }
                }
            }
        }
    }
}
