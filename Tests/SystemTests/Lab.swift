import Failpoints
import Foundation

/// A workbench with a program in the place of ssh, and a cluster file.
final class Lab {
    let bench: Workbench
    var file: String { bench.folder + "/cluster.yaml" }
    /// How often failpoints were passed.
    var tally: String { bench.folder + "/tally" }

    init() throws {
        bench = try Workbench()
        // Every option has the form `-x value`; behind `--` come the host and the command.
        try bench.write(
            """
            #!/bin/sh
            echo "$*" | tr '\\n' ' ' >>"$LAB/ssh.log"; echo >>"$LAB/ssh.log"
            while [ "$1" != -- ]; do shift; done
            host=$2; command=$3
            case $host in down*) echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255 ;; esac
            export HOME="$LAB/shared"
            mkdir -p "$HOME"
            exec /bin/sh -c "$command"

            """, to: "ssh")
        chmod(bench.folder + "/ssh", 0o755)
    }

    /// What a sweep has beside its study and cluster.
    var run: [String] { bench.inResults + bench.keys("coordinator") }

    func home(_ name: String) -> String { bench.folder + "/" + name }

    func write(hosts: [String]) throws {
        let port = Int.random(in: 20_000..<30_000)
        try bench.write(
            "coordinator: {host: 127.0.0.1, port: \(port)}\nhosts:\n" + hosts.map { "  - \($0)\n" }.joined(), to: "cluster.yaml")
    }

    /// Puts a queue there that refuses every job; if so asked, not before there is a file `answer`.
    func refuseJobs(waiting waits: Bool) throws {
        try bench.write(
            """
            #!/bin/sh
            \(waits ? "until [ -e \"$LAB/answer\" ]; do sleep 0.05; done" : ":")
            for word; do case $word in --partition=*) echo "sbatch: error: invalid partition specified: ${word#*=}" >&2 ;; esac; done
            echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2
            exit 1

            """, to: "sbatch")
        chmod(bench.folder + "/sbatch", 0o755)
    }

    func start(_ arguments: [String]) throws -> SowerProcess {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try bench.start(
            arguments,
            environment: [
                "PATH": bench.folder + ":" + path, "LAB": bench.folder, "HOME": bench.folder + "/home", FailpointVariable.tally: tally,
            ])
    }

    func log() throws -> [String] {
        try String(contentsOfFile: bench.folder + "/ssh.log", encoding: .utf8).split(separator: "\n").map(String.init).filter {
            !$0.isEmpty
        }
    }
}
