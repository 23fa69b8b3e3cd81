/// What hosts are called, each by a name of its own: it goes into files, ids and the names of keys.
enum HostNames {
    /// Tells entries apart that lead to one host, as ssh does: by user and port, where they differ (`lab1`, `lab1-bob`, `lab1-2222`).
    /// All of their characters may stand in a file's name.
    static func tellApart(_ hosts: inout [Cluster.Host]) {
        let groups = Dictionary(grouping: hosts.indices) { hosts[$0].name.lowercased() }
        for indices in groups.values where indices.count > 1 {
            let users = Set(indices.map { access(hosts[$0])?.user }), ports = Set(indices.map { port(hosts[$0]) })
            for index in indices {
                if users.count > 1, let user = access(hosts[index])?.user { hosts[index].name += "-\(user)" }
                if ports.count > 1, port(hosts[index]) != standardPort { hosts[index].name += "-\(port(hosts[index]))" }
            }
        }
        // A name made so may be another host's own.
        var taken: Set<String> = []
        for index in hosts.indices {
            let name = hosts[index].name
            var number = 1
            while !taken.insert(hosts[index].name.lowercased()).inserted {
                number += 1
                hosts[index].name = "\(name)-\(number)"
            }
        }
    }

    /// What two entries of one host have in common, however its name is written.
    static func identity(of host: Cluster.Host) -> String {
        guard let access = access(host) else { return host.name }
        return "\(access.user ?? "")@\(access.host.lowercased()):\(port(host))"
    }

    private static let standardPort = 22

    private static func access(_ host: Cluster.Host) -> SSHAccess? {
        if case .ssh(let access) = host.place { access } else { nil }
    }

    private static func port(_ host: Cluster.Host) -> Int { access(host)?.port ?? standardPort }
}
