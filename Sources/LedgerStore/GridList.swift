import Coordination
import Digests
import GRDB
import GRDBSQLite
import Studies

/// One of the two lists that a study's grid consists of, as its seal is over it, with room for the digests of the jobs.
struct GridList: Sendable {
    private var bytes = RowBytes(capacity: 1 << 16)
    /// Of each row, the job and where its digest belongs.
    private(set) var jobs: [Int64] = []
    private var digests: [Int] = []
    /// Of each row of jobs, the position of its stage.
    private(set) var stages: [Int64] = []
    /// The rows of the stage whose cells were asked for, and their cells.
    private var selection = 0..<0
    private var places: [Place] = []
    private var arms: [String] = []
    private var pairs: [[Int]] = []

    /// Where a cell is in the grid; arm and pair as indices into the lists of them.
    private struct Place {
        var arm, pair: Int32
        var replicate: Int
    }

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
        var pairText = ""
        while try rows.step() {
            let start = bytes.count
            append(rows.handle, columns: 5)
            var row = RowReader(bytes.bytes, at: start)
            row.beginRow()
            guard let stage, row.next().isText(stage) else { continue }
            selection = (selection.isEmpty ? jobs.count - 1 : selection.lowerBound)..<jobs.count
            row.skip(1)
            // Neighbours have most in common.
            let (arm, pair) = (row.next(), row.next())
            if arms.isEmpty || !arm.isText(arms[arms.count - 1]) { arms.append(arm.text ?? "") }
            if pairs.isEmpty || !pair.isText(pairText) {
                pairText = pair.text ?? ""
                pairs.append([Int](pairText: pairText))
            }
            places.append(
                Place(arm: Int32(arms.count - 1), pair: Int32(pairs.count - 1), replicate: Int(row.next().integer ?? 0)))
        }
    }

    private mutating func append(_ row: OpaquePointer, columns: Int32) {
        bytes.beginRow(columns: Int(columns) + 1)
        for column in 0..<columns { bytes.append(row, column) }
        jobs.append(sqlite3_column_int64(row, columns))
        digests.append(bytes.appendDigestLater())
    }

    /// The jobs of the cells that were asked for.
    var selectedJobs: ArraySlice<Int64> { jobs[selection] }

    /// One of the cells that were asked for, counted from 0.
    func cell(_ row: Int, _ job: JobID, _ state: JobState, _ result: SealedJob.Result) -> CellRow {
        let place = places[row]
        return CellRow(
            arm: arms[Int(place.arm)], pair: pairs[Int(place.pair)], replicate: place.replicate, job: job, state: state, result)
    }

    func addDigests(of jobs: StudyJobs, to hasher: inout RowHasher) {
        for (job, offset) in zip(self.jobs, digests) { bytes.fill(jobs[job].digest, at: offset) }
        hasher.add(bytes)
    }
}

/// Which of the selected rows belong to a job: nearly always one, but any number may.
struct SelectedRows: Sendable {
    /// Of each job the first row, of each row the next; -1 where there is none.
    private var firsts: [Int32]
    private var followers: [Int32]

    init(_ jobs: ArraySlice<Int64>, _ numbers: JobNumbers) {
        firsts = Array(repeating: -1, count: numbers.count)
        followers = Array(repeating: -1, count: jobs.count)
        for (row, job) in jobs.enumerated().reversed() {
            let place = numbers.place(of: job)
            followers[row] = firsts[place]
            firsts[place] = Int32(row)
        }
    }

    var count: Int { followers.count }

    /// The first row of the job at this place.
    func first(of place: Int) -> Int? { firsts[place] < 0 ? nil : Int(firsts[place]) }

    func next(_ row: Int) -> Int? { followers[row] < 0 ? nil : Int(followers[row]) }
}
