import Digests

/// Where a worker's data set comes from.
package enum DataSource: Sendable, Equatable {
    /// The path that the coordinator names; where the data set is not there, the coordinator sends it. A worker of the coordinator's own
    /// host, which does not ask for its files, takes the path as it is.
    case coordinatorsPath
    /// A folder of this host.
    case folder(String)
    /// The coordinator sends it.
    case push
}

/// A data set on its way to this host.
///
/// Whether it is here is asked first, and again when its files have arrived: `place` puts them into a folder, or says that some
/// are missing. Whatever goes wrong in between is mended by the next welcome, ten seconds later.
struct PushedData {
    var notice: DatasetNotice
    /// The files that are being fetched.
    var missing: Set<Digest> = []
    /// Whether something is under way: a fetch.
    var isFetching: Bool { !missing.isEmpty }
}

extension WorkerSession {
    /// Takes up where the data lie, or asks for them.
    mutating func locateData(_ welcome: Welcome, _ commands: inout [Command]) {
        switch source {
        case .coordinatorsPath where welcome.dataset == nil: datasetPath = welcome.datasetPath
        case .folder(let path): datasetPath = path
        case .coordinatorsPath, .push:
            guard let notice = welcome.dataset else {
                commands.append(.end(.refused("it has no data set to send; start the worker with --data PATH")))
                return
            }
            if pushed?.notice != notice { datasetPath = nil } else if datasetPath != nil || pushed?.isFetching == true { return }
            pushed = PushedData(notice: notice)
            commands.append(source == .push ? .place(notice) : .look(notice, at: welcome.datasetPath))
        }
    }

    /// Some files are not in the host's store: they are fetched, all of them, since the store knows best which it has.
    mutating func fetchData(_ commands: inout [Command]) {
        guard let files = pushed?.notice.files else { return }
        pushed?.missing = Set(files.map(\.digest))
        var asked: Set<Digest> = []
        for file in files where asked.insert(file.digest).inserted { commands.append(.fetch(file)) }
    }

    mutating func noteFetchedData(_ digest: Digest, _ commands: inout [Command]) {
        guard let notice = pushed?.notice, pushed?.missing.remove(digest) != nil, pushed?.isFetching == false else { return }
        commands.append(.place(notice))
    }

    /// The next welcome begins anew.
    mutating func noteMissingData(_ digest: Digest) {
        if pushed?.missing.contains(digest) ?? false { pushed?.missing = [] }
    }
}
