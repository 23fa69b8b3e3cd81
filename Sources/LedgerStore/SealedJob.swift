import Coordination
import Digests
import Studies

/// A job as it was sealed, of the row that a statement is at; as long as the statement stays there.
///
/// Status and tables are made of what was recorded beside the seal; `Seals.check` compares that with the job's own row.
struct SealedJob {
    enum State: UInt8, Sendable {
        case open, finished, diverged, failed

        /// As a row has it; `nil` for anything else.
        init?(_ value: RowValue) {
            if value.isText("finished") {
                self = .finished
            } else if value.isText("diverged") {
                self = .diverged
            } else if value.isText("failed") {
                self = .failed
            } else if value.isText("open") {
                self = .open
            } else {
                return nil
            }
        }

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
        var epochs = EpochList()
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

    /// The columns that a settled job is read from.
    static let columns = "job_seals.result, job_seals.epochs, job_seals.record"

    /// Reads `columns`, the first of them at `first`. Throws `.damaged` unless the seal is the record's, and that this job's.
    init(_ digest: Digest, _ row: OpaquePointer, from first: Int, path: String) throws {
        func value(_ column: Int) -> RowValue { RowValue(row, Int32(first + column)) }
        let record = value(2).bytes
        var reader = RowReader(record)
        reader.beginRow()
        guard reader.next().digest == digest, let state = State(reader.next()), state != .open, value(0).digest == Digest(of: record)
        else { throw Seals.damagedResult(of: digest, path) }
        (self.digest, self.state, self.record) = (digest, state, record)
        epochsSeal = value(1).digest
    }

    /// The columns that a job is read from where its own row is compared with what was recorded.
    static let comparedColumns = "\(Seals.jobColumns), \(columns)"
    static let comparedColumnCount = Seals.jobColumnCount + 3

    /// Reads `comparedColumns`, the first of them at `first`. Throws `.damaged` unless an open job has no seal, and any other one its own,
    /// with a record that says what the job's row says.
    init(comparing row: OpaquePointer, from first: Int, path: String) throws {
        func value(_ column: Int) -> RowValue { RowValue(row, Int32(first + column)) }
        guard let digest = value(0).digest else { throw Seals.damaged("the id of a job", path) }
        let hasSeal = !value(Seals.jobColumnCount).isNull
        guard hasSeal != (State(value(1)) == .open) else { throw Seals.damagedResult(of: digest, path) }
        guard hasSeal else {
            self.init(open: digest)
            return
        }
        try self.init(digest, row, from: first + Seals.jobColumnCount, path: path)
        var reader = RowReader(record)
        reader.beginRow()
        guard (0..<Seals.jobColumnCount).allSatisfy({ reader.next() == value($0) }) else { throw Seals.damagedResult(of: digest, path) }
    }

    /// A job without a result.
    init(open digest: Digest) {
        self.digest = digest
        state = .open
        epochsSeal = nil
        record = UnsafeRawBufferPointer(start: nil, count: 0)
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
        if let last = reader.epochMetrics() { result.epochs.append(last) }
        return result
    }

    func hasRecord(_ other: RowBytes) -> Bool { record.elementsEqual(other.bytes) }
}
