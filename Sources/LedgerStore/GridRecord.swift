import Coordination
import Digests
import Foundation
import GRDB
import GRDBSQLite
import Studies

/// A study's grid as its seal is over it: stages, jobs and cells as one value, which is read and hashed many times sooner than their rows.
///
/// Rows as `RowBytes` has them, where first values tell what they are. Of each stage its position and name. The digests of all jobs, in
/// the order of the jobs' numbers; then of jobs whose numbers and priorities go up by one, as long as they do and the stage is the same:
/// the first number, the stage's position, the first priority, how many. Of cells in an arm on a pair, as long as positions and
/// replicates go up by one and jobs by the same step: stage, arm, pair, first position, first replicate, first job, step, how many; a job
/// is its place among the digests, from 0.
struct GridRecord: Sendable {
    private struct Stage: Sendable {
        var position: Int64
        var name: String
    }

    private struct JobRun: Sendable {
        /// The stage's position; -1 for jobs of an earlier registration, which the study's cells show alone.
        var stage: Int64
        var jobs: Range<Int>
    }

    private struct CellRun: Sendable {
        var arm: String
        var pair: [Int]
        var firstReplicate, firstJob, step: Int
        /// Counted from 0 among the selected.
        var firstCell: Int
    }

    private let bytes: RowBytes
    private var digests = Digests()
    private var stages: [Stage] = []
    private var numbers: [Int64] = []
    private var jobRuns: [JobRun] = []
    private var cellRuns: [CellRun] = []
    /// Of each selected cell, its run.
    private var runsOfCells: [Int32] = []

    /// The digests within the bytes.
    private struct Digests: @unchecked Sendable {
        var bytes = UnsafeRawBufferPointer(start: nil, count: 0)

        var count: Int { bytes.count / Digest.byteCount }

        subscript(_ index: Int) -> Digest {
            let first = index * Digest.byteCount
            return Digest(bytes: UnsafeRawBufferPointer(rebasing: bytes[first..<first + Digest.byteCount]))!
        }
    }

    /// More cells than a study can have: what a damaged record asks for stays within memory.
    private static let mostCells = 1 << 24

    /// Reads a record, and the cells of a stage for whoever shows them; `nil` for bytes that are none.
    init?(_ bytes: RowBytes, cellsOf stage: String? = nil) {
        self.bytes = bytes
        var reader = RowReader(bytes.bytes)
        while reader.beginRow() {
            let first = reader.next()
            if let blob = first.blob {
                guard digests.count == 0, blob.count % Digest.byteCount == 0 else { return nil }
                digests.bytes = blob
                numbers.reserveCapacity(digests.count)
            } else if let number = first.integer {
                if jobCount < digests.count {
                    guard addJobs(from: number, &reader) else { return nil }
                } else {
                    guard let name = reader.next().text else { return nil }
                    stages.append(Stage(position: number, name: name))
                }
            } else if let stage, first.isText(stage) {
                guard addCells(&reader) else { return nil }
            } else {
                guard first.text != nil else { return nil }
                reader.skip(7)
            }
        }
        guard jobCount == digests.count else { return nil }
    }

    private mutating func addJobs(from first: Int64, _ reader: inout RowReader) -> Bool {
        guard let stage = reader.next().integer, reader.next().integer != nil, let count = reader.next().integer,
            count >= 1, count <= digests.count - jobCount, first > numbers.last ?? .min, first <= .max - count
        else { return false }
        jobRuns.append(JobRun(stage: stage, jobs: jobCount..<jobCount + Int(count)))
        for number in first..<first + count { numbers.append(number) }
        return true
    }

    private mutating func addCells(_ reader: inout RowReader) -> Bool {
        let (arm, pair) = (reader.next(), reader.next())
        reader.skip(1)
        guard let arm = arm.text, let pair = pair.text, let replicate = reader.next().integer, let job = reader.next().integer,
            let step = reader.next().integer, let count = reader.next().integer,
            count >= 1, count <= Self.mostCells - cellCount, (-Int64(jobCount)...Int64(jobCount)).contains(step),
            (0..<Int64(jobCount)).contains(job), (0..<Int64(jobCount)).contains(job + (count - 1) * step),
            (0...Int64.max - count).contains(replicate)
        else { return false }
        cellRuns.append(
            CellRun(
                arm: arm, pair: [Int](pairText: pair), firstReplicate: Int(replicate), firstJob: Int(job), step: Int(step),
                firstCell: cellCount))
        runsOfCells.append(contentsOf: repeatElement(Int32(cellRuns.count - 1), count: Int(count)))
        return true
    }

    // MARK: Jobs, counted from 0 in the order of their numbers

    var jobCount: Int { numbers.count }

    func number(of job: Int) -> Int64 { numbers[job] }

    func digest(of job: Int) -> Digest { digests[job] }

    /// Whether the study needs the job with this number.
    func needs(_ number: Int64) -> Bool {
        jobRuns.contains { $0.stage >= 0 && numbers[$0.jobs.lowerBound] <= number && number <= numbers[$0.jobs.upperBound - 1] }
    }

    /// The jobs by stage and state, stages in the order of registration.
    func stageCounts(_ states: [JobState]) -> [StageCount] {
        stages.compactMap { stage in
            var count = StageCount(stage: stage.name, waiting: 0, running: 0, finished: 0, diverged: 0, failed: 0)
            for run in jobRuns where run.stage == stage.position {
                for state in states[run.jobs] {
                    switch state {
                    case .finished: count.finished += 1
                    case .diverged: count.diverged += 1
                    case .failed: count.failed += 1
                    case .running: count.running += 1
                    case .waiting: count.waiting += 1
                    }
                }
            }
            return count.total > 0 ? count : nil
        }
    }

    // MARK: Selected cells, counted from 0

    var cellCount: Int { runsOfCells.count }

    func job(ofCell cell: Int) -> Int {
        let run = Int(runsOfCells[cell])
        return cellRuns[run].firstJob + (cell - cellRuns[run].firstCell) * cellRuns[run].step
    }

    func cell(_ cell: Int, _ job: JobID, _ state: JobState, _ result: SealedJob.Result) -> CellRow {
        let run = Int(runsOfCells[cell])
        let replicate = cellRuns[run].firstReplicate + cell - cellRuns[run].firstCell
        return CellRow(arm: cellRuns[run].arm, pair: cellRuns[run].pair, replicate: replicate, job: job, state: state, result)
    }

    /// What the seal must be.
    var digest: Digest { bytes.digest }
}

extension GridRecord {
    /// The record of a study and the cells of a stage. Throws `.damaged` unless it has its seal.
    init(of study: Int64, cellsOf stage: String? = nil, path: String, _ db: Database) throws {
        let bytes = try RowBytes(table: "study_seals", column: "record", id: study, db.sqliteConnection!)
        let seal = try Data.fetchOne(db, sql: "SELECT grid FROM study_seals WHERE study = ?", arguments: [study])
        guard let bytes, bytes.digest.blob == seal, let record = GridRecord(bytes, cellsOf: stage) else { throw Seals.damagedGrid(path) }
        self = record
    }

    /// The record of a study as its rows are today, whatever they say.
    static func make(of study: Int64, _ db: Database) throws -> RowBytes {
        var record = RowBytes(capacity: 1 << 16)
        try db.run("SELECT position, name FROM stages WHERE study = ? ORDER BY position", [study]) { record.append(row: $0) }
        var (digests, places, runs) = ([UInt8](), [Int64: Int64](), RowBytes())
        var jobs: (number: Int64, stage: Int64, priority: Int64, count: Int64)?
        func endJobs() {
            guard let jobs else { return }
            runs.beginRow(columns: 4)
            for value in [jobs.number, jobs.stage, jobs.priority, jobs.count] { runs.append(value) }
        }
        try db.run(jobRows, [study, study, study]) { row in
            let (number, stage, priority) = (row.integer(0), row.integer(1), row.integer(2))
            digests.append(contentsOf: RowValue(row, 3).bytes)
            places[number] = Int64(places.count)
            if let last = jobs, number == last.number &+ last.count, stage == last.stage, priority == last.priority &+ last.count {
                jobs?.count += 1
            } else {
                endJobs()
                jobs = (number, stage, priority, 1)
            }
        }
        endJobs()
        digests.withUnsafeBytes { digests in
            guard !digests.isEmpty else { return }
            record.beginRow(columns: 1)
            record.append(blob: digests)
        }
        record.append(runs)
        try appendCells(of: study, places, to: &record, db)
        return record
    }

    private static func appendCells(of study: Int64, _ places: [Int64: Int64], to record: inout RowBytes, _ db: Database) throws {
        // Stage, arm and pair of the cells that go on.
        var names = RowBytes()
        var cells: (position: Int64, replicate: Int64, job: Int64, step: Int64, count: Int64)?
        func endCells() {
            guard let cells else { return }
            record.append(names)
            for value in [cells.position, cells.replicate, cells.job, cells.step, cells.count] { record.append(value) }
        }
        try db.run(cellRows, [study]) { row in
            let (position, replicate, job) = (row.integer(3), row.integer(4), places[row.integer(5)] ?? -1)
            var last = RowReader(names.bytes)
            last.beginRow()
            if var run = cells, (0..<3).allSatisfy({ last.next() == RowValue(row, $0) }), position == run.position &+ run.count,
                replicate == run.replicate &+ run.count
            {
                if run.count == 1 { run.step = job - run.job }
                if job == run.job + run.count * run.step {
                    run.count += 1
                    cells = run
                    return
                }
            }
            endCells()
            cells = (position, replicate, job, 0, 1)
            names.removeAll()
            names.beginRow(columns: 8)
            for column in 0..<3 { names.append(row, Int32(column)) }
        }
        endCells()
    }

    /// The study's jobs, and those that its cells alone show.
    private static let jobRows = """
        SELECT job, stage, priority, digest FROM study_jobs JOIN jobs ON jobs.id = job WHERE study = ?
        UNION ALL
        SELECT DISTINCT job, -1, 0, digest FROM cells JOIN jobs ON jobs.id = job
            WHERE study = ? AND job NOT IN (SELECT job FROM study_jobs WHERE study = ?)
        ORDER BY job
        """
    private static let cellRows = """
        SELECT stage, arm, pair, position, replicate, job FROM cells WHERE study = ? ORDER BY stage, position
        """
}

extension SQLiteStatement {
    fileprivate func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(self, column) }
}
