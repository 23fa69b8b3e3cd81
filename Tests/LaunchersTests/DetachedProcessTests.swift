import Foundation
import Launchers
import Processes
import Testing

@Suite struct DetachedProcessTests {
    private let log = FileManager.default.temporaryDirectory.path + "/sower-detached-" + UUID().uuidString

    @Test func `it leads a session of its own, and only this very process is signalled`() throws {
        defer { try? FileManager.default.removeItem(atPath: log) }
        let process = try DetachedProcess.start(
            executable: "/bin/sh", arguments: ["-c", "echo here; exec sleep 60"], environment: ["PATH": "/usr/bin:/bin"], logPath: log)
        #expect(getsid(process.processID) == process.processID)
        #expect(process.isRunning)
        let deadline = ContinuousClock.now + .seconds(20)
        while (try? String(contentsOfFile: log, encoding: .utf8)) != "here\n", ContinuousClock.now < deadline { usleep(10_000) }
        var later = process
        later.startTicks += 1
        #expect(!later.isRunning, "the number belongs to another process")
        later.signal(SIGKILL)
        var earlier = process
        earlier.boot = "another"
        earlier.signal(SIGKILL)
        #expect(process.isRunning)
        process.end()
        #expect(!process.isRunning)
        #expect(try String(contentsOfFile: log, encoding: .utf8) == "here\n")
    }

    @Test func `the lines of setup are run before, and a failing one is named`() throws {
        defer { try? FileManager.default.removeItem(atPath: log) }
        func run(_ setup: [String]) throws -> String {
            try? FileManager.default.removeItem(atPath: log)
            let command = WorkerCommandLine(
                program: "/bin/echo", arguments: ["$COLOR", "a b"], setup: setup, environment: ["SHADE": "dark"])
            let process = try DetachedProcess.start(
                executable: command.executable, arguments: command.arguments, environment: command.environment, logPath: log)
            let deadline = ContinuousClock.now + .seconds(20)
            while process.isRunning, ContinuousClock.now < deadline { usleep(10_000) }
            return try String(contentsOfFile: log, encoding: .utf8)
        }
        #expect(try run([]) == "$COLOR a b\n")
        #expect(
            try run(["COLOR=green # for all", "echo $SHADE $COLOR"]).hasSuffix("dark green\n$COLOR a b\n"), "arguments are not expanded")
        #expect(try run(["true", "false"]).hasSuffix("sower: line 2 of the host's setup failed\n"))
    }
}
