import Foundation

/// Workers that are started by hand and come over TCP.
extension Workbench {
    /// With the keys of the same name, unless others are asked for; ``exchangeKeys(with:)`` makes them.
    func startWorker(_ name: String, keys owner: String? = nil, at address: String, _ more: [String] = []) throws -> SowerProcess {
        try start(
            [
                "worker", "--connect", address, "--slots", "1", "--name", name, "--store", folder + "/store-" + name,
                "--coordinator-key", try publicKey(of: "coordinator"),
            ] + keys(owner ?? name) + more)
    }

    /// This host with a port that is free now, with the next one, below the ephemeral ports.
    func freeAddress() throws -> String {
        for _ in 0..<50 {
            let port = Int.random(in: 20_000..<32_700)
            if isFree(port), isFree(port + 1) { return "127.0.0.1:\(port)" }
        }
        throw SystemTestError("no free port found")
    }

    private func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) } == 0
        }
    }
}
