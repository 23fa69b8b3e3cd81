import COpenBLAS
import Foundation

/// Single-precision matrix products of OpenBLAS, row-major.
///
/// The library is loaded when it is first asked for: as it loads it starts a thread a core, which look for work without a pause for
/// a while, and a coordinator or a table has none. It chooses its kernels at that time, from the environment (`OPENBLAS_CORETYPE`) or the
/// CPU; see ``CPUFeatures/recommendedOpenBLASCore``, which is taken where the user has chosen nothing, and one thread. Kernels of different
/// cores round differently, so a run's numbers belong to its ``coreName``.
package enum BLAS {
    /// Loads the library, so that what follows cannot fail for its lack.
    package static func load() throws(BLASError) { _ = try library.get() }

    /// The number of threads of all later products, of the whole process.
    package static func setThreads(_ count: Int) throws(BLASError) { try library.get().setThreads(Int32(count)) }

    /// The name of the kernels in use, such as "SkylakeX" or "Haswell".
    package static var coreName: String { String(cString: loaded.coreName()) }

    /// The library's version and build options in one line.
    package static var configuration: String { String(cString: loaded.configuration()) }

    /// Whether a factor of a product is taken as it stands or transposed.
    package enum Operation: Sendable {
        case plain, transposed
        @inline(__always) fileprivate var flag: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
    }

    /// `c[rows][columns] = a·b + beta·c` over `inner` terms, where `a` (or its transpose) is `[rows][inner]` and `b` (or
    /// its transpose) `[inner][columns]`; the strides are the distances between consecutive rows as stored.
    package static func multiply(
        _ a: UnsafePointer<Float>, _ operationA: Operation = .plain, stride strideA: Int,
        _ b: UnsafePointer<Float>, _ operationB: Operation = .plain, stride strideB: Int,
        into c: UnsafeMutablePointer<Float>, stride strideC: Int,
        rows: Int, columns: Int, inner: Int, beta: Float = 0
    ) {
        loaded.multiply(
            CblasRowMajor, operationA.flag, operationB.flag, blasint(rows), blasint(columns), blasint(inner), 1,
            a, blasint(strideA), b, blasint(strideB), beta, c, blasint(strideC))
    }

    // MARK: The library

    private static let library = Result { () throws(BLASError) in try Library() }

    private static let loaded: Library = {
        switch library {
        case .success(let library): library
        case .failure(let error): fatalError("\(error.localizedDescription); \(error.recoverySuggestion ?? "")")
        }
    }()

    /// Functions with the types that cblas.h declares.
    private struct Library {
        typealias Multiply =
            @convention(c) (
                CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, blasint, blasint, blasint, Float, UnsafePointer<Float>?, blasint,
                UnsafePointer<Float>?, blasint, Float, UnsafeMutablePointer<Float>?, blasint
            ) -> Void

        let multiply: Multiply
        let setThreads: @convention(c) (Int32) -> Void
        let coreName: @convention(c) () -> UnsafeMutablePointer<CChar>
        let configuration: @convention(c) () -> UnsafeMutablePointer<CChar>

        /// Stays loaded for as long as the process lives.
        init() throws(BLASError) {
            // What the user has set stays.
            if let core = CPUFeatures.current.recommendedOpenBLASCore { setenv("OPENBLAS_CORETYPE", core, 0) }
            setenv("OPENBLAS_NUM_THREADS", "1", 0)
            guard let handle = dlopen(BLASError.libraryName, RTLD_NOW | RTLD_LOCAL) else {
                throw BLASError(detail: String(cString: dlerror()))
            }
            func function<Function>(_ name: String) throws(BLASError) -> Function {
                guard let address = dlsym(handle, name) else { throw BLASError(detail: "it has no function \(name)") }
                return unsafeBitCast(address, to: Function.self)
            }
            multiply = try function("cblas_sgemm")
            setThreads = try function("openblas_set_num_threads")
            coreName = try function("openblas_get_corename")
            configuration = try function("openblas_get_config")
        }
    }
}

/// OpenBLAS is not there, or is not what its name says.
package struct BLASError: LocalizedError, Equatable {
    static let libraryName = "libopenblas.so.0"
    package var detail: String

    package var errorDescription: String? { "The matrix library \(Self.libraryName) cannot be loaded: \(detail)" }

    package var recoverySuggestion: String? {
        "Install it (Debian, Ubuntu: apt-get install libopenblas0), or start the worker from a cluster file, which takes it along."
    }
}
