import Clusters
import Foundation
import Launchers
import Testing

@Suite struct SlurmLauncherTests {
    private func launcher(_ allocation: SlurmAllocation, slots: Int?) -> SlurmLauncher {
        let worker = WorkerOrder(id: "id", name: "slurm-cpu", arguments: ["--connect", "lab0:17610"], coordinatorKey: "THE KEY")
        return SlurmLauncher(
            name: "slurm-cpu", allocation: allocation,
            order: SlurmOrder(worker: worker, enrolment: "/f/slurm-cpu.keys", slots: slots, threads: 2), study: "tiny",
            program: "/p", folder: "/f", admit: { _, _ in }, withdraw: { _ in }, tell: { _ in })
    }

    private func allocation(_ settings: String) throws -> SlurmAllocation {
        let cluster = try Clusters.decode(text: "coordinator: {host: lab0}\nhosts:\n  - {slurm: {\(settings)}}\n", sourceName: "c")
        guard case .slurm(let allocation) = cluster.hosts[0].place else { throw LaunchError.slurm("no allocation") }
        return allocation
    }

    @Test func `every setting is one argument, and none is a secret`() throws {
        let settings = "partition: cpu, nodes: 8, time_limit: 90s, account: a, qos: low, constraint: zen4, memory: 16G"
        let arguments = launcher(try allocation(settings), slots: 4).arguments(tasks: 8)
        for expected in [
            "--array=1-8", "--nodes=1", "--requeue", "--cpus-per-task=8", "--time=2", "--partition=cpu", "--account=a", "--qos=low",
            "--constraint=zen4", "--mem=16G", "--signal=B:TERM@60", "--output=/f/slurm-cpu-%A_%a.log",
        ] {
            #expect(arguments.contains(expected), "\(expected) in \(arguments)")
        }
        #expect(arguments.allSatisfy { $0.hasPrefix("--") && !$0.contains("KEY") && !$0.contains("lab0") })
        #expect(!arguments.contains("--exclusive"))
    }

    @Test func `without a number of slots a worker takes the whole node`() throws {
        let arguments = launcher(try allocation("nodes: 1"), slots: nil).arguments(tasks: 1)
        #expect(arguments.contains("--exclusive") && !arguments.contains { $0.hasPrefix("--cpus-per-task") || $0.hasPrefix("--partition") })
    }

    @Test func `what sbatch says is a number`() {
        #expect(SlurmTask.jobID("123\n") == "123" && SlurmTask.jobID("123;cluster\n") == "123")
        for text in ["", "error", "-1", "$(id)", String(repeating: "9", count: 13), "\u{661}"] { #expect(SlurmTask.jobID(text) == nil) }
    }

    @Test func `what squeue says is a task, or nothing`() {
        let waiting = SlurmTask(job: "7", index: 3, state: .waiting, reason: "PartitionTimeLimit")
        #expect(SlurmTask(line: "7 3 PENDING PartitionTimeLimit") == waiting)
        #expect(SlurmTask(line: "7 3 RUNNING None") == SlurmTask(job: "7", index: 3, state: .running))
        #expect(SlurmTask(line: "7 3 CANCELLED PartitionTimeLimit") == SlurmTask(job: "7", index: 3, state: .cancelled))
        #expect(SlurmTask(line: "7 3 TIMEOUT TimeLimit") == SlurmTask(job: "7", index: 3, state: .ended))
        #expect(SlurmTask(line: "7 3 CONFIGURING None") == SlurmTask(job: "7", index: 3, state: .waiting))
        let words = "ReqNodeNotAvail, UnavailableNodes:n[1-3]"
        #expect(SlurmTask(line: "7 3 PENDING " + words)?.reason == words)
        for line in [
            "7 3", "x 3 RUNNING", "7 1-8 PENDING", "7 -3 RUNNING", "7 3 running", "7;c 3 RUNNING", "7 99999999999999999999 RUNNING",
            "7 3 \u{1B}[2J",
        ] {
            #expect(SlurmTask(line: line) == nil, "\(line)")
        }
        #expect(SlurmTask(line: "7 3 PENDING \u{1B}[2J\u{202E}Held \t by")?.reason == "[2JHeld by", "nothing that moves a terminal")
        #expect(SlurmTask(line: "7 3 PENDING " + String(repeating: "x", count: 100_000))?.reason?.count == 120)
        #expect(SlurmTask.list(["7 1 RUNNING None", "", "7 2 PENDING Priority"])?.count == 2)
        #expect(SlurmTask.list(["7 1 RUNNING None", "slurm_load_jobs: warning"]) == nil, "half a list is none")
    }

    private func order(limit: Double?) -> SlurmOrder {
        SlurmOrder(
            worker: WorkerOrder(id: "id", name: "slurm-cpu", arguments: []), enrolment: "/f/slurm-cpu.keys", slots: 1, threads: 1,
            timeLimitSeconds: limit)
    }

    @Test func `a job has until the earliest end that is known of`() {
        let now = 1e9
        #expect(order(limit: 1800).secondsLeft(endTime: nil, now: now) == 1800, "Slurm 22.05 says nothing")
        #expect(order(limit: 1800).secondsLeft(endTime: "\(now + 1700)", now: now) == 1700)
        #expect(order(limit: 1800).secondsLeft(endTime: "\(now + 9000)", now: now) == 1800)
        #expect(order(limit: nil).secondsLeft(endTime: "1000000600", now: now) == 600)
        #expect(order(limit: nil).secondsLeft(endTime: nil, timeLeft: "29:30", now: now) == 1770)
        for text in ["soon", "0", "-5", "nan", "inf", "1e300", "\(now + 365 * 86_400)"] {
            #expect(order(limit: nil).secondsLeft(endTime: text, now: now) == nil, "\(text)")
            #expect(order(limit: 60).secondsLeft(endTime: text, now: now) == 60, "\(text)")
        }
    }

    @Test func `the time that squeue says is left`() {
        let cases: [(String, Int)] = [("0:30", 30), ("5:00", 300), ("1:02:03", 3723), ("2-00:00:01", 172_801), ("10-01:00:00", 867_600)]
        for (text, seconds) in cases { #expect(order(limit: nil).secondsLeft(endTime: nil, timeLeft: text, now: 0) == seconds, "\(text)") }
        for text in [
            "", "UNLIMITED", "NOT_SET", "INVALID", "30", "1-30", "1-5:00", "1:2:3:4", "-5:00", "5:-1", "5:", "0x5:00", "365-00:00:00",
            "9999999:00",
        ] {
            #expect(order(limit: nil).secondsLeft(endTime: nil, timeLeft: text, now: 0) == nil, "\(text)")
        }
    }

    @Test func `an order without a time limit is read as before`() throws {
        let text = try String(decoding: JSONEncoder().encode(order(limit: nil)), as: UTF8.self)
        #expect(!text.contains("timeLimit"))
        #expect(try JSONDecoder().decode(SlurmOrder.self, from: Data(text.utf8)) == order(limit: nil))
    }
}
