import Clusters
import Studies

// Any text, as a cluster file. Nothing traps; it is a cluster of which nothing can be taken for an option or a command, or an
// error that says why not.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzClusters(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    do throws(ClusterFileError) {
        check(try Clusters.decode(text: text, sourceName: "fuzz"))
    } catch {
        require(!error.problems.isEmpty, "an error without a problem")
        require(error.errorDescription?.isEmpty == false, "an error that says nothing")
    }
    return 0
}

private func check(_ cluster: Cluster) {
    require(ClusterPatterns.hosts.contains(cluster.hosts.count), "\(cluster.hosts.count) hosts")
    require(Set(cluster.hosts.map(\.name)).count <= cluster.hosts.count, "names")
    var words = [cluster.coordinator.host]
    for host in cluster.hosts {
        words += [host.name] + host.labels.map { "\($0)=\($1)" } + (host.data?.folders ?? []) + [host.keys, host.store].compactMap(\.self)
        for variable in host.environment.keys { require(ClusterPatterns.refusal(ofVariable: variable) == nil, variable) }
        switch host.place {
        case .local: break
        case .ssh(let access):
            words += [access.host, access.user, access.identityFile].compactMap(\.self) + access.options.values
            for option in access.options.keys { require(!option.contains("Command"), option) }
        case .slurm(let allocation):
            words += [allocation.partition, allocation.account, allocation.qos, allocation.constraint, allocation.memory].compactMap(\.self)
        }
    }
    for word in words {
        require(!word.isEmpty && !word.hasPrefix("-"), "an option: \(word)")
        require(ClusterPatterns.isPrintable(word), "a control character")
    }
}
