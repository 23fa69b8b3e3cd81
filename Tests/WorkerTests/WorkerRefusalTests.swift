import Coordination
import Foundation
import Testing
import Transport
import Worker

/// A worker against a coordinator of a later version, which this test plays by hand.
@Suite struct WorkerRefusalTests {
    @Test func `a worker refused by a coordinator of version 9 ends and says why`() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/sower-refusal-" + String(UUID().uuidString.prefix(8))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let reason = "this coordinator speaks protocol 9"
        let endpoint = "ipc://\(folder)/control"
        let context = try ZeroMQContext()
        let socket = try RouterSocket(context: context)
        try socket.bind(to: endpoint)
        let loop = try WorkerLoop(
            WorkerLoop.Settings(
                controlEndpoint: endpoint, dataEndpoint: "ipc://\(folder)/data",
                hello: Hello(
                    worker: "w1", host: "lab1", processID: 1, slots: 1, isCentral: false, numericClass: "v1", attempts: []),
                storePath: folder + "/store", runnerExecutable: "/bin/false", runnerArguments: [], runnerEnvironment: [:],
                lifeline: nil, log: { _ in }))
        // The loop asks each turn whether it should stop; that is when its greeting is answered.
        var turns = 0
        #expect(throws: WorkerError.refused(reason)) {
            _ = try loop.run { () -> Int in
                turns += 1
                if let (peer, frame) = try? socket.receive(), frame.starts(with: [7, 5, 0, 5, 0]) {
                    _ = try? socket.send([2, UInt8(reason.utf8.count), 0, 0, 0] + Array(reason.utf8), to: peer)
                }
                return turns > 100 ? 3 : 0
            }
        }
        socket.close()
    }
}
