import Failpoints
import Foundation
import Testing

extension HostSystemTests {
    /// Sweeps that start their own workers elsewhere. In place of ssh stands a program that takes ssh's arguments and runs the
    /// command here, in a home of the host's; scripts/cluster/namespaces has real ones.
    @Suite struct ClusterTests {
        @Test func `hosts of a cluster file work, the missing one is named, and nothing is left of them`() throws {
            let lab = try Lab()
            try lab.write(hosts: [
                "{host: lab1, slots: 1}", "{host: lab2, slots: 1, setup: [\"export COLOR=green\"]}", "{host: down, slots: 1}",
            ])
            let run = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run)
            let ending = try run.finish(within: 180)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(
                ending.standardError.contains(
                    "down: it cannot be reached: ssh: connect to host down port 22: Connection refused; it is tried again"))
            #expect(try lab.bench.everyDigit() == Undisturbed.everyDigit())
            lab.bench.expectNoProcessIsLeft()
            let names = try lab.bench.query("SELECT name FROM workers WHERE central = 0") ?? "lab1-a\nlab2-a"
            #expect(Set(names.split(separator: "\n").map { $0.prefix(4) }) == ["lab1", "lab2"])
            let programs = try FileManager.default.contentsOfDirectory(atPath: lab.home("shared") + "/.cache/sower/bin").filter {
                !$0.hasSuffix(".tar.gz")
            }
            #expect(programs.count == 1 && programs.allSatisfy { $0.count == 64 }, "two hosts with one home got it at once: \(programs)")
            for arguments in try lab.log() {
                let words = arguments.split(separator: " ")
                #expect(words.contains("BatchMode=yes") && words.contains("--"))
            }
        }

        @Test func `a host that has nothing is sent the data, and passes every failpoint that only hosts pass`() throws {
            let lab = try Lab()
            try lab.write(hosts: ["{host: lab1, slots: 2, data: push, store: \(lab.home("store"))}"])
            let ending = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 180)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try lab.bench.everyDigit() == Undisturbed.everyDigit())
            let tally = try FailpointTally(path: lab.tally)
            for point in Failpoint.allCases where point.isOfHosts { #expect(tally.passes(of: point) > 0, "\(point.rawValue)") }
        }

        @Test func `a killed coordinator finds its workers again, and a dead worker is started anew`() throws {
            let lab = try Lab()
            try lab.write(hosts: ["{host: lab1, slots: 1}"])
            let arguments = ["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run
            let first = try lab.start(arguments)
            let frozen = try lab.bench.freeze(in: "pretrain", of: first)
            first.signalGroup(SIGKILL)
            _ = try first.finish(within: 10)
            let worker = try #require(lab.bench.processes("worker").first { !$0.arguments.contains("--central") })
            lab.bench.thaw(frozen)
            let second = try lab.start(arguments)
            try lab.bench.wait("it is found", for: second) { second.standardError.contains("still runs") }
            #expect(lab.bench.processes("worker").contains { $0.id == worker.id }, "the very same")

            try lab.bench.wait("it works again", for: second) { try lab.bench.status()?.workers.isEmpty == false }
            kill(worker.id, SIGKILL)
            try lab.bench.wait("another runs in its place", for: second) {
                lab.bench.processes("worker").contains { $0.id != worker.id && !$0.arguments.contains("--central") }
            }
            #expect(second.standardError.contains("lab1: its worker ended"))
            let ending = try second.finish(within: 180)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try lab.bench.everyDigit() == Undisturbed.everyDigit())
            lab.bench.expectNoProcessIsLeft()
        }

        @Test func `a host with data fetch uses what it has, and says why it cannot get what it lacks`() throws {
            let lab = try Lab()
            let images = lab.bench.folder + "/images"
            try lab.bench.succeed(["data", "synthesize", "--output", images, "--training-per-class", "12", "--test-per-class", "6"])
            try lab.bench.write(
                Workbench.study.replacing(
                    "{format: synthetic, seed: 1, training_per_class: 12, test_per_class: 6}", with: "{format: cifar100, path: \(images)}"),
                to: "tiny.yaml")
            // Nothing is there to be downloaded, nor at the mirror, which is final at once.
            try lab.write(hosts: ["{host: lab1, slots: 1, data: {fetch: \"file:///nowhere\"}}"])
            let arguments = ["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run
            let run = try lab.start(arguments)
            try lab.bench.wait("the host says why it cannot work", for: run) {
                run.standardError.contains("cifar-100-binary.tar.gz could not be downloaded")
            }
            // Somebody puts it there, as the host's next try finds.
            let place = lab.home("shared") + "/.cache/sower/data/cifar-100-binary"
            try FileManager.default.createDirectory(
                atPath: (place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: images, toPath: place)
            let ending = try run.finish(within: 180)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            let logs = lab.home("shared") + "/.cache/sower/log"
            let log = try FileManager.default.contentsOfDirectory(atPath: logs).first { $0.hasSuffix(".log") }
            let text = try String(contentsOfFile: "\(logs)/\(try #require(log))", encoding: .utf8)
            #expect(text.contains("cifar100 is in \(place) already"), "\(text)")
        }

        @Test func `images that are made here cannot be fetched`() throws {
            let lab = try Lab()
            try lab.write(hosts: ["{host: lab1, slots: 1, data: fetch}"])
            let ending = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 60)
            #expect(ending.exitCode == 2 && ending.remedy?.contains("data: push") == true, "\(ending.standardError)")
        }

        @Test func `without a host that can be reached the sweep ends at once`() throws {
            let lab = try Lab()
            try lab.write(hosts: ["{host: down, slots: 1}", "{host: downtoo, slots: 1}"])
            let ending = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 60)
            #expect(ending.exitCode == 3, "\(ending.standardError)")
            #expect(
                ending.standardError.contains("no host of the cluster can work")
                    && ending.standardError.contains("downtoo: it cannot be reached"))
            #expect(ending.remedy == "Look at each host with: sower doctor --cluster cluster.yaml")
        }

        @Test func `a queue that takes no job is named with its reason, and stops nobody else, however slow it is`() throws {
            let lab = try Lab()
            try lab.refuseJobs(waiting: true)
            try lab.write(hosts: ["{slurm: {partition: nope, nodes: 2}, slots: 1}", "{host: lab1, slots: 1}"])
            let run = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run)
            try lab.bench.wait("lab1 works while Slurm thinks", for: run) { try lab.bench.status()?.workers.isEmpty == false }
            #expect(!run.standardError.contains("slurm-nope"), "\(run.standardError)")
            try lab.bench.write("", to: "answer")
            let reason = "slurm-nope: Slurm did not take the workers: sbatch: error: invalid partition specified: nope"
            try lab.bench.wait("it is named", for: run) { run.standardError.contains(reason) }
            #expect(try lab.bench.succeed(["status", "tiny"] + lab.bench.inResults).text.contains("not launched: " + reason))
            let ending = try run.finish(within: 180)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try lab.bench.everyDigit() == Undisturbed.everyDigit())
            lab.bench.expectNoProcessIsLeft()
        }

        @Test func `what cannot be prepared for other hosts is named, and this host works`() throws {
            let lab = try Lab()
            try FileManager.default.createDirectory(atPath: lab.home("home"), withIntermediateDirectories: true)
            try lab.bench.write("where the packed program would be", to: "home/.cache")
            try lab.write(hosts: ["{host: localhost, slots: 2}", "{host: lab1, slots: 1}", "{slurm: {partition: cpu}, slots: 1}"])
            let ending = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 300)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            for name in ["lab1", "slurm-cpu"] { #expect(ending.standardError.contains("\n\(name): "), "\(ending.standardError)") }

            try lab.write(hosts: ["{slurm: {partition: cpu}, slots: 1}"])
            try FileManager.default.removeItem(atPath: lab.bench.ledger)
            let alone = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 60)
            #expect(alone.exitCode == 2 && alone.standardError.contains("/home/.cache/sower: Not a directory"), "\(alone.standardError)")
            #expect(alone.remedy == "Make room in ~/.cache/sower, then try again.")
        }

        @Test func `where nobody else could work a refused job ends the sweep with its reason`() throws {
            let lab = try Lab()
            try lab.refuseJobs(waiting: false)
            try lab.write(hosts: ["{slurm: {partition: nope}, slots: 1}"])
            let alone = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 60)
            #expect(alone.exitCode == 2, "\(alone.standardError)")
            #expect(alone.standardError.contains("Slurm did not take the workers: sbatch: error: invalid partition specified: nope"))
            #expect(alone.remedy == "Compare the slurm settings of the cluster file with `sinfo`.")

            try lab.write(hosts: [
                "{slurm: {partition: nope}, slots: 1}", "{slurm: {partition: neither}, slots: 1}", "{host: down, slots: 1}",
            ])
            let together = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 60)
            #expect(together.exitCode == 3, "\(together.standardError)")
            for name in ["slurm-nope: Slurm", "slurm-neither: Slurm", "down: it cannot be reached"] {
                #expect(together.standardError.contains("\n  \(name)"), "\(together.standardError)")
            }
        }

        @Test func `a wrong cluster file is refused before anything runs`() throws {
            let lab = try Lab()
            try lab.write(hosts: ["{host: -oProxyCommand=id, slots: 1}"])
            let ending = try lab.start(["run", lab.bench.studyFile, "--cluster", lab.file] + lab.run).finish(within: 20)
            #expect(ending.exitCode == 2)
            #expect(ending.standardError.contains("cluster.yaml:3: hosts[1].host \"-oProxyCommand=id\" is not a host's name or address"))
            #expect(!FileManager.default.fileExists(atPath: lab.bench.ledger))
        }

        @Test func `the doctor has a verdict on every host`() throws {
            let lab = try Lab()
            try lab.write(hosts: [
                "{host: lab1, slots: 1, data: /nowhere, ssh: {user: alice, port: 2222}}", "{host: lab2, slots: 1}",
                "{host: down, slots: 1}",
            ])
            let ending = try lab.start(["doctor", "--cluster", lab.file, "--output-mode", "json"] + lab.bench.inResults).finish(within: 120)
            #expect(ending.exitCode == 3, "\(ending.standardError)")
            let hosts = try JSONDecoder().decode(Checkup.self, from: Data(ending.output)).hosts
            #expect(hosts.map(\.host) == ["localhost", "lab1", "lab2", "down"])
            #expect(hosts.map(\.ok) == [true, false, true, false], "\(ending.text)")
            #expect(
                hosts[1].problems.contains { $0.check == "data" && $0.message.contains("/nowhere") && $0.remedy.contains("data: push") })
            #expect(hosts[1].problems.contains { $0.remedy.hasPrefix("rsync -a -e 'ssh -p 2222' FOLDER/ alice@lab1:/nowhere/ ") })
            let cpu = try #require(hosts[0].summary.split(separator: ", ").first { $0.contains(" family ") })
            #expect(hosts[2].summary.contains(cpu), "\(hosts[2].summary)")
            #expect(hosts[3].problems.map(\.check) == ["ssh"])
            #expect(hosts[3].problems[0].message.contains("Connection refused") && hosts[3].problems[0].remedy.contains("nc -z down 22"))
        }

        @Test func `the doctor looks for what a study asks of its hosts`() throws {
            let lab = try Lab()
            func look(_ study: [String], hosts: [String]?) throws -> (code: Int32?, checkup: Checkup) {
                if let hosts { try lab.write(hosts: hosts) }
                let cluster = hosts == nil ? [] : ["--cluster", lab.file]
                let ending = try lab.start(["doctor"] + study + cluster + ["--output-mode", "json"] + lab.bench.inResults).finish(
                    within: 120)
                return (ending.exitCode, try JSONDecoder().decode(Checkup.self, from: Data(ending.output)))
            }
            let file = lab.bench.studyFile
            var (code, checkup) = try look(
                [file, "--set", "data.seed=2"], hosts: ["localhost", "lab1", "{host: lab2, data: push}", "{host: lab3, data: fetch}"])
            var study = try #require(checkup.study)
            #expect(code == 2 && study.ok && study.host == "tiny" && study.summary.contains("synthetic-seed2-12-6 (digest "), "\(study)")
            #expect(checkup.hosts.map(\.ok) == [true, true, true, false])
            #expect(
                checkup.hosts[0].notes.contains {
                    $0.hasPrefix("data: found at this study's path, ") && $0.hasSuffix("/data/synthetic-seed2-12-6")
                })
            #expect(checkup.hosts[1].notes == checkup.hosts[0].notes, "the hosts of this test share a disk")
            // 100 classes, 12 and 6 images each of 3074 bytes.
            #expect(checkup.hosts[2].notes == ["data: will be sent, 5.5 MB in 4 files"])
            #expect(checkup.hosts[3].problems.contains { $0.check == "data" && $0.remedy.contains("data: push") })

            // Other data in the host's folder.
            let other = lab.bench.results + "/data/synthetic-seed2-12-6"
            (code, checkup) = try look([file], hosts: ["localhost", "{host: lab1, data: \(other)}"])
            #expect(code == 2 && !checkup.hosts[1].ok)
            #expect(
                checkup.hosts[1].problems.contains {
                    $0.check == "data" && $0.message.contains("expected") && $0.remedy.hasPrefix("rsync -a FOLDER/ lab1:")
                })

            // What only some hosts may do.
            try lab.bench.write("name=$1\n", to: "train.sh")
            try lab.bench.write(
                Workbench.study.replacing(
                    "arms:\n",
                    with: "needs: {class: zen4}\ntrainer: {command: [no-such-interpreter, \(lab.bench.folder)/train.sh]}\narms:\n"),
                to: "needs.yaml")
            let needs = lab.bench.folder + "/needs.yaml"
            (code, checkup) = try look([needs], hosts: ["localhost", "{host: lab1, labels: {class: zen4}}"])
            study = try #require(checkup.study)
            #expect(code == 2 && !study.ok && checkup.hosts.allSatisfy(\.ok))
            #expect(
                study.problems.map(\.check) == ["needs"]
                    && study.problems[0].remedy.hasSuffix("labels: {class: zen4}, allow_commands: true"), "\(study)")
            (code, checkup) = try look([needs], hosts: ["localhost", "{host: lab1, labels: {class: zen4}, allow_commands: true}"])
            #expect(
                code == 2
                    && checkup.hosts[1].problems.contains {
                        $0.check == "trainer" && $0.message.contains("no-such-interpreter") && $0.remedy.contains("ssh lab1 command -v")
                    })
            #expect(checkup.study?.problems[0].message.contains("lab1 could, and cannot work") == true, "\(checkup)")
            (code, checkup) = try look(
                [needs, "--set", "trainer={command: [sh, \(lab.bench.folder)/train.sh]}"],
                hosts: ["localhost", "{host: lab1, labels: {class: zen4}, allow_commands: true}"])
            #expect(code == 0 && checkup.hosts[1].notes.contains { $0.hasSuffix("can run, by sh") }, "\(checkup)")

            // A study that is none, and one without data; the hosts are looked at all the same.
            (code, checkup) = try look([file, "--set", "evaluation.pairs=0"], hosts: ["localhost", "lab1"])
            #expect(
                code == 2 && checkup.study?.problems.map(\.check) == ["study"] && checkup.hosts.count == 2 && checkup.hosts.allSatisfy(\.ok)
            )
            (code, checkup) = try look([file, "--set", "data={format: cifar100, path: /nowhere}"], hosts: nil)
            #expect(
                code == 2 && checkup.study?.problems.map(\.check) == ["data"]
                    && checkup.study?.problems[0].message.contains("/nowhere") == true)
        }
    }

    @Suite struct SchedulerTests {
        /// As Slurm does when it cancels or preempts.
        @Test func `a signal to every process of a worker is no crash of its jobs`() throws {
            let bench = try Workbench()
            let run = try bench.start(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            try bench.wait("two jobs are running", for: run) {
                try bench.status()?.stage("pretrain")?.running ?? 0 > 1 && bench.processes("runner").count > 1
            }
            let worker = try #require(bench.processes("worker").first { !$0.arguments.contains("--central") })
            let runners = bench.processes("runner").filter { bench.parent(of: $0.id) == worker.id }
            #expect(!runners.isEmpty)
            for process in runners + [worker] { kill(process.id, SIGTERM) }
            let ending = try run.finish(within: 120)
            #expect(ending.exitCode == 0, "\(ending.standardError)")
            #expect(try bench.query("SELECT count(*) FROM attempts WHERE reason = 'CRASHED'") ?? "0" == "0")
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }
    }

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

/// What the doctor says.
private struct Checkup: Decodable {
    struct Verdict: Decodable {
        struct Problem: Decodable { var check, message, remedy: String }
        var host, summary: String
        var ok: Bool
        var notes: [String]
        var problems: [Problem]
    }
    var study: Verdict?
    var hosts: [Verdict]
}

extension Failpoint {
    /// Whether only a sweep passes it whose workers run on other hosts.
    var isOfHosts: Bool { ["host-data", "host-log", "worker-record"].contains { rawValue.hasPrefix($0 + ".") } }
}

/// A workbench with a program in the place of ssh, and a cluster file.
private final class Lab {
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
