import COpenBLAS

/// Single-precision matrix products of OpenBLAS, row-major.
///
/// The library chooses its kernels when it is loaded, from the environment (`OPENBLAS_CORETYPE`) or the CPU; see
/// ``CPUFeatures/recommendedOpenBLASCore``. Kernels of different cores round differently, so a run's numbers belong to
/// its ``coreName``.
package enum BLAS {
    /// The number of threads of all later products, of the whole process.
    package static func setThreads(_ count: Int) { openblas_set_num_threads(Int32(count)) }

    /// The name of the kernels in use, such as "SkylakeX" or "Haswell".
    package static var coreName: String { String(cString: openblas_get_corename()) }

    /// The library's version and build options in one line.
    package static var configuration: String { String(cString: openblas_get_config()) }

    /// Whether a factor of a product is taken as it stands or transposed.
    package enum Operation: Sendable {
        case plain, transposed
        @inline(__always) fileprivate var flag: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
    }

    /// `c[rows][columns] = a·b + beta·c` over `inner` terms, where `a` (or its transpose) is `[rows][inner]` and `b` (or
    /// its transpose) `[inner][columns]`; the strides are the distances between consecutive rows as stored.
    @inline(__always)
    package static func multiply(
        _ a: UnsafePointer<Float>, _ operationA: Operation = .plain, stride strideA: Int,
        _ b: UnsafePointer<Float>, _ operationB: Operation = .plain, stride strideB: Int,
        into c: UnsafeMutablePointer<Float>, stride strideC: Int,
        rows: Int, columns: Int, inner: Int, beta: Float = 0
    ) {
        cblas_sgemm(
            CblasRowMajor, operationA.flag, operationB.flag, blasint(rows), blasint(columns), blasint(inner), 1,
            a, blasint(strideA), b, blasint(strideB), beta, c, blasint(strideC))
    }
}
