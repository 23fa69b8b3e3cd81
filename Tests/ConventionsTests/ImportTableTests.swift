import Foundation
import Testing

/// The layers of ARCHITECTURE.md, held to by every source file.
@Suite struct ImportTableTests {
    /// What the files of each target may import, beside Foundation, Dispatch and Synchronization.
    static let allowed: [String: Set<String>] = [
        "Digests": ["Crypto"],
        "Failpoints": [],
        "Processes": ["CSpawn"],
        "Tensors": ["COpenBLAS", "CKernels"],
        "Studies": ["Digests"],
        "Downloads": ["Digests", "Processes"],
        "Networks": ["CKernels", "Tensors"],
        "Datasets": ["CJPEG", "CKernels", "Digests", "Tensors"],
        "Artifacts": ["Digests", "Failpoints"],
        "Coordination": ["Digests", "HeapModule", "Studies"],
        "Initializers": ["CKernels", "Tensors"],
        "StudyFiles": ["Studies", "Yams"],
        "Transport": ["CZeroMQ"],
        "Clusters": ["Studies", "StudyFiles"],
        "Jobs": [
            "Artifacts", "Coordination", "Datasets", "Digests", "Initializers", "Networks", "Processes", "Studies", "Tensors",
        ],
        "Keys": ["Transport"],
        "LedgerStore": ["Coordination", "Digests", "Failpoints", "GRDB", "GRDBSQLite", "Studies"],
        "Reports": ["Studies"],
        "Simulation": ["Coordination", "Digests", "Studies"],
        "Coordinator": ["Artifacts", "Coordination", "Digests", "Failpoints", "LedgerStore", "Studies", "Transport"],
        "Launchers": ["Clusters", "Digests", "Failpoints", "Keys", "Processes", "Transport"],
        "Worker": ["Artifacts", "Coordination", "Digests", "Failpoints", "Processes", "Transport"],
        "sower": [
            "ArgumentParser", "Artifacts", "Clusters", "Coordination", "Coordinator", "Datasets", "Digests", "Downloads", "Failpoints",
            "Initializers", "Jobs", "Keys", "Launchers", "LedgerStore", "Logging", "Networks", "Processes", "Reports", "Simulation",
            "Studies", "StudyFiles", "Tensors", "Transport", "Worker",
        ],
    ]

    /// Targets whose code is a function of its arguments: no clock, socket, file, process, lock or ambient random number.
    static let pure = ["Clusters", "Coordination", "Reports", "Simulation", "Studies"]

    /// What such code would have to call.
    static let impure = [
        "Date()", "ContinuousClock", "SuspendingClock", "FileManager", "FileHandle", "Thread", "Mutex", "ProcessInfo",
        ".random(in", "SystemRandomNumberGenerator", "Task {", "URLSession", "Data(contentsOf", "String(contentsOf", "getenv", "print(",
    ]

    @Test func `a target imports only what its layer may`() throws {
        for (target, files) in try sources() {
            let allowed = try #require(Self.allowed[target], "\(target) is not in the import table")
            for file in files {
                for imported in try imports(of: file) where !["Foundation", "Dispatch", "Synchronization"].contains(imported) {
                    #expect(allowed.contains(imported), "\(file.lastPathComponent) of \(target) imports \(imported)")
                }
            }
        }
    }

    @Test func `each library has one home`() throws {
        let libraries = [
            "ArgumentParser", "CJPEG", "COpenBLAS", "CZeroMQ", "Crypto", "GRDB", "GRDBSQLite", "HeapModule", "Logging", "Yams",
        ]
        for library in libraries {
            let homes = Self.allowed.filter { $0.value.contains(library) }.map(\.key)
            #expect(homes.count == 1, "\(library) has the homes \(homes)")
        }
    }

    @Test func `every row of the table is a target that stands in Package.swift`() throws {
        let manifest = try String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let targets = try sources().map(\.target)
        #expect(Set(targets) == Set(Self.allowed.keys))
        for target in targets { #expect(manifest.contains("name: \"\(target)\""), "\(target) is not in Package.swift") }
    }

    @Test func `pure targets call nothing that depends on the moment or the machine`() throws {
        for (target, files) in try sources() where Self.pure.contains(target) {
            for file in files {
                let text = try String(contentsOf: file, encoding: .utf8)
                let suspects = Self.impure.filter { text.contains($0) }
                guard !suspects.isEmpty else { continue }
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                for (number, line) in lines.enumerated() where !line.drop(while: { $0 == " " }).hasPrefix("//") {
                    for call in suspects {
                        #expect(!line.contains(call), "\(file.lastPathComponent):\(number + 1) of \(target) uses \(call)")
                    }
                }
            }
        }
    }

    @Test func `no module has the name of a type inside it`() throws {
        for (target, files) in try sources() {
            let declaration = try Regex("(struct|class|enum|actor|protocol) \(target)\\b")
            for file in files {
                let text = try String(contentsOf: file, encoding: .utf8)
                for line in text.split(separator: "\n") where !line.hasPrefix(" ") && !line.hasPrefix("//") {
                    #expect(line.firstMatch(of: declaration) == nil, "\(file.lastPathComponent) declares \(target) in the module \(target)")
                }
            }
        }
    }

    // MARK: Files

    private var root: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    private func sources() throws -> [(target: String, files: [URL])] {
        let folder = root.appendingPathComponent("Sources")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { !$0.hasPrefix("C") || ["Clusters", "Coordination", "Coordinator"].contains($0) }
            .map { target in
                let walker = FileManager.default.enumerator(at: folder.appendingPathComponent(target), includingPropertiesForKeys: nil)
                return (target, (walker?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" })
            }
    }

    private func imports(of file: URL) throws -> [String] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position <= 1, position + 1 < words.count, !line.hasPrefix("//")
            else { return nil }
            return String(words[position + 1])
        }
    }
}
