import Clusters
import Launchers
import Testing

@Suite struct SlurmLauncherTests {
    private func launcher(_ allocation: SlurmAllocation, slots: Int?) -> SlurmLauncher {
        let worker = WorkerOrder(id: "id", name: "slurm-cpu", arguments: ["--connect", "lab0:17610"], coordinatorKey: "THE KEY")
        return SlurmLauncher(
            name: "slurm-cpu", allocation: allocation, order: SlurmOrder(worker: worker, slots: slots, threads: 2), study: "tiny",
            program: "/p", folder: "/f", tell: { _ in })
    }

    private func allocation(_ settings: String) throws -> SlurmAllocation {
        let cluster = try Clusters.decode(text: "coordinator: {host: lab0}\nhosts:\n  - {slurm: {\(settings)}}\n", sourceName: "c")
        guard case .slurm(let allocation) = cluster.hosts[0].place else { throw LaunchError.slurm("no allocation") }
        return allocation
    }

    @Test func `every setting is one argument, and none is a secret`() throws {
        let settings = "partition: cpu, nodes: 8, time_limit: 90s, account: a, qos: low, constraint: zen4, memory: 16G"
        let arguments = launcher(try allocation(settings), slots: 4).arguments
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
        let arguments = launcher(try allocation("nodes: 1"), slots: nil).arguments
        #expect(arguments.contains("--exclusive") && !arguments.contains { $0.hasPrefix("--cpus-per-task") || $0.hasPrefix("--partition") })
    }

    @Test func `what sbatch says is a number`() {
        #expect(SlurmLauncher.jobID("123\n") == "123" && SlurmLauncher.jobID("123;cluster\n") == "123")
        for text in ["", "error", "-1", "$(id)", String(repeating: "9", count: 13), "\u{661}"] { #expect(SlurmLauncher.jobID(text) == nil) }
    }
}
