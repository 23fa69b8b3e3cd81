import ArgumentParser
import Clusters
import Datasets
import Foundation
import Jobs
import Launchers
import Processes

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look at this host, and at every host of a cluster, before a sweep does.",
        discussion: "All hosts at once. Each failure comes with the command that mends it. The program is put on hosts that lack it.")

    @Option(help: ArgumentHelp("The hosts to look at.", valueName: "cluster.yaml"))
    var cluster: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "The data set's folder on this host: those of the other hosts must have the same digest. Repeated for a study with several data sets.",
            valueName: "dir"))
    var data: [String] = []

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let start = ContinuousClock.now
        let loaded = try cluster.map { try Cluster.load($0) }
        let (local, digest) = here(loaded)
        var verdicts = [local]
        if let loaded { verdicts += try elsewhere(loaded, digest: digest) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let report = DoctorReport(hosts: verdicts, seconds: (seconds * 10).rounded() / 10)
        switch output.outputMode {
        case .cli: report.lines.forEach { print($0) }
        case .json: print(try JSONOutput.text(report))
        case .quiet: break
        }
        let failed = verdicts.filter { !$0.isWell }
        guard !failed.isEmpty else { return }
        let isReached = !failed.contains { $0.problems.contains { $0.check == "ssh" || $0.check == "network" } }
        throw Stop(
            isReached ? .configuration : .unreachable,
            output.outputMode == .cli
                ? "\(failed.count) of \(verdicts.count) hosts cannot work: \(failed.map(\.host).joined(separator: ", "))" : nil)
    }

    // MARK: This host

    private func here(_ cluster: Cluster?) -> (DoctorReport.HostVerdict, digest: String?) {
        let path = URL(fileURLWithPath: results.results).standardizedFileURL.path
        let facts = HostExamination.facts(Examination(coordinatorHost: "127.0.0.1", coordinatorPort: 0, dataPaths: data, store: path))
        var problems = DoctorReport.HostVerdict.problems(
            of: facts.withoutNetwork, data: nil, port: 0, login: Login(target: facts.hostName),
            path: data.isEmpty ? nil : .folders(data), skew: 0)
        for index in problems.indices where problems[index].check == "disk" {
            problems[index].remedy = "make room, or name another folder: --results DIR"
        }
        for index in problems.indices where problems[index].check == "limits" {
            problems[index].remedy = "ulimit -n \(DoctorReport.HostVerdict.leastFileDescriptors)"
        }
        if let cluster {
            if let problem = cluster.localProblem {
                problems.append(DoctorReport.Problem(check: "cluster", message: problem.message, remedy: problem.remedy, isFatal: false))
            }
            var needed = cluster.hosts.contains { if case .ssh = $0.place { true } else { false } } ? ["ssh", "tar", "gzip"] : []
            needed += cluster.hosts.contains { if case .slurm = $0.place { true } else { false } } ? ["sbatch", "squeue", "scancel"] : []
            for name in needed where Programs.path(of: name) == nil {
                let error = LaunchError.noProgram(name)
                problems.append(
                    DoctorReport.Problem(
                        check: "program", message: error.errorDescription ?? "", remedy: error.recoverySuggestion ?? "", isFatal: true))
            }
        }
        return (DoctorReport.HostVerdict(host: "localhost", summary: "this host: \(facts.summary)", problems: problems), facts.dataDigest)
    }

    // MARK: The others

    private func elsewhere(_ cluster: Cluster, digest: String?) throws -> [DoctorReport.HostVerdict] {
        let targets = cluster.hosts.compactMap { host in if case .ssh(let access) = host.place { (host, access) } else { nil } }
        var verdicts = cluster.hosts.compactMap { host in
            if case .slurm(let allocation) = host.place { SlurmVerdict.of(host, allocation) } else { nil }
        }
        guard !targets.isEmpty else { return verdicts }
        // Something must listen there for the hosts to reach; a sweep that runs does.
        let ports = PortsOpened([cluster.coordinator.port, cluster.coordinator.port + 1])
        if let problem = ports.problems.first {
            throw Stop(
                .configuration, "port \(problem.port) cannot be opened on this host: \(problem.reason)",
                remedy: "Choose another port in the cluster file.")
        }
        defer { withExtendedLifetime(ports) {} }
        let program = try ProgramPackage.running(executable: Executable.path)
        let home = HomeFolder.path
        let visits = try targets.map { host, access in
            return try HostVisit(
                access,
                Examination(
                    coordinatorHost: cluster.coordinator.host, coordinatorPort: cluster.coordinator.port, dataPaths: host.data?.folders ?? [], store: host.store),
                program: program, packed: { try program.pack(home: home) })
        }
        var answered = [Double](repeating: 0, count: visits.count)
        while visits.contains(where: { $0.finding == nil }) {
            for (index, visit) in visits.enumerated() where visit.finding == nil {
                visit.turn()
                answered[index] = Date().timeIntervalSince1970
            }
            usleep(5_000)
        }
        // Without a folder of this host's, what most hosts have is right.
        let digests = visits.compactMap { visit -> String? in
            if case .facts(let facts, _, _)? = visit.finding { facts.dataDigest } else { nil }
        }
        let usual = Dictionary(grouping: digests, by: \.self).max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }?.key
        for (index, (host, access)) in targets.enumerated() {
            guard let finding = visits[index].finding else { continue }
            verdicts.append(
                DoctorReport.HostVerdict(
                    host, access, finding, coordinator: cluster.coordinator, data: digest ?? usual, now: answered[index]))
        }
        return verdicts
    }
}

extension HostFindings {
    fileprivate var withoutNetwork: HostFindings {
        var facts = self
        facts.unreachable = []
        return facts
    }
}

/// Whether Slurm knows the partition.
private enum SlurmVerdict {
    static func of(_ host: Cluster.Host, _ allocation: SlurmAllocation) -> DoctorReport.HostVerdict {
        func problem(_ message: String, _ remedy: String) -> DoctorReport.HostVerdict {
            DoctorReport.HostVerdict(
                host: host.name, summary: "Slurm",
                problems: [DoctorReport.Problem(check: "slurm", message: message, remedy: remedy, isFatal: true)])
        }
        guard let sinfo = Programs.path(of: "sinfo") else {
            return problem("there is no program sinfo on the PATH", "apt-get install slurm-client")
        }
        let partition = allocation.partition.map { ["--partition=\($0)"] } ?? []
        guard
            let conversation = try? Conversation(executable: sinfo, arguments: ["--noheader", "--format=%D %t %c"] + partition, seconds: 5)
        else {
            return problem("sinfo cannot be started", sinfo)
        }
        var lines: [String] = []
        while true {
            let (more, ending) = conversation.poll()
            lines += more
            if let ending {
                guard ending.end == .exited(0) else { return problem(ending.reason, "is slurmctld running? scontrol ping") }
                break
            }
            usleep(5_000)
        }
        let rows = lines.map { $0.split(separator: " ") }.filter { $0.count == 3 }
        guard !rows.isEmpty else { return problem("there is no partition \(allocation.partition ?? "")", "look at the partitions: sinfo") }
        let nodes = rows.reduce(0) { $0 + (Int($1[0]) ?? 0) }
        let summary = "Slurm: \(nodes) nodes (\(rows.map { "\($0[0]) \($0[1])" }.joined(separator: ", "))), \(allocation.nodes) wanted"
        let few =
            nodes < allocation.nodes
            ? [
                DoctorReport.Problem(
                    check: "slurm", message: "\(allocation.nodes) nodes are wanted, the partition has \(nodes)",
                    remedy: "lower `nodes:` in the cluster file", isFatal: false)
            ]
            : []
        return DoctorReport.HostVerdict(host: host.name, summary: summary, problems: few)
    }
}
