import Coordination
import Digests
import GRDB
import GRDBSQLite
import Studies

/// A study's grid as its seal is over it: stages, jobs and cells as one value, which is read and hashed ten times sooner than their rows.
///
/// Rows as `RowBytes` has them. One a stage: its position and name. One of all jobs, in the order of their numbers: of each its number,
/// the position of its stage and its priority, as integers of eight bytes; and the jobs' digests. One for cells that follow each other in
/// an arm on a pair: stage, arm, pair, position of the first; and of each its replicate and its job, counted from 0 among those above.
struct GridRecord: Sendable {
    struct Stage: Sendable {
        var position: Int64
        var name: String
    }

    private let bytes: RowBytes
    private(set) var stages: [Stage] = []
    private var jobs = Integers()
    private var digests = UnsafeBytes()
    private var runs: [Run] = []
    /// Of each selected cell, its run.
    private var runsOfCells: [Int32] = []

    /// Selected cells of an arm on a pair.
    private struct Run: Sendable {
        var arm: String
        var pair: [Int]
        var firstCell: Int
        var cells: Integers
    }

    /// Reads a record, and the cells of a stage for whoever shows them; `nil` for bytes that are none.
    init?(_ bytes: RowBytes, cellsOf stage: String? = nil) {
        self.bytes = bytes
        var reader = RowReader(bytes.bytes)
        var row = reader.beginRow()
        var value = reader.next()
        while row, let position = value.integer {
            guard let name = reader.next().text else { return nil }
            stages.append(Stage(position: position, name: name))
            row = reader.beginRow()
            value = reader.next()
        }
        guard row, let jobs = Integers(value, each: 3), let digests = reader.next().blob else { return nil }
        (self.jobs, self.digests) = (jobs, UnsafeBytes(digests))
        guard digests.count == jobCount * Digest.byteCount, (1..<max(1, jobCount)).allSatisfy({ number(of: $0 - 1) < number(of: $0) })
        else { return nil }
        while reader.beginRow() {
            let (name, arm, pair) = (reader.next(), reader.next(), reader.next())
            reader.skip(1)
            guard let cells = Integers(reader.next(), each: 2) else { return nil }
            guard let stage, name.isText(stage) else { continue }
            for cell in 0..<cells.count / 2 where !(0..<Int64(jobCount)).contains(cells[2 * cell + 1]) { return nil }
            runsOfCells.append(contentsOf: repeatElement(Int32(runs.count), count: cells.count / 2))
            runs.append(
                Run(
                    arm: arm.text ?? "", pair: [Int](pairText: pair.text ?? ""), firstCell: runsOfCells.count - cells.count / 2,
                    cells: cells))
        }
    }

    // MARK: Jobs, counted from 0 in the order of their numbers

    var jobCount: Int { jobs.count / 3 }

    func number(of job: Int) -> Int64 { jobs[3 * job] }

    /// The position of its stage; `nil` for one of an earlier registration, which the study's cells show alone.
    func stage(of job: Int) -> Int64? { jobs[3 * job + 1] < 0 ? nil : jobs[3 * job + 1] }

    func digest(of job: Int) -> Digest {
        let first = job * Digest.byteCount
        return Digest(bytes: UnsafeRawBufferPointer(rebasing: digests.bytes[first..<first + Digest.byteCount]))!
    }

    /// Whether the study needs the job with this number.
    func needs(_ number: Int64) -> Bool {
        var (low, high) = (0, jobCount)
        while low < high {
            let middle = (low + high) / 2
            if self.number(of: middle) < number { low = middle + 1 } else { high = middle }
        }
        return low < jobCount && self.number(of: low) == number && stage(of: low) != nil
    }

    // MARK: Selected cells, counted from 0

    var cellCount: Int { runsOfCells.count }

    func job(ofCell cell: Int) -> Int {
        let run = Int(runsOfCells[cell])
        return Int(runs[run].cells[2 * (cell - runs[run].firstCell) + 1])
    }

    func cell(_ cell: Int, _ job: JobID, _ state: JobState, _ result: consuming SealedJob.Result) -> CellRow {
        let run = Int(runsOfCells[cell])
        let replicate = Int(runs[run].cells[2 * (cell - runs[run].firstCell)])
        return CellRow(arm: runs[run].arm, pair: runs[run].pair, replicate: replicate, job: job, state: state, result)
    }

    /// What the seal must be.
    var digest: Digest { bytes.digest }
}

/// Bytes that somebody else keeps, and that do not change.
private struct UnsafeBytes: @unchecked Sendable {
    var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

    init() {}
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}

/// Integers of eight bytes, little-endian, in bytes that somebody else keeps.
private struct Integers: Sendable {
    private var bytes = UnsafeBytes()

    init() {}

    /// Those in a blob; `nil` unless it has so many for each of something.
    init?(_ value: RowValue, each: Int) {
        guard let blob = value.blob, blob.count % (8 * each) == 0 else { return nil }
        bytes = UnsafeBytes(blob)
    }

    var count: Int { bytes.bytes.count / 8 }

    subscript(_ index: Int) -> Int64 { Int64(littleEndian: bytes.bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)) }
}

extension GridRecord {
    /// Throws `.damaged` unless the study has a record.
    init(of study: Int64, cellsOf stage: String? = nil, path: String, _ connection: SQLiteConnection) throws {
        let bytes = try RowBytes(table: "study_seals", column: "record", id: study, connection)
        guard let record = bytes.flatMap({ GridRecord($0, cellsOf: stage) }) else { throw Seals.damagedGrid(path) }
        self = record
    }

    /// The same, compared with its seal.
    init(sealed study: Int64, path: String, _ db: Database) throws {
        self = try GridRecord(of: study, path: path, db.sqliteConnection!)
        guard try Seals.grid(of: study, db) == digest else { throw Seals.damagedGrid(path) }
    }

    /// The record of a study as its rows are today.
    static func make(of study: Int64, _ db: Database) throws -> RowBytes {
        var record = RowBytes(capacity: 1 << 16)
        try db.run("SELECT position, name FROM stages WHERE study = ? ORDER BY position", [study]) { record.append(row: $0) }
        var (jobs, digests, places) = ([Int64](), [UInt8](), [Int64: Int64]())
        try db.run(gridJobs, [study, study, study]) { row in
            let number = sqlite3_column_int64(row, 0)
            places[number] = Int64(jobs.count / 3)
            jobs += [number, sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2)]
            digests.append(contentsOf: RowValue(row, 3).bytes)
        }
        record.beginRow(columns: 2)
        record.append(integers: jobs)
        digests.withUnsafeBytes { record.append(blob: $0) }
        var cells: [Int64] = []
        var run = RowBytes()
        func endRun() {
            guard !cells.isEmpty else { return }
            record.append(run)
            record.append(integers: cells)
            cells = []
        }
        try db.run(gridCells, [study]) { row in
            var last = RowReader(run.bytes)
            last.beginRow()
            let position = sqlite3_column_int64(row, 3)
            let goesOn =
                !cells.isEmpty && (0..<3).allSatisfy { last.next() == RowValue(row, $0) }
                && last.next().integer == position - Int64(cells.count / 2)
            if !goesOn {
                endRun()
                run.removeAll()
                run.beginRow(columns: 5)
                for column in 0..<4 { run.append(row, Int32(column)) }
            }
            cells += [sqlite3_column_int64(row, 4), places[sqlite3_column_int64(row, 5)] ?? -1]
        }
        endRun()
        return record
    }

    /// The study's jobs, and with -1 for a stage those that its cells alone show.
    private static let gridJobs = """
        SELECT job, stage, priority, digest FROM study_jobs JOIN jobs ON jobs.id = job WHERE study = ?
        UNION ALL
        SELECT DISTINCT job, -1, 0, digest FROM cells JOIN jobs ON jobs.id = job
            WHERE study = ? AND job NOT IN (SELECT job FROM study_jobs WHERE study = ?)
        ORDER BY job
        """
    private static let gridCells = """
        SELECT stage, arm, pair, position, replicate, job FROM cells WHERE study = ? ORDER BY stage, position
        """
}
