import Artifacts
import Coordination
import Foundation

// What the loop knows of its host: how it stands when the worker greets, and where a data set lies that was sent to it.

extension WorkerLoop {
    /// A greeting says how things are when it is sent.
    func upToDate(_ message: WorkerMessage) -> WorkerMessage {
        guard case .hello(var hello) = message else { return message }
        hello.facts.clock = Date().timeIntervalSince1970
        hello.facts.freeBytes = UInt64(clamping: (try? PosixFile.freeBytes(at: store.folder)) ?? 0)
        return .hello(hello)
    }

    /// Uses what lies at the coordinator's own path, if that is the data set, and has it sent otherwise.
    func look(for notice: DatasetNotice, at path: String) throws {
        guard !HostDataset.isWhole(path, notice) else {
            settings.log("the data set \(notice.digest.short) is in \(path)")
            return try feed(.dataPlaced(path: path))
        }
        settings.log("the data set \(notice.digest.short) is not in \(path), the coordinator's folder: it is sent, as with --data push")
        try place(notice)
    }

    /// Nothing runs yet for want of the data, so that hashing it here holds nobody up.
    func place(_ notice: DatasetNotice) throws {
        let place: String?
        do {
            place = try HostDataset(store: store).place(notice)
        } catch {
            // The next welcome has it tried again.
            settings.log("the data set cannot be put into the store: \(error.localizedDescription)")
            return
        }
        if let place {
            settings.log("the data set \(notice.digest.short) is in \(place)")
            try feed(.dataPlaced(path: place))
        } else {
            settings.log("fetching the data set \(notice.digest.short), \(notice.files.reduce(0) { $0 + $1.size }) bytes")
            try feed(.dataMissing)
        }
    }
}
