import Foundation
import Processes
import Testing

extension SystemTests {
    /// Workers that are started by hand and come over TCP.
    @Suite struct RemoteWorkerTests {
        @Test func `workers on tcp give the same bytes, and one that is told to leave hands its jobs back`() throws {
            let bench = try Workbench()
            let address = "127.0.0.1:\(try freePort())"
            let coordinator = try bench.start(["coordinator", bench.studyFile, "--listen", address] + bench.inResults)
            let leaver = try startWorker("leaver", of: bench, at: address)
            let stayer = try startWorker("stayer", of: bench, at: address)
            try bench.wait("both workers train", for: coordinator) { bench.processes("runner").count >= 2 }
            _ = try bench.freeze(in: "evaluate", of: coordinator)

            kill(leaver.processID, SIGTERM)
            let left = try leaver.finish(within: 5)
            #expect(left.exitCode == 143)
            #expect(left.standardError.contains("stopped; the coordinator gives this worker's jobs to others"))
            try bench.wait("the ledger knows that it has left", for: coordinator, within: 5) {
                try bench.status()?.workers.contains { $0.name == "leaver" } == false
            }
            bench.thaw(bench.processes("runner").map(\.id))

            let ending = try coordinator.finish()
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try stayer.finish(within: 10).exitCode == 0, "a worker goes home when all is done")
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
            bench.expectNoProcessIsLeft()
        }

        private func startWorker(_ name: String, of bench: Workbench, at address: String) throws -> SowerProcess {
            try bench.start([
                "worker", "--connect", address, "--slots", "1", "--name", name, "--store", bench.folder + "/store-" + name,
            ])
        }

        /// A port that is free now, with the next one, below the ephemeral ports.
        private func freePort() throws -> Int {
            for _ in 0..<50 {
                let port = Int.random(in: 20_000..<32_700)
                if isFree(port), isFree(port + 1) { return port }
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
}
