// swift-tools-version: 6.2
import PackageDescription

// The layers of ARCHITECTURE.md, lowest first. A target may import only what its entry lists here;
// Tests/ConventionsTests holds every source file to the same table, and to the one home of each library.

let package = Package(
    name: "Sower",
    products: [.executable(name: "sower", targets: ["sower"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C: three system libraries, our own kernels, and one call of glibc that Swift's module for it leaves out.
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .target(name: "CSpawn"),
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off"])]),

        // Layer 0
        .target(name: "Digests", dependencies: [.product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Failpoints"),
        .target(name: "Processes", dependencies: ["CSpawn"]),
        .target(name: "Tensors", dependencies: ["COpenBLAS", "CKernels"]),
        // Layer 1
        .target(name: "Studies", dependencies: ["Digests"]),
        .target(name: "Downloads", dependencies: ["Digests", "Processes"]),
        .target(name: "Networks", dependencies: ["Tensors", "CKernels"]),
        .target(name: "Datasets", dependencies: ["CJPEG", "CKernels", "Digests", "Tensors"]),
        // Layer 2
        .target(name: "Artifacts", dependencies: ["Digests", "Failpoints"]),
        .target(
            name: "Coordination",
            dependencies: ["Digests", "Studies", .product(name: "HeapModule", package: "swift-collections")]),
        .target(name: "Initializers", dependencies: ["CKernels", "Tensors"]),
        .target(name: "StudyFiles", dependencies: ["Studies", "Yams"]),
        .target(name: "Transport", dependencies: ["CZeroMQ"]),
        // Layer 3
        .target(name: "Clusters", dependencies: ["Studies", "StudyFiles"]),
        .target(
            name: "Jobs",
            dependencies: [
                "Artifacts", "Coordination", "Datasets", "Digests", "Initializers", "Networks", "Processes", "Studies", "Tensors",
            ]),
        .target(name: "Keys", dependencies: ["Transport"]),
        .target(
            name: "LedgerStore",
            dependencies: [
                "Coordination", "Digests", "Failpoints", "Studies", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .target(name: "Reports", dependencies: ["Studies"]),
        .target(name: "Simulation", dependencies: ["Coordination", "Digests", "Studies"]),
        // Layer 4
        .target(
            name: "Coordinator",
            dependencies: ["Artifacts", "Coordination", "Digests", "Failpoints", "LedgerStore", "Studies", "Transport"]),
        .target(name: "Launchers", dependencies: ["Clusters", "Digests", "Failpoints", "Keys", "Processes", "Transport"]),
        .target(name: "Worker", dependencies: ["Artifacts", "Coordination", "Digests", "Failpoints", "Processes", "Transport"]),
        // Layer 5
        .executableTarget(
            name: "sower",
            dependencies: [
                "Artifacts", "Clusters", "Coordination", "Coordinator", "Datasets", "Digests", "Downloads", "Failpoints", "Initializers",
                "Jobs", "Keys", "Launchers", "LedgerStore", "Networks", "Processes", "Reports", "Simulation", "Studies", "StudyFiles",
                "Tensors", "Transport", "Worker",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            // DT_RPATH holds for the libraries' own libraries too, DT_RUNPATH does not: beside the program lie all of them when it
            // is sent to another host (ProgramPackage).
            linkerSettings: [.unsafeFlags(["-Xlinker", "--disable-new-dtags"])]),

        // Tests, one target a source target, in release: debug builds of numeric code are useless.
        .testTarget(name: "DigestsTests", dependencies: ["Digests"]),
        .testTarget(name: "FailpointsTests", dependencies: ["Failpoints"]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
        .testTarget(name: "StudiesTests", dependencies: ["Digests", "Studies"]),
        .testTarget(
            name: "NetworksTests", dependencies: ["CKernels", "Networks", "Tensors"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "DatasetsTests", dependencies: ["Datasets", "Digests", "Tensors"], resources: [.copy("Fixtures")]),
        .testTarget(name: "DownloadsTests", dependencies: ["Digests", "Downloads", "Processes"], exclude: ["server.py"]),
        .testTarget(name: "ArtifactsTests", dependencies: ["Artifacts", "Digests"]),
        .testTarget(name: "CoordinationTests", dependencies: ["Coordination", "Digests", "Simulation", "Studies"]),
        .testTarget(
            name: "InitializersTests", dependencies: ["CKernels", "Digests", "Initializers", "Tensors"], resources: [.copy("Fixtures")]),
        .testTarget(name: "StudyFilesTests", dependencies: ["Digests", "Studies", "StudyFiles"]),
        .testTarget(name: "ClustersTests", dependencies: ["Clusters", "Studies"]),
        .testTarget(name: "LaunchersTests", dependencies: ["Clusters", "Keys", "Launchers", "Processes", "Transport"]),
        .testTarget(name: "TransportTests", dependencies: ["Transport"]),
        .testTarget(
            name: "JobsTests",
            dependencies: [
                "Artifacts", "Coordination", "Datasets", "Digests", "Initializers", "Jobs", "Networks", "Studies", "Tensors",
            ]),
        .testTarget(
            name: "LedgerStoreTests",
            dependencies: ["Coordination", "Digests", "LedgerStore", "Studies", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(name: "KeysTests", dependencies: ["Keys", "Transport"]),
        .testTarget(
            name: "CoordinatorTests",
            dependencies: ["Artifacts", "Coordination", "Coordinator", "Digests", "LedgerStore", "Studies", "Transport"]),
        .testTarget(name: "ReportsTests", dependencies: ["Digests", "Processes", "Reports", "Studies", "StudyFiles"]),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation"]),
        .testTarget(
            name: "WorkerTests",
            dependencies: ["Artifacts", "Coordination", "Coordinator", "Digests", "Transport", "Worker"]),
        // Whole processes: the built `sower` on the synthetic set, killed and resumed.
        .testTarget(name: "SystemTests", dependencies: ["Coordination", "Failpoints", "LedgerStore", "Processes", "Studies", "sower"]),
        // The import table above, file by file.
        .testTarget(name: "ConventionsTests"),
    ],
    swiftLanguageModes: [.v6]
)
