import Digests
import GRDB
import Studies

/// Reads the results of sealed jobs with the epochs that are asked for.
struct ResultReader: ~Copyable {
    private let epochs: LedgerReader.EpochSelection
    private let path: String
    private let rows: RawStatement
    private var bytes = RowBytes()
    private var numericClass = ""

    init(epochs: LedgerReader.EpochSelection, path: String, _ connection: SQLiteConnection) throws {
        self.epochs = epochs
        self.path = path
        rows = try RawStatement(Queries.epochs, connection)
    }

    /// The result of the job with this number.
    mutating func result(of job: SealedJob, _ number: Int64) throws -> SealedJob.Result {
        var result = job.result(sharing: &numericClass)
        if epochs == .none { result.epochs = EpochList() }
        guard epochs.needsAll, let attempt = result.attempt else { return result }
        bytes.removeAll()
        rows.start(number, attempt)
        while try rows.step() { bytes.append(row: rows.handle) }
        guard job.epochsSeal == bytes.digest else { throw Seals.damagedEpochs(of: job.digest, path) }
        result.epochs = EpochList()
        var reader = RowReader(bytes.bytes)
        while reader.beginRow(), let metrics = reader.epochMetrics() {
            // The last stays, whichever is asked for.
            if epochs.keeps(metrics.epoch) || reader.isAtEnd { result.epochs.append(metrics) }
        }
        return result
    }
}
