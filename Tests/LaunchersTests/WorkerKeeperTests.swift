import Foundation
import Launchers
import Processes
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

    @Test func `a worker that could not be found again is ended`() throws {
        let id = "test-\(UUID().uuidString)"
        let program = FileManager.default.temporaryDirectory.path + "/sower-\(id)"
        try Data("#!/bin/sh\nwhile :; do sleep 0.05; done\n".utf8).write(to: URL(fileURLWithPath: program))
        chmod(program, 0o755)
        let files = try HostFolders()
        // A folder in the place of the record.
        let record = "\(files.running)/\(HostFolders.hostName)-\(id).json"
        try FileManager.default.createDirectory(atPath: record, withIntermediateDirectories: false)
        defer {
            for path in [program, record, record + ".lock", "\(files.logs)/\(HostFolders.hostName)-\(id).log"] {
                try? FileManager.default.removeItem(atPath: path)
            }
        }
        let order = WorkerOrder(id: id, name: "lab1", arguments: [], environment: [:], setup: [])
        #expect(throws: (any Error).self) {
            try WorkerKeeper(order: order, program: program, prepareKeys: { _ in nil }, report: { _ in }).startOrFind([])
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { process in
            FileManager.default.contents(atPath: "/proc/\(process)/cmdline")?.firstRange(of: Data(program.utf8)) != nil
        }
        #expect(left.isEmpty)
    }

    @Test(arguments: [(ENOSPC, "Make room"), (EIO, "dmesg"), (EACCES, "who may write"), (EMFILE, "ulimit")])
    func `a call that failed names what to look at`(code: Int32, words: String) {
        #expect(ProcessError.system("write /x", code).recoverySuggestion?.contains(words) == true)
    }
}
