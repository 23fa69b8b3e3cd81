import Digests
import Downloads
import Foundation
import Processes

/// An HTTP server of made-up archives in a folder of its own, as unreliable as asked.
final class ArchiveServer {
    let folder: String
    private let process: ChildProcess
    private(set) var address = ""

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("downloads-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder + "/files", withIntermediateDirectories: true)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("server.py").path
        process = try ChildProcess(
            executable: Programs.path(of: "python3") ?? "/usr/bin/python3", arguments: [script, folder],
            environment: ProcessInfo.processInfo.environment, readsOutput: true)
        // It is on this host, whatever proxy the user has.
        setenv("no_proxy", "127.0.0.1", 1)
        var bytes: [UInt8] = []
        while !bytes.contains(10), !process.isOver {
            var waiting = pollfd(fd: process.output, events: Int16(POLLIN), revents: 0)
            _ = poll(&waiting, 1, 1000)
            var buffer = [UInt8](repeating: 0, count: 64)
            let count = read(process.output, &buffer, 64)
            if count > 0 { bytes += buffer[..<count] }
        }
        address = "http://127.0.0.1:\(String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))/"
    }

    deinit {
        process.kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func behave(_ rules: [String: Any]) throws {
        try JSONSerialization.data(withJSONObject: rules).write(to: URL(fileURLWithPath: folder + "/behaviour.json"), options: .atomic)
    }

    /// What was asked for: path, Range, If-Range, status.
    var requests: [[String]] {
        ((try? String(contentsOfFile: folder + "/requests", encoding: .utf8)) ?? "").split(separator: "\n")
            .map { $0.split(separator: " ").map(String.init) }
    }

    func offer(_ data: Data, as name: String) throws { try data.write(to: URL(fileURLWithPath: "\(folder)/files/\(name)")) }

    /// Runs a shell's lines where archives are made, and gives the file that they leave.
    func made(_ name: String, by lines: String) throws -> Data {
        let work = folder + "/work"
        try? FileManager.default.removeItem(atPath: work)
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        _ = try OneShotProcess.output(
            of: "/bin/sh", arguments: ["-ec", "cd '\(work)'\n\(lines)"], environment: ProcessInfo.processInfo.environment)
        return try Data(contentsOf: URL(fileURLWithPath: "\(work)/\(name)"))
    }

    /// A folder `set` with a file `big` of some bytes and `sub/small`, as a compressed archive.
    func archive(bytes: Int = 300_000) throws -> Data {
        try made(
            "set.tar.gz",
            by: "mkdir -p set/sub\nhead -c \(bytes) /dev/urandom > set/big\necho small > set/sub/small\ntar -czf set.tar.gz set")
    }

    func dataset(_ data: Data, name: String = "set.tar.gz", packing: Packing = .tarGzip(root: "set")) throws -> PublishedDataset {
        try offer(data, as: name)
        return PublishedDataset(
            name: "set", folder: "set",
            files: [
                PublishedFile(addresses: [address + name], size: data.count, checksum: .sha256(Digest(of: data).hex), packing: packing)
            ], members: packing == .none ? [] : ["big", "sub/small"], unpackedBytes: 400_000)
    }
}
