import Clusters
import Digests
import Foundation
import Launchers

/// The workers of a cluster's other hosts, for the time of a sweep.
final class ClusterWorkers {
    private var hosts: HostLauncher?
    private var allocations: [SlurmLauncher] = []
    /// Hosts for which not even a beginning could be made.
    private var unprepared: [(name: String, error: any Error)] = []
    private let folder: StudyFolder
    private var written: [String] = []

    /// Starts nothing yet but packs the program, when a host may need it. What is wrong with one host or block stops no other.
    ///
    /// - Parameters:
    ///   - folder: the study's.
    ///   - names: the data sets that hosts with `data: fetch` download.
    init(_ cluster: Cluster, keys: ClusterKeys, folder: StudyFolder, fetching names: [String], tell: @escaping (String) -> Void) throws {
        self.folder = folder
        let elsewhere = cluster.hosts.filter { $0.place != .local }
        guard !elsewhere.isEmpty else { return }
        let home = HomeFolder.path
        let program = try Executable.package()
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
                prepare([host.name], tell: tell) {
                    let slurm = folder.slurm
                    let forNodes = SlurmOrder(
                        worker: order, enrolment: "\(slurm)/\(host.name).keys", slots: host.slots, threads: host.threads,
                        timeLimitSeconds: allocation.timeLimitMinutes.map { Double($0) * 60 })
                    allocations.append(
                        SlurmLauncher(
                            name: host.name, allocation: allocation, order: forNodes, study: folder.name,
                            program: try program.install(home: home), folder: slurm,
                            admit: { try keys.admit($0, of: host.name, key: $1) },
                            withdraw: { keys.withdraw($0, of: host.name) }, tell: tell))
                }
            }
        }
        guard !targets.isEmpty else { return }
        prepare(targets.map(\.access.host), tell: tell) {
            hosts = try HostLauncher(
                targets: targets, program: program, packed: program.pack(home: home), logFolder: folder.logs,
                enroll: { try keys.enroll(host: $0, key: $1) }, tell: tell)
        }
    }

    private func prepare(_ names: [String], tell: (String) -> Void, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            let error = LaunchError.inWords(error)
            for name in names {
                unprepared.append((name, error))
                tell("\(name): \(Stop(error).message ?? "")")
            }
        }
    }

    /// Moves what can be moved; called a few times a second.
    func turn() {
        hosts?.turn()
        allocations.forEach { $0.turn() }
        let problems = ofUnprepared + (hosts?.problems ?? []) + allocations.compactMap(\.notice)
        if problems != written { LaunchProblems.write(problems, of: folder) }
        written = problems
    }

    func takeEnded() -> [(worker: String, reason: String)] { hosts?.takeEnded() ?? [] }

    /// Why nobody will come from elsewhere, when that is certain: nothing was reached or taken at the first try, or all was given up.
    var hopeless: (any Error)? {
        let ofSlurm = allocations.map(\.hopeless)
        guard ofSlurm.allSatisfy({ $0 != nil }) else { return nil }
        let ofHosts = hosts.map { $0.hopeless ?? ($0.isOver ? $0.problems : nil) } ?? []
        guard let ofHosts else { return nil }
        let errors = unprepared.map(\.error) + ofSlurm.compactMap(\.self)
        // Alone it has its own remedy.
        if ofHosts.isEmpty, errors.count == 1 { return errors[0] }
        let reasons = ofUnprepared + ofHosts + allocations.compactMap(\.notice)
        return reasons.isEmpty ? nil : LaunchError.noHostReached(reasons)
    }

    private var ofUnprepared: [String] { unprepared.map { "\($0.name): \(Stop($0.error).message ?? "")" } }

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
