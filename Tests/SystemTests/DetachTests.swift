import Foundation
import Testing

extension HostSystemTests {
    @Suite struct DetachTests {
        @Test func `a detached sweep outlives its session, and attach ends with its table`() throws {
            let bench = try Workbench()
            let session = try bench.start(["run", bench.studyFile, "--workers", "2", "--detach"] + bench.inResults)
            let started = try session.finish(within: 60)
            #expect(started.exitCode == 0, "\(started.standardError)")
            #expect(started.text.contains("runs in the background") && started.text.contains("sower attach tiny --results"))
            let daemon = try #require(bench.processes("run").first)
            #expect(getsid(daemon.id) == daemon.id, "a session of its own")

            let again = try bench.sower(["run", bench.studyFile, "--detach"] + bench.inResults)
            #expect(again.exitCode == 3 && again.standardError.contains("is already running"))

            let leaver = try bench.start(["attach", "tiny"] + bench.inResults)
            try bench.wait("it follows", for: leaver) { leaver.standardError.contains("Ctrl-C leaves it running") }
            leaver.signalGroup(SIGINT)
            #expect(try leaver.finish(within: 10).exitCode == 130)
            #expect(bench.processes("run").contains { $0.id == daemon.id }, "Ctrl-C leaves the sweep running")

            let watch = try bench.start(["watch", "tiny"] + bench.inResults)
            let attach = try bench.start(["attach", "tiny"] + bench.inResults)
            let ending = try attach.finish(within: 180)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            let table = try bench.succeed(["table", "tiny"] + bench.inResults).text
            #expect(ending.text == table)
            #expect(try watch.finish(within: 10).exitCode == 0)
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
            let late = try bench.sower(["attach", "tiny"] + bench.inResults)
            #expect(late.exitCode == 0 && late.text == table && late.standardError.contains("not running; it ended at"))
            bench.expectNoProcessIsLeft()
        }

        @Test func `attach ends with the sweep's own exit code`() throws {
            let bench = try Workbench()
            try bench.succeed(["run", bench.studyFile, "--workers", "1", "--detach"] + bench.inResults)
            let attach = try bench.start(["attach", "tiny"] + bench.inResults)
            try bench.wait("it follows", for: attach) { attach.standardError.contains("Ctrl-C leaves it running") }
            for process in bench.processes("run") { kill(process.id, SIGTERM) }
            let ending = try attach.finish(within: 20)
            #expect(ending.exitCode == 143, "\(ending.standardError)")
            #expect(
                ending.standardError.contains("stopped; everything finished is saved")
                    && ending.remedy?.contains("sower resume tiny") == true)

            try bench.succeed(["run", bench.studyFile, "--workers", "1", "--detach"] + bench.inResults)
            let second = try bench.start(["attach", "tiny"] + bench.inResults)
            try bench.wait("it follows", for: second) { second.standardError.contains("Ctrl-C leaves it running") }
            for process in bench.processes("run") { kill(process.id, SIGKILL) }
            let killed = try second.finish(within: 20)
            #expect(killed.exitCode == 5 && killed.standardError.contains("the coordinator was killed"), "\(killed.standardError)")
        }

        @Test func `a mistake ends a detached run in the foreground`() throws {
            let bench = try Workbench()
            let ending = try bench.sower(["run", bench.studyFile, "--detach", "--listen", "192.0.2.1:17610"] + bench.inResults)
            #expect(ending.exitCode == 3, "\(ending.standardError)")
            #expect(
                ending.standardError.contains("the sweep has not come up") && ending.standardError.contains("192.0.2.1"),
                "\(ending.standardError)")
        }

        @Test func `the systemd unit is one`() throws {
            let bench = try Workbench()
            let ending = try bench.succeed(
                ["coordinator", bench.studyFile, "--listen", "lab_0:17610", "--set", "seed=3", "--systemd"] + bench.inResults)
            let keys = try bench.start(
                ["coordinator", bench.studyFile, "--listen", "lab_0:17610", "--systemd"] + bench.inResults,
                environment: ["SOWER_KEYS": "/keys/of 100% \"mine\""]
            ).finish(within: 60)
            #expect(keys.text.contains("\nEnvironment=\"SOWER_KEYS=/keys/of 100%% \\\"mine\\\"\"\n"), "\(keys.text)")
            #expect(
                ending.text.contains("Restart=on-failure") && ending.text.contains("\"--set\" \"seed=3\"")
                    && !ending.text.contains("--systemd"))
            guard let program = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].first(where: FileManager.default.isExecutableFile)
            else { return }
            try bench.write(ending.text, to: "sower-tiny.service")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = ["verify", "--man=no", bench.folder + "/sower-tiny.service"]
            let pipe = Pipe()
            process.standardError = pipe
            try process.run()
            let errors = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(!errors.contains("sower-tiny.service"), "\(errors)")
        }
    }
}
