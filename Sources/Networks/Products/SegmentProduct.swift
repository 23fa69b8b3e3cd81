import CKernels
import Tensors

/// Sums of matrix products whose factors lie scattered in memory: what a convolution is in the layout `[H][W][C][N]`.
///
/// c = Σ over segments A·B. On CPUs with AVX2 or AVX-512 this is a kernel of our own that packs nothing, and each
/// element is one chain of fused multiply-adds, so both give the same bits. Elsewhere it is one OpenBLAS product a
/// segment.
package struct SegmentProduct: Sendable, Equatable {
    package enum Backend: Sendable, CaseIterable { case blas, avx2, avx512 }

    package let backend: Backend
    private let level: Int32

    /// The fastest backend of this CPU.
    package static let best = SegmentProduct(available.last!)

    /// The backends this CPU can run, slowest first.
    package static var available: [Backend] {
        switch sower_product_level() {
        case Int32(SOWER_PRODUCT_AVX512): [.blas, .avx2, .avx512]
        case Int32(SOWER_PRODUCT_AVX2): [.blas, .avx2]
        default: [.blas]
        }
    }

    package init(_ backend: Backend) {
        self.backend = backend
        level =
            switch backend {
            case .blas: Int32(SOWER_PRODUCT_NONE)
            case .avx2: Int32(SOWER_PRODUCT_AVX2)
            case .avx512: Int32(SOWER_PRODUCT_AVX512)
            }
    }

    /// Two runs of the same class give the same bits.
    package var numericClass: String { backend == .blas ? "openblas-\(BLAS.coreName)" : "fma" }

    /// How the elements of a left factor lie: rows of the given stride, or (transposed) columns of it.
    package enum Left: Sendable {
        case rows(stride: Int)
        case columns(stride: Int)
    }

    /// c `[rows][columns]` = Σ A·B, added to c if `accumulate`; B's rows are `bStride` apart, c's `cStride`.
    @inline(__always)
    package func sum(
        _ segments: UnsafePointer<sower_segment>, count: Int, left: Left, bStride: Int,
        into c: UnsafeMutablePointer<Float>, cStride: Int, rows: Int, columns: Int, accumulate: Bool = false
    ) {
        if backend == .blas {
            sumByBLAS(
                segments, count: count, left: left, bStride: bStride, into: c, cStride: cStride, rows: rows,
                columns: columns, accumulate: accumulate)
            return
        }
        let (aRow, aColumn) =
            switch left {
            case .rows(let stride): (stride, 1)
            case .columns(let stride): (1, stride)
            }
        sower_product(
            level, segments, count, aRow, aColumn, bStride, c, cStride, rows, columns, accumulate ? 1 : 0)
    }

    /// One product of one segment.
    @inline(__always)
    package func multiply(
        _ a: UnsafePointer<Float>, left: Left, _ b: UnsafePointer<Float>, bStride: Int, inner: Int,
        into c: UnsafeMutablePointer<Float>, cStride: Int, rows: Int, columns: Int, accumulate: Bool = false
    ) {
        var segment = sower_segment(a: a, b: b, length: inner)
        sum(
            &segment, count: 1, left: left, bStride: bStride, into: c, cStride: cStride, rows: rows, columns: columns,
            accumulate: accumulate)
    }

    private func sumByBLAS(
        _ segments: UnsafePointer<sower_segment>, count: Int, left: Left, bStride: Int,
        into c: UnsafeMutablePointer<Float>, cStride: Int, rows: Int, columns: Int, accumulate: Bool
    ) {
        let (operation, stride): (BLAS.Operation, Int) =
            switch left {
            case .rows(let stride): (.plain, stride)
            case .columns(let stride): (.transposed, stride)
            }
        var beta: Float = accumulate ? 1 : 0
        for index in 0..<count {
            BLAS.multiply(
                segments[index].a, operation, stride: stride, segments[index].b, stride: bStride, into: c,
                stride: cStride, rows: rows, columns: columns, inner: segments[index].length, beta: beta)
            beta = 1
        }
    }
}
