import Coordination
import Digests
import Foundation
import GRDB
import GRDBSQLite
import Studies

/// Jobs by their numbers in the ledger, each as it was sealed.
struct StudyJobs: Sendable {
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

    struct Job: Sendable {
        var digest: Digest
        var state: State
    }

    /// What a cell shows beside its state.
    struct Result: Sendable {
        var epochs: [EpochMetrics] = []
        var numericClass: String?
        var seconds: Double?
        var divergedAt: DivergencePoint?
        var failure: RecordedFailure?
    }

    private let numbers: JobNumbers
    private let slices: [JobSlice]
    private let sliceCount: Int

    /// Reads the jobs of both lists, of those in `read` their results too.
    init(
        _ first: [Int64], _ second: [Int64], read: ArraySlice<Int64>, epochs: LedgerReader.EpochSelection, path: String,
        _ connections: [SQLiteConnection]
    ) throws {
        let numbers = JobNumbers(first, second)
        var isRead = [Bool](repeating: false, count: numbers.sorted.count)
        for job in read { isRead[numbers.place(of: job)] = true }
        // More parts than threads: one may be held up.
        let sliceCount = max(256, (numbers.sorted.count + 15) / 16)
        slices = try spread((numbers.sorted.count + sliceCount - 1) / sliceCount, over: connections) { part, connection in
            let places = part * sliceCount..<min((part + 1) * sliceCount, numbers.sorted.count)
            return try JobSlice(numbers.sorted[places], isRead: isRead[places], epochs: epochs, path: path, connection)
        }
        self.numbers = numbers
        self.sliceCount = sliceCount
    }

    subscript(_ number: Int64) -> Job {
        let place = numbers.place(of: number)
        return slices[place / sliceCount].jobs[place % sliceCount]
    }

    func result(of number: Int64) -> Result {
        let place = numbers.place(of: number)
        return slices[place / sliceCount].results[place % sliceCount]
    }
}

/// Different numbers of jobs, ascending.
private struct JobNumbers: Sendable {
    let sorted: [Int64]

    init(_ first: [Int64], _ second: [Int64]) {
        var sorted = Self.ascending(first)
        // Nearly always a cell's job is among the study's.
        let others = second.filter { Self.place(of: $0, in: sorted) == nil }
        if !others.isEmpty { sorted = Self.ascending(sorted + others) }
        self.sorted = sorted
    }

    private static func ascending(_ numbers: [Int64]) -> [Int64] {
        var ascending = numbers
        if !zip(numbers, numbers.dropFirst()).allSatisfy(<) {
            ascending.sort()
            var last: Int64?
            ascending.removeAll { number in
                defer { last = number }
                return number == last
            }
        }
        return ascending
    }

    func place(of number: Int64) -> Int { Self.place(of: number, in: sorted)! }

    private static func place(of number: Int64, in sorted: [Int64]) -> Int? {
        guard let first = sorted.first else { return nil }
        // A study alone in its ledger has them without gaps.
        let guess = number &- first
        if guess >= 0, guess < sorted.count, sorted[Int(guess)] == number { return Int(guess) }
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == number ? low : nil
    }
}

/// Jobs that lie beside each other.
private struct JobSlice: Sendable {
    var jobs: [StudyJobs.Job] = []
    /// Empty unless one was asked for.
    var results: [StudyJobs.Result] = []

    init(
        _ numbers: ArraySlice<Int64>, isRead: ArraySlice<Bool>, epochs: LedgerReader.EpochSelection, path: String,
        _ connection: SQLiteConnection
    ) throws {
        jobs.reserveCapacity(numbers.count)
        let keepsResults = isRead.contains(true)
        if keepsResults { results = Array(repeating: StudyJobs.Result(), count: numbers.count) }
        let rows = try RawStatement(Queries.sealedJobs, connection)
        var reader = JobReader(epochs: epochs, path: path, epochRows: try RawStatement(Queries.epochs, connection))
        var place = numbers.startIndex
        rows.start(numbers[place], numbers[numbers.endIndex - 1])
        while place < numbers.endIndex, try rows.step() {
            let number = rows.integer(0)
            // Another study's, or a gap.
            if number < numbers[place] { continue }
            guard number == numbers[place] else { break }
            jobs.append(try reader.job(rows.handle))
            if isRead[place] { results[place - numbers.startIndex] = try reader.result(number, rows.handle) }
            place += 1
        }
        guard place == numbers.endIndex else { throw Seals.damagedGrid(path) }
    }
}

/// Compares the row that a statement of `Queries.sealedJobs` is at with its seals, and reads it.
private struct JobReader: ~Copyable {
    let epochs: LedgerReader.EpochSelection
    let path: String
    let epochRows: RawStatement
    private var row = RowBytes()
    private var epochBytes = RowBytes()
    private var numericClass = ""

    init(epochs: LedgerReader.EpochSelection, path: String, epochRows: consuming RawStatement) {
        self.epochs = epochs
        self.path = path
        self.epochRows = epochRows
    }

    /// The job's number, the seal of its result, what that is over, the seal of its epochs.
    private enum Column {
        static let seal: Int32 = 1, sealed: Int32 = 2, epochs = sealed + Int32(Seals.sealedCount)
    }

    mutating func job(_ statement: OpaquePointer) throws -> StudyJobs.Job {
        row.removeAll()
        row.beginRow(columns: Seals.sealedCount)
        for column in Column.sealed..<Column.epochs { row.append(statement, column) }
        var offset = RowBytes.headBytes
        let digest = row.value(at: &offset).digest
        let state = row.value(at: &offset)
        let seal = self.digest(statement, Column.seal)
        let isOpen = state.isText("open")
        // An open job has no seal, any other the right one.
        guard let digest, isOpen == (sqlite3_column_type(statement, Column.seal) == SQLITE_NULL),
            isOpen || seal == Digest(of: row.bytes)
        else {
            throw Seals.damagedResult(of: digest?.short ?? "with an unreadable id", path)
        }
        return StudyJobs.Job(
            digest: digest, state: isOpen ? .open : state.isText("finished") ? .finished : state.isText("diverged") ? .diverged : .failed)
    }

    /// What the row says that `job` has just compared.
    mutating func result(_ number: Int64, _ statement: OpaquePointer) throws -> StudyJobs.Result {
        var offset = RowBytes.headBytes
        func next() -> RowValue { row.value(at: &offset) }
        let digest = next().digest
        _ = (next(), next())
        let attempt = next().integer
        _ = (next(), next())
        var result = StudyJobs.Result()
        let numericClass = next()
        if numericClass.bytes.count > 0 {
            // Neighbours share their text.
            if !self.numericClass.utf8.withContiguousStorageIfAvailable({ numericClass.isText(UnsafeRawBufferPointer($0)) })! {
                self.numericClass = numericClass.text ?? ""
            }
            result.numericClass = self.numericClass
        } else {
            result.numericClass = numericClass.text
        }
        result.seconds = next().double
        let (epoch, step, reason, message) = (next().integer, next().integer, next().text, next().text)
        if let epoch, let step { result.divergedAt = DivergencePoint(epoch: Int(epoch), step: Int(step)) }
        if let reason { result.failure = RecordedFailure(code: reason, message: message ?? "") }
        if epochs != .none, let last = row.epochMetrics(at: &offset) { result.epochs = [last] }
        if epochs.needsAll, let attempt {
            result.epochs = try allEpochs(number, attempt, seal: self.digest(statement, Column.epochs), of: digest)
        }
        return result
    }

    private mutating func allEpochs(_ number: Int64, _ attempt: Int64, seal: Digest?, of job: Digest?) throws -> [EpochMetrics] {
        epochBytes.removeAll()
        epochRows.start(number, attempt)
        while try epochRows.step() {
            epochBytes.beginRow(columns: EpochMetrics.names.count)
            for column in 0..<Int32(EpochMetrics.names.count) { epochBytes.append(epochRows.handle, column) }
        }
        guard seal == Digest(of: epochBytes.bytes) else { throw Seals.damaged("an epoch of job \(job?.short ?? "")", path) }
        var result: [EpochMetrics] = []
        var offset = 0
        while offset < epochBytes.count {
            offset += RowBytes.headBytes
            guard let metrics = epochBytes.epochMetrics(at: &offset) else { break }
            if epochs.keeps(metrics.epoch) || offset == epochBytes.count { result.append(metrics) }
        }
        return result
    }

    private func digest(_ statement: OpaquePointer, _ column: Int32) -> Digest? {
        let value = sqlite3_column_value(statement, column)
        guard sqlite3_value_type(value) == SQLITE_BLOB, let start = sqlite3_value_blob(value) else { return nil }
        return Digest(bytes: UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))))
    }
}
