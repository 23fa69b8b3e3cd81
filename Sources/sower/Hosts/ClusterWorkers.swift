import Clusters
import Digests
import Foundation
import Launchers

/// The workers of a cluster's other hosts, for the time of a sweep.
final class ClusterWorkers {
    private var hosts: HostLauncher?
    private var allocations: [SlurmLauncher] = []
    private let folder: StudyFolder
    private var written: [String] = []

    /// Starts nothing yet but packs the program, when a host may need it.
    ///
    /// - Parameters:
    ///   - folder: the study's.
    ///   - names: the data sets that hosts with `data: fetch` download.
    init(_ cluster: Cluster, keys: ClusterKeys, folder: StudyFolder, fetching names: [String], tell: @escaping (String) -> Void) throws {
        self.folder = folder
        let elsewhere = cluster.hosts.filter { $0.place != .local }
        guard !elsewhere.isEmpty else { return }
        let home = HomeFolder.path
        let program = try ProgramPackage.running(executable: Executable.path)
        var targets: [HostLauncher.Target] = []
        for host in elsewhere {
            let address = "\(cluster.coordinator.host):\(cluster.coordinator.port)"
            // The same in every run of this study on this host, so that a worker that still runs is found again.
            let sweep = Digest(of: "\(ProcessInfo.processInfo.hostName) \(folder.path) \(address)").short
            var order = WorkerOrder(
                id: "\(folder.name)-\(sweep)-\(host.name)", name: host.name,
                arguments: ["--connect", address] + host.arguments(policy: cluster.policy, fetching: names),
                environment: host.environment, setup: host.setup, keys: host.keys)
            try keys.pin(&order)
            switch host.place {
            case .local: break
            case .ssh(let access):
                if let slots = host.slots { order.arguments += ["--slots", "\(slots)"] }
                targets.append(HostLauncher.Target(access: access, order: order))
            case .slurm(let allocation):
                try keys.prepareForSlurm(&order)
                allocations.append(
                    SlurmLauncher(
                        name: host.name, allocation: allocation, order: SlurmOrder(worker: order, slots: host.slots, threads: host.threads),
                        study: folder.name, program: try program.install(home: home), folder: folder.path + "/slurm", tell: tell))
            }
        }
        if !targets.isEmpty {
            hosts = try HostLauncher(
                targets: targets, program: program, packed: program.pack(home: home), logFolder: folder.logs,
                enroll: { try keys.enroll(host: $0, key: $1) }, tell: tell)
        }
        for allocation in allocations { try allocation.submit() }
    }

    /// Moves what can be moved; called a few times a second.
    func turn() {
        hosts?.turn()
        allocations.forEach { $0.turn() }
        let problems = (hosts?.problems ?? []) + allocations.compactMap(\.problem)
        if problems != written { LaunchProblems.write(problems, of: folder) }
        written = problems
    }

    func takeEnded() -> [(worker: String, reason: String)] { hosts?.takeEnded() ?? [] }

    /// Why nobody will come from elsewhere, when that is certain: no host was reached at the first try, or all were given up.
    var hopeless: [String]? {
        guard allocations.allSatisfy({ $0.problem != nil }) else { return nil }
        let ofSlurm = allocations.compactMap(\.problem)
        guard let hosts else { return ofSlurm.isEmpty ? nil : ofSlurm }
        return (hosts.hopeless ?? (hosts.isOver ? hosts.problems : nil)).map { $0 + ofSlurm }
    }

    func stop(within seconds: Double) {
        allocations.forEach { $0.stop() }
        hosts?.stop(within: seconds)
    }
}

/// Hosts of the running sweep that do not work, with the reasons, for `sower status`.
enum LaunchProblems {
    static func clear(of folder: StudyFolder) { unlink(file(of: folder).path) }

    /// What cannot be written is a pity, and no error of the sweep.
    static func write(_ problems: [String], of folder: StudyFolder) {
        try? Data((JSONOutput.text(problems) + "\n").utf8).write(to: file(of: folder), options: .atomic)
    }

    static func read(of folder: StudyFolder) -> [String] {
        (try? JSONDecoder().decode([String].self, from: Data(contentsOf: file(of: folder)))) ?? []
    }

    private static func file(of folder: StudyFolder) -> URL { URL(fileURLWithPath: folder.logs + "/hosts.json") }
}
