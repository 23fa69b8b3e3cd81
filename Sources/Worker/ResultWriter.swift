import Artifacts
import Coordination
import Transport

/// Keeps finished results on the host's disk, and holds back what is told of them until they are there.
///
/// All that came in one turn of the loop is made durable with one sync. A disk that refuses costs durability, not results: they are
/// then kept in memory alone, and the log says so.
final class ResultWriter {
    /// `nil` when none could be made.
    private let outbox: Outbox?
    private let disk: DiskWriter
    private let log: (String) -> Void
    /// Results that are told when they are on the disk: those of the write under way, then those after it.
    private var writing: [WorkerMessage] = []
    private var waiting: [WorkerMessage] = []

    init(storePath: String, log: @escaping (String) -> Void) throws {
        self.log = log
        disk = try DiskWriter()
        do {
            outbox = try Outbox(storePath: storePath, log: log)
        } catch {
            outbox = nil
            log("finished results are lost if this worker ends before it has delivered them: \(error.localizedDescription)")
        }
        if !inherited.isEmpty { log("\(inherited.count) results of earlier workers are waiting to be delivered") }
    }

    /// What earlier workers have left.
    var inherited: [AttemptResult] { outbox?.results ?? [] }

    /// Readable when a write on the other thread has ended.
    var isWritten: WakeUp { disk.isDone }

    func spool(_ result: AttemptResult) { outbox?.spool(result) }

    func unspool(_ attempt: AttemptID) { outbox?.unspool(attempt) }

    func tidy() { outbox?.tidy() }

    /// Whether a message is a result that is not on the disk yet: it comes from ``write(waits:)`` or ``takeWritten()`` when it is.
    func holdsBack(_ message: WorkerMessage) -> Bool {
        guard case .result(let result) = message, outbox?.isWaiting(result.attempt) ?? false else { return false }
        waiting.append(message)
        return true
    }

    /// Begins to make durable what waits, unless a write is under way; the answer is what may be told.
    ///
    /// - Parameter waits: whether to return only when it is; otherwise another thread does it.
    func write(waits: Bool) -> [WorkerMessage] {
        guard let outbox else { return [] }
        do throws(PosixFailure) {
            guard let write = try outbox.beginWrite() else { return [] }
            (writing, waiting) = (waiting, [])
            guard waits else {
                disk.submit(write)
                return []
            }
            return end(Result { () throws(PosixFailure) in try write.perform() })
        } catch {
            (writing, waiting) = (waiting, [])
            return end(.failure(error))
        }
    }

    /// What may be told after the write on the other thread has ended.
    func takeWritten() -> [WorkerMessage] { disk.takeResult().map(end) ?? [] }

    /// What was finished and not yet told is left on the disk, for the next worker to deliver.
    func close() {
        disk.stop()
        _ = takeWritten()
        do {
            try outbox?.flush()
        } catch {
            log("results that were not delivered are lost: \(error.localizedDescription)")
        }
    }

    private func end(_ result: Result<Void, PosixFailure>) -> [WorkerMessage] {
        switch result {
        case .success: outbox?.endWrite(hasSucceeded: true)
        case .failure(let failure):
            outbox?.endWrite(hasSucceeded: false)
            log("\(writing.count) results are kept in memory only: \(ArtifactStoreError(failure).localizedDescription)")
        }
        defer { writing = [] }
        return writing
    }
}
