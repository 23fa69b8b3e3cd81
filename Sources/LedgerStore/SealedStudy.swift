import Coordination
import Digests
import Foundation
import GRDB
import GRDBSQLite
import Studies
import Synchronization

/// A study's grid and what its jobs have come to, read in one pass and compared with their seals before anything is shown.
///
/// Rows are read in the order in which they lie: cells by their place, jobs by their number, whatever order tables have; what belongs
/// together is brought together in memory. With two connections that see the same state, two threads share the work. The values do not
/// depend on how it was shared, and neither does which damage is found first.
struct SealedStudy<Cell: Sendable> {
    /// The jobs by stage and state, stages in the order of registration.
    let stages: [StageCount]
    /// The cells that were asked for, by arm as registered, pair and replicate.
    let cells: [Cell]

    /// Cells that are asked for, and what is made of each.
    struct Selection {
        var stage: String
        var epochs: LedgerReader.EpochSelection
        var make: (CellRow) -> Cell
    }

    /// Throws `.damaged` unless every study's row, and this study's grid and settled jobs, are as they were sealed.
    init(study: Int64, cells selection: Selection? = nil, path: String, _ db: Database, alongside other: Database? = nil) throws {
        try Seals.checkStudyRows(path: path, db)
        let connections = [db, other].compactMap { $0?.sqliteConnection }
        let names = try Row.fetchAll(db, sql: Seals.gridStages, arguments: [study])
            .map { (position: $0[0] as Int64, name: $0[1] as String) }
        let running = Set(try Int64.fetchAll(db, sql: Queries.runningJobs))
        let sealed = try Data.fetchOne(db, sql: "SELECT grid FROM study_seals WHERE study = ?", arguments: [study])

        let lists = try spread(2, over: connections) { part, connection in
            try part == 0 ? GridList(jobsOf: study, connection) : GridList(cellsOf: study, stage: selection?.stage, connection)
        }
        let (listed, placed) = (lists[0], lists[1])
        let jobs = try StudyJobs(
            listed.jobs, placed.jobs, read: placed.selected, epochs: selection?.epochs ?? .none, path: path, connections)

        let cells = try spread(2, over: connections) { part, _ -> [Cell] in
            guard part == 0 else { return selection.map { placed.cells(jobs, isRunning: running.contains, $0.make) } ?? [] }
            var hasher = RowHasher()
            try hasher.add(all: study, Seals.gridStages, connections[0])
            for list in lists { try list.addDigests(of: jobs, to: &hasher, path: path) }
            guard sealed == hasher.finalize().blob else { throw Seals.damagedGrid(path) }
            return []
        }
        self.cells = cells[1]
        stages = names.compactMap { stage in
            var count = StageCount(stage: stage.name, waiting: 0, running: 0, finished: 0, diverged: 0, failed: 0)
            for (job, position) in zip(listed.jobs, listed.stages) where position == stage.position {
                switch jobs[job].state {
                case .finished: count.finished += 1
                case .diverged: count.diverged += 1
                case .failed: count.failed += 1
                case .open: running.contains(job) ? (count.running += 1) : (count.waiting += 1)
                }
            }
            return count.total > 0 ? count : nil
        }
    }
}

/// Calls `body` for every part, on as many threads as there are connections, each with one of its own, and returns what it gave in the
/// order of the parts; of several errors the first part's is thrown.
func spread<Part: Sendable>(
    _ parts: Int, over connections: [SQLiteConnection], _ body: (Int, SQLiteConnection) throws -> Part
) throws -> [Part] {
    guard connections.count > 1 else { return try (0..<parts).map { try body($0, connections[0]) } }
    let next = Atomic(0)
    let results = Mutex<[Result<Part, any Error>?]>(Array(repeating: nil, count: parts))
    withoutActuallyEscaping(body) { body in
        // Each call has a part and a connection of its own, and all have returned before this does.
        nonisolated(unsafe) let (body, connections) = (body, connections)
        DispatchQueue.concurrentPerform(iterations: connections.count) { thread in
            while true {
                let part = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard part < parts else { return }
                let result = Result { try body(part, connections[thread]) }
                results.withLock { $0[part] = result }
            }
        }
    }
    return try results.withLock { try $0.map { try $0!.get() } }
}

/// One of the two lists that a study's grid consists of, as its seal is over it, with room for the digests of the jobs.
private struct GridList: Sendable {
    private var bytes = RowBytes(capacity: 1 << 16)
    /// Of each row, the job and where its digest belongs.
    private(set) var jobs: [Int64] = []
    private var digests: [Int] = []
    /// Of each row of jobs, the position of its stage.
    private(set) var stages: [Int64] = []
    /// The rows of the stage whose cells were asked for.
    private var selection = 0..<0

    init(jobsOf study: Int64, _ connection: SQLiteConnection) throws {
        let rows = try RawStatement(Queries.gridJobs, connection)
        rows.start(study)
        while try rows.step() {
            append(rows.handle, columns: 2)
            stages.append(rows.integer(0))
        }
    }

    init(cellsOf study: Int64, stage: String?, _ connection: SQLiteConnection) throws {
        let rows = try RawStatement(Queries.gridCells, connection)
        rows.start(study)
        let stage = stage.map { Array($0.utf8) }
        while try rows.step() {
            var start = bytes.count + RowBytes.headBytes
            append(rows.handle, columns: 5)
            guard let stage, stage.withUnsafeBytes({ bytes.value(at: &start).isText($0) }) else { continue }
            selection = (selection.isEmpty ? jobs.count - 1 : selection.lowerBound)..<jobs.count
        }
    }

    private mutating func append(_ row: OpaquePointer, columns: Int32) {
        bytes.beginRow(columns: Int(columns) + 1)
        for column in 0..<columns { bytes.append(row, column) }
        jobs.append(sqlite3_column_int64(row, columns))
        digests.append(bytes.appendDigestLater())
    }

    /// The jobs of the cells that were asked for.
    var selected: ArraySlice<Int64> { jobs[selection] }

    func addDigests(of jobs: StudyJobs, to hasher: inout RowHasher, path: String) throws {
        for (job, offset) in zip(self.jobs, digests) { bytes.fill(jobs[job].digest, at: offset) }
        hasher.add(bytes)
    }

    /// The cells that were asked for.
    func cells<Cell>(_ jobs: StudyJobs, isRunning: (Int64) -> Bool, _ make: (CellRow) -> Cell) -> [Cell] {
        var cells: [Cell] = []
        cells.reserveCapacity(selection.count)
        // Neighbours have most in common.
        var arm = (bytes: UnsafeRawBufferPointer(start: nil, count: 0), text: "")
        var pair = (bytes: UnsafeRawBufferPointer(start: nil, count: 0), numbers: [Int]())
        for row in selection {
            var offset = row == 0 ? 0 : digests[row - 1] + Digest.byteCount
            offset += RowBytes.headBytes
            _ = (bytes.value(at: &offset), bytes.value(at: &offset))
            let (armValue, pairValue) = (bytes.value(at: &offset), bytes.value(at: &offset))
            if !armValue.isText(arm.bytes) { arm = (armValue.bytes, armValue.text ?? "") }
            if !pairValue.isText(pair.bytes) { pair = (pairValue.bytes, [Int](pairText: pairValue.text ?? "")) }
            let job = jobs[self.jobs[row]]
            let result = jobs.result(of: self.jobs[row])
            let cell = CellRow(
                arm: arm.text, pair: pair.numbers, replicate: Int(bytes.value(at: &offset).integer ?? 0), job: JobID(job.digest),
                state: job.state.cellState(isRunning: job.state == .open && isRunning(self.jobs[row])), epochs: result.epochs,
                numericClass: result.numericClass, seconds: result.seconds, divergedAt: result.divergedAt, failure: result.failure)
            cells.append(make(cell))
        }
        return cells
    }
}

extension RowHasher {
    fileprivate mutating func add(all study: Int64, _ sql: String, _ connection: SQLiteConnection) throws {
        let rows = try RawStatement(sql, connection)
        rows.start(study)
        while try rows.step() { add(rows.handle) }
    }
}
