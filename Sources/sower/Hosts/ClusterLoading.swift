import Clusters
import Foundation
import StudyFiles

extension Cluster {
    /// The cluster of a file.
    static func load(_ path: String) throws -> Cluster {
        guard let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int else {
            throw Stop(.configuration, "there is no cluster file \(path)", remedy: "The project's cluster.yaml is one to begin with.")
        }
        guard size <= StudyFiles.maximumBytes, let data = FileManager.default.contents(atPath: path),
            let text = String(validating: data, as: UTF8.self)
        else {
            throw Stop(
                .configuration, "\(path) is no readable text of at most \(StudyFiles.maximumBytes / 1024) KiB",
                remedy: "The project's cluster.yaml is one to begin with.")
        }
        return try Clusters.decode(text: text, sourceName: path)
    }

    /// The names under which the hosts with `data: fetch` download the study's data; none when there is no such host.
    func fetches(_ loaded: LoadedStudy) throws -> [String] {
        guard hosts.contains(where: { if case .fetch? = $0.data { true } else { false } }) else { return [] }
        guard let names = loaded.publishedNames else {
            throw Stop(
                .configuration, "the cluster file has a host with data: fetch, and nobody offers the study's images for download",
                remedy: "Write `data: push` for that host: the coordinator sends them.")
        }
        return names
    }

    var local: Host? { hosts.first { $0.place == .local } }

    /// What the file says of this host in vain, with what to do; `nil` for nothing.
    var localProblem: (message: String, remedy: String)? {
        let settings = defaultsWithoutEffect
        guard !settings.isEmpty else { return nil }
        let verb = settings.count == 1 ? "is" : "are"
        return (
            "\(settings.joined(separator: ", ")) of the defaults \(verb) for other hosts: "
                + "a worker of localhost starts as `sower run` was started",
            settings.contains("environment") || settings.contains("setup")
                ? "set it in the shell before `sower run`" : "nothing is to be done if localhost needs none of it"
        )
    }

    /// Where the coordinator's sockets are: at every address of this host, unless it is to be found at the loopback one alone.
    var listen: HostAndPort {
        HostAndPort(host: ["localhost", "127.0.0.1"].contains(coordinator.host) ? "127.0.0.1" : "*", port: coordinator.port)
    }

    /// A local worker's options from this host's entry; labels that the command line gives are its own.
    func localArguments(besides options: HostOptions, fetching names: [String]) -> [String] {
        guard var host = local else { return [] }
        for key in options.labels.values.keys { host.labels[key] = nil }
        return host.arguments(policy: policy, fetching: names)
    }

    /// Where workers connect.
    var connect: HostAndPort { HostAndPort(host: coordinator.host, port: coordinator.port) }
}

extension Cluster.Host {
    /// A worker's options from what the file says of its host, without those that name the coordinator.
    ///
    /// - Parameter names: the data sets that a host with `data: fetch` downloads.
    func arguments(policy: Cluster.Policy, fetching names: [String]) -> [String] {
        var arguments = threads == 1 ? [] : ["--threads", "\(threads)"]
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { arguments += ["--label", "\(key)=\(value)"] }
        switch data {
        case nil: break
        case .push: arguments += ["--data", "push"]
        case .fetch(let mirror): arguments += names.flatMap { ["--fetch", $0] } + (mirror.map { ["--mirror", $0] } ?? [])
        case .folders(let folders): arguments += folders.flatMap { ["--data", $0] }
        }
        if let store, place != .local { arguments += ["--store", store] }
        if allowsCommands { arguments.append("--allow-command") }
        if let seconds = policy.gracePeriodSeconds, place != .local { arguments += ["--grace-period", "\(seconds)"] }
        return arguments
    }
}

extension WorkerOptions {
    /// Worker processes on this host: as many as are asked for, those of the cluster's entry for it, or one a core.
    func count(threads: Int, in cluster: Cluster?) -> Int {
        if let workers { return workers }
        guard let cluster else { return ThreadOptions.trainings(threads: threads) }
        return cluster.local.map { $0.slots ?? ThreadOptions.trainings(threads: max(threads, $0.threads)) } ?? 0
    }
}

extension FailureOptions {
    /// With what the cluster file says where the command line says nothing.
    func completed(by policy: Cluster.Policy?) -> FailureOptions {
        guard let policy else { return self }
        var options = self
        options.maxFails = maxFails ?? policy.maximumFails
        options.timeLimit = timeLimit ?? policy.timeLimitSeconds.flatMap { TimeLimit(argument: "\($0)") }
        options.crashLimit = crashLimit ?? policy.crashLimit
        return options
    }
}

extension AdmissionOptions {
    /// With what the cluster file says where the command line says nothing.
    func completed(by policy: Cluster.Policy?) -> AdmissionOptions {
        var options = self
        if numerics == .any, policy?.numerics == .pinned { options.numerics = .pinned }
        return options
    }
}
