import Clusters
import Foundation
import Launchers
import Processes
import Testing

@Suite struct SSHCommandTests {
    @Test func `the host stands behind two dashes, the command is constant`() {
        let access = SSHAccess(
            host: "lab1", user: "alice", port: 2222, identityFile: "~/.ssh/lab", options: ["StrictHostKeyChecking": "accept-new"])
        let arguments = SSHCommand.arguments(access, command: .probe)
        #expect(arguments.suffix(3) == ["--", "lab1", RemoteCommand.probe.rawValue])
        #expect(arguments.contains("BatchMode=yes") && arguments.contains("StrictHostKeyChecking=accept-new"))
        #expect(arguments.contains(FileManager.default.homeDirectoryForCurrentUser.path + "/.ssh/lab"))
        let options = arguments.prefix { $0 != "--" }
        #expect(
            zip(options, options.dropFirst()).contains { $0 == "-p" && $1 == "2222" }
                && zip(options, options.dropFirst()).contains { $0 == "-l" && $1 == "alice" })
    }

    @Test(arguments: RemoteCommand.allCases)
    func `a remote command survives every login shell`(command: RemoteCommand) {
        let text = command.rawValue
        #expect(text.hasPrefix("exec /bin/sh -c '") && text.hasSuffix("'"))
        // One quoted word: nothing in it that sh, csh or fish would see.
        let inside = text.dropFirst("exec /bin/sh -c '".count).dropLast()
        #expect(!inside.contains { "'!\n".contains($0) })
    }

    @Test func `the program arrives whole or not at all`() throws {
        let home = FileManager.default.temporaryDirectory.path + "/sower-package-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: home) }
        let far = home + "/far"
        try FileManager.default.createDirectory(atPath: far, withIntermediateDirectories: true)
        let file = home + "/program"
        try Data("#!/bin/sh\necho it runs\n".utf8).write(to: URL(fileURLWithPath: file))
        chmod(file, 0o755)
        let package = try ProgramPackage(files: [(name: "sower", path: file)])
        let packed = try package.pack(home: home)

        func run(_ command: RemoteCommand, input: String?, lines: [String] = []) throws -> (lines: [String], end: ProcessEnd) {
            let conversation = try Conversation(
                executable: "/usr/bin/env", arguments: ["HOME=" + far, "/bin/sh", "-c", command.rawValue], lines: lines, inputPath: input,
                seconds: 20)
            var all: [String] = []
            while true {
                let (more, ending) = conversation.poll()
                all += more
                if let ending { return (all, ending.end) }
                usleep(1000)
            }
        }
        #expect(try run(.probe, input: nil, lines: [package.digest]).lines.last?.hasSuffix(" absent") == true)

        // A file cut short, and one with a flipped bit inside.
        let whole = try Data(contentsOf: URL(fileURLWithPath: packed))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: home + "/cut"))
        #expect(try run(.push, input: home + "/cut").lines.contains("pushed") == false)
        let other = try ProgramPackage(files: [(name: "sower", path: "/bin/true")]).pack(home: home)
        let swapped = home + "/swapped"
        // Another program under the first one's manifest.
        let script =
            "mkdir x y && tar -xzf \(packed) -C x && tar -xzf \(other) -C y && cp y/sower x/sower && tar -czf \(swapped) -C x DIGEST MANIFEST sower"
        #expect(
            try CommandProcess.run(["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"], folder: home, output: 2, errors: 2)
                == .exited(0))
        #expect(try run(.push, input: swapped).lines.contains("pushed") == false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: far + "/.cache/sower/bin").isEmpty, "nothing is left of them")

        #expect(try run(.push, input: packed).lines.contains("pushed"))
        #expect(try run(.push, input: packed).lines.contains("pushed"), "again is no error")
        #expect(try run(.probe, input: nil, lines: [package.digest]).lines.last?.hasSuffix(" present") == true)
        #expect(try run(.host, input: nil, lines: [package.digest]).lines == ["it runs"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: far + "/.cache/sower/bin") == [package.digest])
    }
}
