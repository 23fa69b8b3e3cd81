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

    var local: Host? { hosts.first { $0.place == .local } }

    /// Where the coordinator's sockets are: at every address of this host, unless it is to be found at the loopback one alone.
    var listen: HostAndPort {
        HostAndPort(host: ["localhost", "127.0.0.1"].contains(coordinator.host) ? "127.0.0.1" : "*", port: coordinator.port)
    }

    /// A local worker's options from this host's entry; labels that the command line gives are its own.
    func localArguments(besides options: HostOptions) -> [String] {
        guard var host = local else { return [] }
        for key in options.labels.values.keys { host.labels[key] = nil }
        return host.arguments(policy: policy)
    }

    /// Where workers connect.
    var connect: HostAndPort { HostAndPort(host: coordinator.host, port: coordinator.port) }
}

extension Cluster.Host {
    /// A worker's options from what the file says of its host, without those that name the coordinator.
    func arguments(policy: Cluster.Policy) -> [String] {
        var arguments = threads == 1 ? [] : ["--threads", "\(threads)"]
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { arguments += ["--label", "\(key)=\(value)"] }
        if let data { arguments += ["--data", data.word] }
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
