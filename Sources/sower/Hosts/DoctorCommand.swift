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
        discussion: """
            All hosts at once. Each failure comes with the command that mends it. The program is put on hosts that lack it. With a study: also
            whether its data are there or will be sent, and whether some host may run each of its jobs.
            """)

    @Argument(help: "A study file, or a built-in study, that is to run.")
    var study: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Change a setting of the study, as for `sower run`. May be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(
        name: .customLong("from-state-dict"), parsing: .singleValue,
        help: ArgumentHelp("Add an arm that starts from a file, as for `sower run`. May be repeated.", valueName: "[name=]file"))
    var stateDicts: [String] = []

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

    func validate() throws {
        guard study == nil || data.isEmpty else {
            throw ValidationError("--data is for a look without a study: a study names its own data")
        }
        guard study != nil || (overrides.isEmpty && stateDicts.isEmpty) else {
            throw ValidationError("--set and --from-state-dict change a study: name it")
        }
    }

    func run() throws {
        let start = ContinuousClock.now
        let loaded = try cluster.map { try Cluster.load($0) }
        let (checkup, wrong) = checkup()
        let (local, digest) = here(loaded, checkup)
        var verdicts = [local]
        if let loaded { verdicts += try elsewhere(loaded, checkup, digest: digest) }
        let whole =
            checkup.map { checkup in
                checkup.verdict(
                    loaded, verdicts: Dictionary(verdicts.map { ($0.host, $0) }) { first, _ in first },
                    free: HostExamination.freeBytes(at: resultsPath), runCommand: studyOptions?.runCommand(results) ?? "sower run")
            } ?? wrong
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let report = DoctorReport(study: whole, hosts: verdicts, seconds: (seconds * 10).rounded() / 10)
        switch output.outputMode {
        case .cli: report.lines.forEach { print($0) }
        case .json: print(try JSONOutput.text(report))
        case .quiet: break
        }
        let failed = verdicts.filter { !$0.isWell }
        let isWrong = whole?.isWell == false
        guard !failed.isEmpty || isWrong else { return }
        let isReached = !failed.contains { $0.problems.contains { $0.check == "ssh" || $0.check == "network" } }
        throw Stop(
            isReached ? .configuration : .unreachable,
            output.outputMode == .cli
                ? [
                    isWrong ? "the study cannot run like that" : nil,
                    failed.isEmpty
                        ? nil : "\(failed.count) of \(verdicts.count) hosts cannot work: \(failed.map(\.host).joined(separator: ", "))",
                ].compactMap(\.self).joined(separator: "; ") : nil)
    }

    // MARK: The study

    private var studyOptions: StudyOptions? {
        guard let study else { return nil }
        var options = StudyOptions()
        (options.study, options.overrides, options.stateDicts) = (study, overrides, stateDicts)
        return options
    }

    private var resultsPath: String { URL(fileURLWithPath: results.results).standardizedFileURL.path }

    /// The study, or what is wrong with it: the hosts are looked at all the same.
    private func checkup() -> (StudyCheckup?, DoctorReport.HostVerdict?) {
        guard let options = studyOptions else { return (nil, nil) }
        do {
            return (try StudyCheckup(options.load(results)), nil)
        } catch {
            let stop = Stop(error)
            let problem = DoctorReport.Problem(
                check: error is DatasetError ? "data" : "study", message: stop.message ?? "",
                remedy: stop.remedy ?? "correct it, then look again",
                isFatal: true)
            return (nil, DoctorReport.HostVerdict(host: options.study, summary: "study", problems: [problem]))
        }
    }

    // MARK: This host

    private func here(_ cluster: Cluster?, _ checkup: StudyCheckup?) -> (DoctorReport.HostVerdict, digest: String?) {
        let local = cluster?.local
        let folders = checkup == nil ? data : local?.data?.folders ?? []
        let facts = HostExamination.facts(
            Examination(
                coordinatorHost: "127.0.0.1", coordinatorPort: 0, dataPaths: folders, store: resultsPath,
                study: checkup.flatMap { checkup in cluster == nil ? checkup.needs : local.map(checkup.examined) }))
        var problems = DoctorReport.HostVerdict.problems(
            of: facts.withoutNetwork, data: checkup?.dataset, port: 0, login: Login(target: facts.hostName),
            path: folders.isEmpty ? nil : .folders(folders), skew: 0)
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
        let verdict = DoctorReport.HostVerdict(host: "localhost", summary: "this host: \(facts.summary)", problems: problems)
        guard let checkup else { return (verdict, data.isEmpty ? nil : facts.dataDigest) }
        // Without a cluster file this host runs all of it.
        if cluster == nil { return (verdict.adding(checkup.trainer(facts.study, login: nil)), checkup.dataset) }
        return (local.map { verdict.adding(checkup.problems(of: $0, facts, login: nil)) } ?? verdict, checkup.dataset)
    }

    // MARK: The others

    private func elsewhere(_ cluster: Cluster, _ checkup: StudyCheckup?, digest: String?) throws -> [DoctorReport.HostVerdict] {
        let targets = cluster.hosts.compactMap { host in if case .ssh(let access) = host.place { (host, access) } else { nil } }
        var verdicts = cluster.hosts.compactMap { host in
            if case .slurm(let allocation) = host.place {
                SlurmVerdict.of(host, allocation).adding(checkup?.notes(ofUnseen: host) ?? ([], []))
            } else {
                nil
            }
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
        let program = try Executable.package()
        let home = HomeFolder.path
        let visits = try targets.map { host, access in
            return try HostVisit(
                access,
                Examination(
                    coordinatorHost: cluster.coordinator.host, coordinatorPort: cluster.coordinator.port,
                    dataPaths: host.data?.folders ?? [], store: host.store,
                    study: checkup?.examined(host)),
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
            var verdict = DoctorReport.HostVerdict(
                host, access, finding, coordinator: cluster.coordinator, data: digest ?? usual, now: answered[index])
            if let checkup, case .facts(let facts, _, _) = finding {
                verdict = verdict.adding(checkup.problems(of: host, facts, login: Login(access)))
            }
            verdicts.append(verdict)
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
