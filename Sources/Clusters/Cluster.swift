/// The machines of a sweep as `cluster.yaml` describes them: checked, with every default applied.
package struct Cluster: Sendable, Equatable {
    /// Where workers find the coordinator.
    package var coordinator: Address
    package var hosts: [Host]
    package var policy: Policy

    /// A port for messages; data goes over the next one.
    package struct Address: Sendable, Equatable {
        package var host: String
        package var port: Int
    }

    /// One place that does work.
    package struct Host: Sendable, Equatable {
        /// Unique in the cluster: a host's name, with user and port where other entries have that too, or `slurm-PARTITION`.
        package var name: String
        package var place: Place
        /// Trainings at a time; `nil` for one a core, or one for as many cores as `threads`.
        package var slots: Int?
        /// Threads of one training.
        package var threads: Int
        package var labels: [String: String]
        package var environment: [String: String]
        /// Lines of a shell that are run before the worker.
        package var setup: [String]
        /// `nil` for the path that the study has.
        package var data: DataSource?
        /// The folder of the worker's keys there; `nil` for the launcher's choice.
        package var keys: String?
        /// The worker's store there; `nil` for its own choice.
        package var store: String?
        /// Whether it runs programs that a study names.
        package var allowsCommands: Bool
    }

    /// What the defaults say in vain of the coordinator's own host, whose workers start as the sweep was started; empty for nothing.
    package var defaultsWithoutEffect: [String] {
        guard let host = hosts.first(where: { $0.place == .local }) else { return [] }
        return [
            ("environment", !host.environment.isEmpty), ("keys", host.keys != nil), ("setup", !host.setup.isEmpty),
            ("store", host.store != nil),
        ].filter(\.1).map(\.0)
    }

    package enum Place: Sendable, Equatable {
        /// The coordinator's own host.
        case local
        case ssh(SSHAccess)
        case slurm(SlurmAllocation)
    }

    package enum DataSource: Sendable, Equatable {
        /// A folder on that host; several for a study with several data sets.
        case folders([String])
        /// The coordinator sends its own.
        case push
        /// The host downloads it before its worker connects: from the publisher, or from a mirror that has the same files.
        case fetch(mirror: String?)

        /// The folders that are named.
        package var folders: [String] { if case .folders(let folders) = self { folders } else { [] } }
    }

    /// What a sweep does about failures and strangers; `nil` for the program's own choice.
    package struct Policy: Sendable, Equatable {
        package var crashLimit: Int?
        package var maximumFails: Int?
        package var timeLimitSeconds: Double?
        package var gracePeriodSeconds: Double?
        package var numerics: Numerics?
    }

    /// Whether hosts whose arithmetic rounds differently may work on one study.
    package enum Numerics: String, Sendable, CaseIterable { case any, pinned }
}

/// How a host is reached by ssh. Nothing in it can be taken for an option of ssh, or by a shell.
package struct SSHAccess: Sendable, Equatable {
    package var host: String
    package var user: String?
    package var port: Int?
    package var identityFile: String?
    /// Further options of ssh_config(5), of those that cannot start a program here.
    package var options: [String: String]

    package init(host: String, user: String? = nil, port: Int? = nil, identityFile: String? = nil, options: [String: String] = [:]) {
        self.host = host
        self.user = user
        self.port = port
        self.identityFile = identityFile
        self.options = options
    }
}

/// What is asked of Slurm: as many jobs of one node each.
package struct SlurmAllocation: Sendable, Equatable {
    package var partition: String?
    package var nodes: Int
    package var timeLimitSeconds: Double?
    package var account: String?
    package var qos: String?
    package var constraint: String?
    /// As sbatch has it, `16G`.
    package var memory: String?
    package var exclusive: Bool

    /// What Slurm is told of the time limit: it counts in minutes.
    package var timeLimitMinutes: Int? { timeLimitSeconds.map { max(1, Int(($0 / 60).rounded(.up))) } }
}
