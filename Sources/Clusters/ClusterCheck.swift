import Studies

/// Reads a tree as a cluster, collecting problems instead of stopping at the first.
struct ClusterCheck {
    var reader = SettingReader(what: "a cluster")

    enum Keys {
        static let top = ["coordinator", "defaults", "hosts", "policy"]
        static let coordinator = ["host", "port"]
        static let defaults = ["slots", "threads", "labels", "environment", "setup", "data", "keys", "store", "allow_commands", "ssh"]
        static let host = ["host", "slurm"] + defaults
        static let ssh = ["user", "port", "identity_file", "options"]
        static let slurm = ["partition", "nodes", "time_limit", "account", "qos", "constraint", "memory", "exclusive"]
        static let policy = ["crash_limit", "max_fails", "time_limit", "grace_period", "numerics"]
    }

    mutating func cluster(_ root: StudyNode) throws(InvalidStudy) -> Cluster {
        let top = reader.section(root, at: "", keys: Keys.top)
        let coordinator = coordinator(top["coordinator"])
        let defaults = reader.section(top["defaults"], at: "defaults", keys: Keys.defaults)
        // The defaults are checked where they stand, also when every host has its own.
        _ = settings(defaults, at: "defaults")
        if let ssh = defaults["ssh"] { _ = sshSettings(ssh, at: "defaults.ssh") }
        let hosts = hosts(top["hosts"], defaults: defaults)
        let policy = policy(top["policy"])
        guard reader.problems.isEmpty, let coordinator else { throw InvalidStudy(problems: inOrder) }
        return Cluster(coordinator: coordinator, hosts: hosts, policy: policy)
    }

    /// Each problem once, by its line; those without one last.
    private var inOrder: [StudyProblem] {
        var seen: [StudyProblem] = []
        for problem in reader.problems where !seen.contains(problem) { seen.append(problem) }
        return seen.enumerated().sorted { ($0.element.line ?? .max, $0.offset) < ($1.element.line ?? .max, $1.offset) }.map(\.element)
    }

    mutating func refuse(_ path: String, _ message: String, _ remedy: String) {
        var written = path
        while reader.origins[written] == nil, let dot = written.lastIndex(of: ".") { written = String(written[..<dot]) }
        reader.problems.append(StudyProblem(path: path, origin: reader.origins[written] ?? nil, message: message, remedy: remedy))
    }

    /// A text of which `isAllowed` says whether it may be; `nil` when it is missing or refused.
    mutating func text(
        _ section: [String: StudyNode], _ key: String, at path: String, _ expected: String, where isAllowed: (String) -> Bool
    ) -> String? {
        guard let text = reader.text(section, key, at: path) else { return nil }
        if isAllowed(text) { return text }
        let whole = SettingReader.join(path, key)
        refuse(whole, "\(whole) \(shown(text)) is not \(expected)", "write \(expected)")
        return nil
    }

    mutating func integer(_ section: [String: StudyNode], _ key: String, at path: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = reader.integer(section, key, at: path) else { return nil }
        if range.contains(value) { return value }
        let whole = SettingReader.join(path, key)
        refuse(whole, "\(whole) is \(value), expected \(range.lowerBound) to \(range.upperBound)", "correct the number")
        return nil
    }

    mutating func seconds(_ section: [String: StudyNode], _ key: String, at path: String) -> Double? {
        text(section, key, at: path, "a length of time such as 90s, 40min, 2h or 1d", where: { Seconds.parse($0) != nil }).flatMap(
            Seconds.parse)
    }

    /// A text as an error shows it: no longer than a line, nothing in it that moves a terminal.
    func shown(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(60).map {
            ClusterPatterns.isPrintable(String($0)) ? String($0) : "\\u{\(String($0.value, radix: 16))}"
        }
        return "\"" + scalars.joined() + (text.unicodeScalars.count > 60 ? "…" : "") + "\""
    }

    private mutating func coordinator(_ node: StudyNode?) -> Cluster.Address? {
        let path = "coordinator"
        let section = reader.section(node, at: path, keys: Keys.coordinator)
        guard section["host"] != nil else {
            refuse(
                path, "the coordinator's host is missing", "write where workers find this host: `coordinator: {host: lab0, port: 17610}`")
            return nil
        }
        let host = text(section, "host", at: path, "a host's name or address", where: ClusterPatterns.isHost)
        let port = section["port"] == nil ? 17_610 : integer(section, "port", at: path, in: ClusterPatterns.coordinatorPorts)
        return host.flatMap { host in port.map { Cluster.Address(host: host, port: $0) } }
    }

    private mutating func policy(_ node: StudyNode?) -> Cluster.Policy {
        let path = "policy"
        let section = reader.section(node, at: path, keys: Keys.policy)
        let numerics = text(section, "numerics", at: path, "any or pinned", where: { Cluster.Numerics(rawValue: $0) != nil })
        return Cluster.Policy(
            crashLimit: integer(section, "crash_limit", at: path, in: 1...100),
            maximumFails: integer(section, "max_fails", at: path, in: 0...1_000_000),
            timeLimitSeconds: seconds(section, "time_limit", at: path),
            gracePeriodSeconds: seconds(section, "grace_period", at: path),
            numerics: numerics.flatMap(Cluster.Numerics.init(rawValue:)))
    }
}
