import Coordination
import Digests
import Foundation
import GRDB
import Studies

/// A cell with the attempt that its result, or its latest failure, came from.
package struct RecordedCell: Sendable, Equatable {
    package var stage: String
    package var cell: CellRow
    /// `nil` when none was tried.
    package var attempt: Int?
    package var worker: String?
    package var host: String?
    /// Milliseconds since 1970 UTC, as the ledger has them.
    package var startedAt: Int64?
    package var endedAt: Int64?
    package var settledAt: Int64?
}

/// An attempt that has ended.
package struct EndedAttempt: Sendable, Equatable {
    /// The job's place in the study, from 1.
    package var number: Int
    package var job: JobID
    package var stage: String
    package var attempt: Int
    package var host: String
    package var state: AttemptRow.State
    /// Milliseconds since 1970 UTC.
    package var startedAt: Int64
    package var endedAt: Int64
    /// Of the artifacts that the job reads.
    package var inputBytes: Int64
    /// Of the artifacts that the attempt made; 0 for one whose result does not stand.
    package var outputBytes: Int64
}

/// How many results of a study come from a host, by numeric class.
package struct ResultHost: Sendable, Equatable {
    package var host: String
    package var numericClass: String
    package var results: Int

    package init(host: String, numericClass: String, results: Int) {
        self.host = host
        self.numericClass = numericClass
        self.results = results
    }
}

extension LedgerReader {
    /// Calls `body` for the cells of these stages in their order, one after another, until it says `false`; all of them in one state of
    /// the ledger. What a cell is made from is compared with its seals first.
    ///
    /// Holds one cell at a time, however many there are.
    package func forEachCell(
        study: StudyID, stages: [String], epochs: EpochSelection = .all, _ body: (RecordedCell) -> Bool
    ) throws(LedgerError) {
        try read { db in
            var results = try ResultReader(epochs: epochs, path: path, db.sqliteConnection!)
            let latest = 5 + SealedJob.comparedColumnCount
            for stage in stages {
                let rows = try Row.fetchCursor(db, sql: Queries.exportedCells, arguments: [study.rawValue, stage])
                while let row = try rows.next() {
                    let job = try SealedJob(comparing: rows._statement.sqliteStatement, from: 5, path: path)
                    let result = try results.result(of: job, row[3])
                    let cell = CellRow(
                        arm: row[0], pair: [Int](pairText: row[1]), replicate: row[2], job: JobID(job.digest),
                        state: job.state.cellState(isRunning: row[4]), result)
                    let recorded = RecordedCell(
                        stage: stage, cell: cell, attempt: row[latest], worker: row[latest + 1], host: row[latest + 2],
                        startedAt: row[latest + 3], endedAt: row[latest + 4],
                        settledAt: result.settledAt)
                    guard body(recorded) else { return }
                }
            }
        }
    }

    /// Calls `body` for every attempt of the study that has ended, in the order in which they ended, until it says `false`.
    package func forEachEndedAttempt(study: StudyID, _ body: (EndedAttempt) -> Bool) throws(LedgerError) {
        try read { db in
            let rows = try Row.fetchCursor(db, sql: Queries.endedAttempts, arguments: [study.rawValue, study.rawValue])
            while let row = try rows.next() {
                let attempt = EndedAttempt(
                    number: row[0], job: try row.job(1), stage: row[2], attempt: row[3], host: row[4],
                    state: AttemptRow.State(rawValue: row[5]) ?? .failed, startedAt: row[6], endedAt: row[7], inputBytes: row[8],
                    outputBytes: row[9])
                guard body(attempt) else { return }
            }
        }
    }

    /// The hosts that the study's results come from, by name.
    package func resultHosts(study: StudyID) throws(LedgerError) -> [ResultHost] {
        try read { db in
            try Row.fetchAll(db, sql: Queries.resultHosts, arguments: [study.rawValue]).map {
                ResultHost(host: $0[0], numericClass: $0[1], results: $0[2])
            }
        }
    }

    /// SHA-256 over what the study's jobs and attempts have come to: equal as long as an export would be.
    package func progressDigest(study: StudyID) throws(LedgerError) -> Digest {
        try read { db in
            var hasher = RowHasher()
            for sql in Queries.progress { try hasher.add(all: Row.fetchCursor(db, sql: sql, arguments: [study.rawValue])) }
            return hasher.finalize()
        }
    }
}
