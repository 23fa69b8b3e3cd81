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
