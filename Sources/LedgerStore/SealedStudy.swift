import Coordination
import Digests
import Foundation
import GRDB
import GRDBSQLite
import Studies
import Synchronization

/// A study's grid and what its jobs have come to, as it was recorded: read from what lies beside the seals, and compared with them before
/// anything is shown. Rows that say the same are read and compared by `Seals.check`.
///
/// Jobs are read in the order of their numbers, in which they lie, whatever order tables have; what belongs together is brought together
/// in memory. With two connections that see the same state, two threads share the work. The values do not depend on how it was shared,
/// and neither does which damage is found first.
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

    /// Throws `.damaged` unless all of it has its seal.
    init(study: Int64, cells selection: Selection? = nil, path: String, _ db: Database, alongside other: Database? = nil) throws {
        try Seals.checkStudyRows(path: path, db)
        let connections = [db, other].compactMap { $0?.sqliteConnection }
        let running = Set(try Int64.fetchAll(db, sql: Queries.runningJobs))
        let grid = try GridRecord(of: study, cellsOf: selection?.stage, path: path, db)
        let rows = CellsOfJobs(grid)
        // More parts than threads: one may be held up.
        let partCount = max(256, (grid.jobCount + 15) / 16)
        var states: [JobState] = []
        // When reading throws, nothing is shown: cells that were made before may stay where they are, out of use.
        cells = try Array(unsafeUninitializedCapacity: grid.cellCount) { cells, count in
            states = try Array(unsafeUninitializedCapacity: grid.jobCount) { states, stateCount in
                try spread((grid.jobCount + partCount - 1) / partCount, over: connections) { part, connection in
                    let places = part * partCount..<min((part + 1) * partCount, grid.jobCount)
                    var results = try ResultReader(epochs: selection?.epochs ?? .none, path: path, connection)
                    try grid.forEachJob(in: places, path: path, connection) { place, job in
                        let state = job.state.cellState(isRunning: job.state == .open && running.contains(grid.number(of: place)))
                        (states.baseAddress! + place).initialize(to: state)
                        guard let selection, var cell = rows.first(of: place) else { return }
                        let result = try results.result(of: job, grid.number(of: place))
                        while true {
                            (cells.baseAddress! + cell).initialize(
                                to: selection.make(grid.cell(cell, JobID(job.digest), state, result)))
                            guard let next = rows.next(cell) else { return }
                            cell = next
                        }
                    }
                }
                stateCount = grid.jobCount
            }
            count = grid.cellCount
        }
        stages = grid.stageCounts(states)
    }
}

/// Which of the selected cells show a job: nearly always one, but any number may.
private struct CellsOfJobs: Sendable {
    /// Of each job the first cell, of each cell the next; -1 where there is none.
    private var firsts: [Int32]
    private var followers: [Int32]

    init(_ grid: GridRecord) {
        firsts = Array(repeating: -1, count: grid.jobCount)
        followers = Array(repeating: -1, count: grid.cellCount)
        for cell in (0..<grid.cellCount).reversed() {
            let job = grid.job(ofCell: cell)
            followers[cell] = firsts[job]
            firsts[job] = Int32(cell)
        }
    }

    func first(of job: Int) -> Int? { firsts[job] < 0 ? nil : Int(firsts[job]) }

    func next(_ cell: Int) -> Int? { followers[cell] < 0 ? nil : Int(followers[cell]) }
}

extension GridRecord {
    /// Calls `body` for the jobs at these places, each as it was sealed. Throws `.damaged` unless they are there, with the ids that were
    /// recorded.
    fileprivate func forEachJob(
        in places: Range<Int>, path: String, _ connection: SQLiteConnection, _ body: (Int, SealedJob) throws -> Void
    ) throws {
        let settled = try RawStatement(Queries.sealedJobs, connection)
        let open = try RawStatement(Queries.openJob, connection)
        func visitOpen(_ place: Int) throws {
            open.start(number(of: place))
            guard try open.step(), RowValue(open.handle, 0).digest == digest(of: place) else { throw Seals.damagedGrid(path) }
            guard SealedJob.State(RowValue(open.handle, 1)) == .open else { throw Seals.damagedResult(of: digest(of: place), path) }
            try body(place, SealedJob(open: digest(of: place)))
        }
        settled.start(number(of: places.lowerBound), number(of: places.upperBound - 1))
        var place = places.lowerBound
        while try settled.step() {
            let number = settled.integer(0)
            while self.number(of: place) < number {
                try visitOpen(place)
                place += 1
            }
            // Another study's.
            guard number == self.number(of: place) else { continue }
            try body(place, SealedJob(digest(of: place), settled.handle, from: 1, path: path))
            place += 1
            if place == places.upperBound { return }
        }
        for place in place..<places.upperBound { try visitOpen(place) }
    }
}

/// Calls `body` for every part, on as many threads as there are connections, each with one of its own; of several errors the first part's
/// is thrown.
private func spread(_ parts: Int, over connections: [SQLiteConnection], _ body: (Int, SQLiteConnection) throws -> Void) throws {
    guard connections.count > 1 else { return try (0..<parts).forEach { try body($0, connections[0]) } }
    let next = Atomic(0)
    let failures = Mutex<[Int: any Error]>([:])
    withoutActuallyEscaping(body) { body in
        // Each call has a part and a connection of its own, and all have returned before this does.
        nonisolated(unsafe) let (body, connections) = (body, connections)
        DispatchQueue.concurrentPerform(iterations: connections.count) { thread in
            while true {
                let part = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard part < parts else { return }
                do {
                    try body(part, connections[thread])
                } catch {
                    failures.withLock { $0[part] = error }
                }
            }
        }
    }
    if let first = failures.withLock({ failures in failures.keys.min().map { failures[$0]! } }) { throw first }
}
