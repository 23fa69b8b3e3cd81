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
        let numbers = JobNumbers(listed.jobs, placed.jobs)
        let rows = SelectedRows(placed.selectedJobs, numbers)
        var read: StudyJobs?
        // When reading throws, nothing is shown: cells that were made before may stay where they are, out of use.
        cells = try Array(unsafeUninitializedCapacity: rows.count) { cells, count in
            read = try StudyJobs(numbers, epochs: selection?.epochs ?? .none, path: path, connections) { place, job, results in
                guard let selection, let first = rows.first(of: place) else { return }
                let result = try results.result(of: job, numbers[place])
                for row in sequence(first: first, next: rows.next) {
                    let state = job.state.cellState(isRunning: job.state == .open && running.contains(numbers[place]))
                    (cells.baseAddress! + row).initialize(to: selection.make(placed.cell(row, JobID(job.digest), state, result)))
                }
            }
            count = rows.count
        }
        let jobs = read!

        var hasher = RowHasher()
        try hasher.add(all: study, Seals.gridStages, connections[0])
        for list in lists { list.addDigests(of: jobs, to: &hasher) }
        guard sealed == hasher.finalize().blob else { throw Seals.damagedGrid(path) }
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

extension RowHasher {
    fileprivate mutating func add(all study: Int64, _ sql: String, _ connection: SQLiteConnection) throws {
        let rows = try RawStatement(sql, connection)
        rows.start(study)
        while try rows.step() { add(rows.handle) }
    }
}
