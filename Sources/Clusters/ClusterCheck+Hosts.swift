import Studies

extension ClusterCheck {
    mutating func hosts(_ node: StudyNode?, defaults: [String: StudyNode]) -> [Cluster.Host] {
        let example = "write one host a line: `- {host: lab1, slots: 4}`"
        guard let node else {
            refuse("hosts", "no hosts are named", example)
            return []
        }
        guard case .list(let elements) = node.content else {
            reader.problems.append(
                StudyProblem(
                    path: "hosts", origin: reader.origins["hosts"] ?? node.origin, message: "hosts must be a list, found \(node.kind)",
                    remedy: example))
            return []
        }
        guard ClusterPatterns.hosts.contains(elements.count) else {
            refuse("hosts", "\(elements.count) hosts, expected 1 to \(ClusterPatterns.hosts.upperBound)", example)
            return []
        }
        var hosts: [Cluster.Host] = []
        var lines: [String: String] = [:]
        for (index, element) in elements.enumerated() {
            guard let host = host(element, at: "hosts[\(index + 1)]", defaults: defaults) else { continue }
            let identity = HostNames.identity(of: host)
            if let first = lines[identity] {
                reader.problems.append(
                    StudyProblem(
                        path: "hosts[\(index + 1)]", origin: element.origin, message: "\(host.name) is named twice, first \(first)",
                        remedy: "keep one of them; one worker has as many slots as you say"))
            } else {
                lines[identity] = element.origin.map { if case .line(let line) = $0 { "in line \(line)" } else { "above" } } ?? "above"
                hosts.append(host)
            }
        }
        HostNames.tellApart(&hosts)
        return hosts
    }

    private mutating func host(_ node: StudyNode, at path: String, defaults: [String: StudyNode]) -> Cluster.Host? {
        let own = reader.section(node, orWord: "host", at: path, keys: Keys.host)
        if case .scalar = node.content { reader.note(path, at: node.origin) }
        guard own["host"] != nil || own["slurm"] != nil else {
            if reader.problems.allSatisfy({ $0.path != path }) {
                refuse(path, "\(path) says neither host nor slurm", "write `host: NAME`, or `slurm: {partition: NAME, nodes: N}`")
            }
            return nil
        }
        guard own["host"] == nil || own["slurm"] == nil else {
            refuse(path, "\(path) says both host and slurm", "keep one of them")
            return nil
        }
        // Labels and variables are added to the defaults, everything else takes their place.
        var merged = defaults.merging(own) { $1 }
        for key in ["labels", "environment", "ssh"] {
            guard case .mapping(let general)? = defaults[key]?.content, case .mapping(let particular)? = own[key]?.content else { continue }
            merged[key] = StudyNode(
                .mapping(general.filter { entry in !particular.contains { $0.key == entry.key } } + particular), origin: own[key]?.origin)
        }
        guard let place = own["slurm"].map({ slurm($0, at: path + ".slurm") }) ?? remote(merged, isSSH: own["ssh"] != nil, at: path) else {
            return nil
        }
        var host = settings(merged, at: path)
        host.place = place
        switch place {
        case .local: host.name = "localhost"
        case .ssh(let access): host.name = access.host
        case .slurm(let allocation): host.name = "slurm-" + (allocation.partition ?? "default")
        }
        if place == .local {
            for key in ["environment", "keys", "setup", "store"] where own[key] != nil {
                refuse(
                    SettingReader.join(path, key), "\(key) is for other hosts: a worker of this host starts as `sower run` was started",
                    key == "environment" || key == "setup" ? "set it in the shell before `sower run`" : "leave it out")
            }
        }
        if case .slurm = place, own["ssh"] != nil { refuse(path + ".ssh", "a Slurm partition is not reached by ssh", "leave ssh out") }
        if case .slurm = place, own["keys"] != nil {
            refuse(path + ".keys", "a worker of Slurm keeps its keys in memory alone", "leave keys out")
        }
        return host
    }

    /// What all kinds of hosts have.
    mutating func settings(_ section: [String: StudyNode], at path: String) -> Cluster.Host {
        var slots: Int?
        if let node = section["slots"], node.content != .scalar("auto") {
            slots = integer(section, "slots", at: path, in: ClusterPatterns.slots)
        }
        return Cluster.Host(
            name: "", place: .local, slots: slots,
            threads: section["threads"] == nil ? 1 : integer(section, "threads", at: path, in: ClusterPatterns.threads) ?? 1,
            labels: labels(section["labels"], at: path + ".labels"),
            environment: environment(section["environment"], at: path + ".environment"),
            setup: setup(section["setup"], at: path + ".setup"),
            data: data(section, at: path),
            keys: text(section, "keys", at: path, "a folder's path from / or ~/", where: ClusterPatterns.isPath),
            store: text(section, "store", at: path, "a folder's path from / or ~/", where: ClusterPatterns.isPath),
            allowsCommands: reader.truth(section, "allow_commands", at: path) ?? false)
    }

    private mutating func data(_ section: [String: StudyNode], at path: String) -> Cluster.DataSource? {
        let expected = "`push`, `fetch`, a folder's path from / or ~/, or a list of such paths"
        if case .mapping? = section["data"]?.content {
            let whole = SettingReader.join(path, "data")
            let inner = reader.section(section["data"], at: whole, keys: ["fetch"])
            if inner["fetch"] == nil { refuse(whole, "\(whole) names no address to fetch from", "write \(expected), or `{fetch: URL}`") }
            let address = "an address that begins with http://, https:// or file:///"
            let mirror = text(inner, "fetch", at: whole, address, where: ClusterPatterns.isAddress)
            return mirror.map { .fetch(mirror: $0) }
        }
        if case .list? = section["data"]?.content {
            guard let folders = reader.texts(section, "data", at: path) else { return nil }
            guard ClusterPatterns.dataFolders.contains(folders.count), folders.allSatisfy(ClusterPatterns.isPath) else {
                let most = ClusterPatterns.dataFolders.upperBound
                refuse(SettingReader.join(path, "data"), "data is no list of 1 to \(most) folders", "write \(expected)")
                return nil
            }
            return .folders(folders)
        }
        let word = text(section, "data", at: path, expected, where: { ["push", "fetch"].contains($0) || ClusterPatterns.isPath($0) })
        switch word {
        case nil: return nil
        case "push": return .push
        case "fetch": return .fetch(mirror: nil)
        case let folder?: return .folders([folder])
        }
    }

    private mutating func remote(_ section: [String: StudyNode], isSSH: Bool, at path: String) -> Cluster.Place? {
        guard let host = text(section, "host", at: path, "a host's name or address", where: ClusterPatterns.isHost) else { return nil }
        if ["localhost", "127.0.0.1"].contains(host.lowercased()), !isSSH { return .local }
        var access = section["ssh"].map { sshSettings($0, at: path + ".ssh") } ?? SSHAccess(host: host)
        access.host = host
        return .ssh(access)
    }

    mutating func sshSettings(_ node: StudyNode, at path: String) -> SSHAccess {
        let section = reader.section(node, at: path, keys: Keys.ssh)
        var access = SSHAccess(host: "")
        access.user = text(section, "user", at: path, "a user's name", where: ClusterPatterns.isUser)
        access.port = integer(section, "port", at: path, in: ClusterPatterns.ports)
        access.identityFile = text(section, "identity_file", at: path, "a file's path from / or ~/", where: ClusterPatterns.isPath)
        let options = path + ".options"
        for (key, value) in mapping(section["options"], at: options, limit: 0...16) {
            guard let isAllowed = ClusterPatterns.sshOptions[key] else {
                let known = ClusterPatterns.sshOptions.keys.sorted()
                refuse(
                    SettingReader.join(options, key),
                    "the ssh option \(shown(key)) may not be set here" + Spelling.suggestion(for: key, among: known),
                    "options: \(known.joined(separator: ", ")); others belong into ~/.ssh/config")
                continue
            }
            guard isAllowed(value) else {
                refuse(
                    SettingReader.join(options, key), "the ssh option \(key) cannot be \(shown(value))", "look it up in `man ssh_config`")
                continue
            }
            access.options[key] = value
        }
        return access
    }

    private mutating func slurm(_ node: StudyNode, at path: String) -> Cluster.Place {
        let section = reader.section(node, at: path, keys: Keys.slurm)
        let name = "a name of letters, digits, `.`, `_` and `-`"
        return .slurm(
            SlurmAllocation(
                partition: text(section, "partition", at: path, name, where: ClusterPatterns.isName),
                nodes: section["nodes"] == nil ? 1 : integer(section, "nodes", at: path, in: ClusterPatterns.nodes) ?? 1,
                timeLimitSeconds: seconds(section, "time_limit", at: path),
                account: text(section, "account", at: path, name, where: ClusterPatterns.isName),
                qos: text(section, "qos", at: path, name, where: ClusterPatterns.isName),
                constraint: text(section, "constraint", at: path, "features joined by & or |", where: ClusterPatterns.isConstraint),
                memory: text(section, "memory", at: path, "a size as sbatch has it, such as 16G", where: ClusterPatterns.isMemory),
                exclusive: reader.truth(section, "exclusive", at: path) ?? false))
    }

    private mutating func labels(_ node: StudyNode?, at path: String) -> [String: String] {
        var labels: [String: String] = [:]
        for (key, value) in mapping(node, at: path, limit: ClusterPatterns.labels) {
            guard Labels.isPart(key), Labels.isPart(value) else {
                refuse(
                    SettingReader.join(path, key), "\(shown("\(key)=\(value)")) is not a label",
                    "a label's key and value are names of up to 64 letters, digits, `.`, `_` and `-`: `labels: {class: zen4}`")
                continue
            }
            labels[key] = value
        }
        return labels
    }

    private mutating func environment(_ node: StudyNode?, at path: String) -> [String: String] {
        var environment: [String: String] = [:]
        for (key, value) in mapping(node, at: path, limit: ClusterPatterns.variables) {
            let place = SettingReader.join(path, key)
            guard ClusterPatterns.isVariable(key) else {
                refuse(place, "\(shown(key)) is not the name of a variable", "use letters, digits and underscores")
                continue
            }
            if let reason = ClusterPatterns.refusal(ofVariable: key) {
                refuse(place, "the variable \(key) may not be set", reason)
                continue
            }
            guard ClusterPatterns.valueBytes.contains(value.utf8.count), ClusterPatterns.isPrintable(value) else {
                refuse(
                    place, "the value of \(key) is not one printable line of at most 4096 bytes",
                    "shorten it, or set it in a line of `setup:`")
                continue
            }
            environment[key] = value
        }
        return environment
    }

    private mutating func setup(_ node: StudyNode?, at path: String) -> [String] {
        guard let node, node.content != .scalar("") else { return [] }
        guard case .list(let elements) = node.content else {
            reader.refuse(node, path, expected: "a list of lines")
            return []
        }
        guard ClusterPatterns.setupLines.contains(elements.count) else {
            refuse(
                path, "\(elements.count) lines of setup, expected at most \(ClusterPatterns.setupLines.upperBound)",
                "put them into a script on the host")
            return []
        }
        return elements.compactMap { element in
            guard case .scalar(let line) = element.content, ClusterPatterns.setupBytes.contains(line.utf8.count),
                ClusterPatterns.isPrintable(line)
            else {
                reader.refuse(element, path, expected: "printable lines of at most \(ClusterPatterns.setupBytes.upperBound) bytes")
                return nil
            }
            return line
        }
    }

    /// The texts of a mapping by their keys.
    private mutating func mapping(_ node: StudyNode?, at path: String, limit: ClosedRange<Int>) -> [(String, String)] {
        guard let node, node.content != .scalar("") else { return [] }
        guard case .mapping(let entries) = node.content else {
            reader.refuse(node, path, expected: "a mapping")
            return []
        }
        guard limit.contains(entries.count) else {
            refuse(path, "\(path) has \(entries.count) entries, expected at most \(limit.upperBound)", "leave some out")
            return []
        }
        return entries.compactMap { entry in
            reader.note(SettingReader.join(path, entry.key), at: entry.keyOrigin ?? entry.value.origin)
            guard case .scalar(let text) = entry.value.content else {
                reader.refuse(entry.value, SettingReader.join(path, entry.key), expected: "a text")
                return nil
            }
            return (entry.key, text)
        }
    }
}
