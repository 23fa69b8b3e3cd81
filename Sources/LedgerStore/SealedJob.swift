import Coordination
import Digests
import Studies

/// A job as it was sealed, of the row that a statement is at; as long as the statement stays there.
struct SealedJob {
    enum State: UInt8, Sendable {
        case open, finished, diverged, failed

        func cellState(isRunning: Bool) -> JobState {
            switch self {
            case .open: isRunning ? .running : .waiting
            case .finished: .finished
            case .diverged: .diverged
            case .failed: .failed
            }
        }
    }

    /// What a cell shows of its job beside the state.
    struct Result: Sendable {
        var attempt: Int64?
        /// Milliseconds since 1970 UTC.
        var settledAt: Int64?
        var epochs: EpochList = []
        var numericClass: String?
        var seconds: Double?
        var divergedAt: DivergencePoint?
        var failure: RecordedFailure?
    }

    let digest: Digest
    let state: State
    /// The seal of all epochs of the attempt whose result stands; `nil` for an open job.
    let epochsSeal: Digest?
    private let record: UnsafeRawBufferPointer

    /// The columns of a statement that it is read from.
    static let columns = "\(Seals.jobColumns), job_seals.result, job_seals.epochs, job_seals.record"
    static let columnCount = Seals.jobColumnCount + 3

    /// Reads `columns`, the first of them at `first`. Throws `.damaged` unless an open job has no seal, and any other one of its own: the
    /// right one for its record, which says what the job's row says.
    init(_ row: OpaquePointer, from first: Int, path: String) throws {
        func value(_ column: Int) -> RowValue { RowValue(row, Int32(first + column)) }
        let (seal, epochs, record) = (value(Seals.jobColumnCount), value(Seals.jobColumnCount + 1), value(Seals.jobColumnCount + 2))
        let (digest, state) = (value(0).digest, value(1))
        func isRecorded() -> Bool {
            var reader = RowReader(record.bytes)
            reader.beginRow()
            return (0..<Seals.jobColumnCount).allSatisfy { reader.next() == value($0) }
        }
        let isOpen = state.isText("open")
        guard let digest, isOpen ? seal.isNull : seal.digest == Digest(of: record.bytes) && isRecorded() else {
            throw Seals.damagedResult(of: digest?.short ?? "with an unreadable id", path)
        }
        self.digest = digest
        self.state = isOpen ? .open : state.isText("finished") ? .finished : state.isText("diverged") ? .diverged : .failed
        epochsSeal = epochs.digest
        self.record = record.bytes
    }

    /// What the record says, with the last epoch alone.
    ///
    /// - Parameter numericClass: the one before, to share its text with.
    func result(sharing numericClass: inout String) -> Result {
        var (reader, result) = (RowReader(record), Result())
        reader.beginRow()
        reader.skip(3)
        result.attempt = reader.next().integer
        result.settledAt = reader.next().integer
        reader.skip(1)
        result.numericClass = reader.next().text(sharing: numericClass)
        numericClass = result.numericClass ?? numericClass
        result.seconds = reader.next().double
        let (epoch, step, reason, message) = (reader.next().integer, reader.next().integer, reader.next().text, reader.next().text)
        if let epoch, let step { result.divergedAt = DivergencePoint(epoch: Int(epoch), step: Int(step)) }
        if let reason { result.failure = RecordedFailure(code: reason, message: message ?? "") }
        if let last = reader.epochMetrics() { result.epochs = [last] }
        return result
    }

    func hasRecord(_ other: RowBytes) -> Bool { record.elementsEqual(other.bytes) }
}
