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
    }
}

extension Failpoint {
    /// Whether only a sweep passes it whose workers run on other hosts.
    var isOfHosts: Bool { ["host-data", "host-log", "worker-record"].contains { rawValue.hasPrefix($0 + ".") } }
}
