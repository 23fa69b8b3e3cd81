import Foundation
import Launchers
import Testing

/// The worker that a host is asked to keep: the one that runs, or another.
@Suite struct WorkerKeeperTests {
    @Test func `a worker is found again as long as it is the one that is wanted`() throws {
        let id = "test-\(UUID().uuidString)"
        let program = FileManager.default.temporaryDirectory.path + "/sower-\(id)"
        try Data("#!/bin/sh\nexec sleep 60\n".utf8).write(to: URL(fileURLWithPath: program))
        chmod(program, 0o755)
        let files = try HostFolders()
        defer {
            unlink(program)
            for file in ["\(files.running)/\(HostFolders.hostName)-\(id).json", "\(files.logs)/\(HostFolders.hostName)-\(id).log"] {
                unlink(file)
                unlink(file + ".lock")
            }
        }
        func startOrFind(_ arguments: [String], environment: [String: String] = [:], setup: [String] = []) throws
            -> (WorkerKeeper.Record, isNew: Bool)
        {
            let order = WorkerOrder(id: id, name: "lab1", arguments: arguments, environment: environment, setup: setup)
            return try WorkerKeeper(order: order, program: program, prepareKeys: { _ in nil }, report: { _ in }).startOrFind(arguments)
        }
        var (last, isNew) = try startOrFind(["--slots", "2"])
        defer { last.process.end() }
        #expect(isNew)
        let found = try startOrFind(["--slots", "2"])
        #expect(!found.isNew && found.0.process == last.process && found.0.name == last.name)
        for (arguments, environment, setup) in [
            (["--slots", "4"], [:], []), (["--slots", "4"], ["A": "b"], []), (["--slots", "4"], ["A": "b"], ["true"]),
        ] {
            let next = try startOrFind(arguments, environment: environment, setup: setup)
            #expect(next.isNew && next.0.name != last.name, "\(arguments) \(environment) \(setup)")
            #expect(!last.process.isRunning, "two would share the host")
            last = next.0
        }
        #expect(last.process.isRunning)
    }
}
