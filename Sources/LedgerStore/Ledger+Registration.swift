import Coordination
import Digests
import Failpoints
import Foundation
import GRDB
import Studies

/// A study as the ledger keeps it: the definition is stored as given, so that a table can say what it was made from.
package struct StudyRecord: Sendable, Equatable {
    package var name: String
    package var definitionDigest: Digest
    package var definitionJSON: String

    package init(name: String, definitionDigest: Digest, definitionJSON: String) {
        self.name = name
        self.definitionDigest = definitionDigest
        self.definitionJSON = definitionJSON
    }
}

/// A job that a study needs.
package struct PlannedJobRecord: Sendable, Equatable {
    package var id: JobID
    /// The canonical JSON whose digest is the id.
    package var spec: [UInt8]
    package var kind: JobKind
    /// The stage that the study counts it under.
    package var stage: String
    /// Ready jobs start in ascending order.
    package var priority: Int
    package var inputs: [JobID]

    package init(id: JobID, spec: [UInt8], kind: JobKind, stage: String, priority: Int, inputs: [JobID]) {
        self.id = id
        self.spec = spec
        self.kind = kind
        self.stage = stage
        self.priority = priority
        self.inputs = inputs
    }
}

/// A cell of a study's grid, and the job that gives its value.
package struct CellRecord: Sendable, Equatable {
    package var stage: String
    package var arm: String
    /// The superclasses of the task.
    package var pair: [Int]
    package var replicate: Int
    package var job: JobID

    package init(stage: String, arm: String, pair: [Int], replicate: Int, job: JobID) {
        self.stage = stage
        self.arm = arm
        self.pair = pair
        self.replicate = replicate
        self.job = job
    }
}

/// What a registration found and did.
package struct Registration: Sendable, Equatable {
    package var study: StudyID
    /// Jobs that the ledger did not have.
    package var added: Int
    /// Jobs that it had, from this study or another.
    package var known: Int
    /// Failed jobs that are open again.
    package var reopened: Int

    package init(study: StudyID, added: Int, known: Int, reopened: Int) {
        self.study = study
        self.added = added
        self.known = known
        self.reopened = reopened
    }
}

extension Ledger {
    /// Records what a study needs, in one transaction; what is there already stays as it is.
    ///
    /// A study is its definition's digest: a changed one is a new study that shares the jobs both need. The jobs' order
    /// gives the order of stages, the cells' order that of arms. With `retryFailed`, the study's failed jobs are open
    /// again and their crashes forgiven. Throws `.unknownJob` for an input or cell whose job is not in the ledger,
    /// `.invalid` for a job known with another specification, `.ruleBroken` for a cell given twice.
    @discardableResult
    package func register(
        study: StudyRecord, jobs: [PlannedJobRecord], cells: [CellRecord], retryFailed: Bool = false, now: Date
    ) throws(LedgerError) -> Registration {
        let registration = try write { db in
            try Failpoint.ledgerRegisterBefore.passInLedger()
            let registrar = Registrar(db: db, path: path)
            let id = try registrar.insert(study, now: now.milliseconds)
            var rows: [JobID: Int64] = [:]
            rows.reserveCapacity(jobs.count)
            var added = 0
            for job in jobs where rows[job.id] == nil {
                let (row, isNew) = try registrar.insert(job)
                rows[job.id] = row
                if isNew { added += 1 }
            }
            for job in jobs { try registrar.insertInputs(of: job, rows: rows) }
            try registrar.replaceStagesAndJobs(of: id, by: jobs, rows: rows)
            try registrar.replaceCells(of: id, by: cells, rows: rows)
            let reopened = retryFailed ? try registrar.reopenFailed(of: id) : 0
            try Seals.seal(study: id, db)
            return Registration(study: StudyID(id), added: added, known: rows.count - added, reopened: reopened)
        }
        Failpoint.ledgerRegisterAfter.pass()
        return registration
    }
}

/// The statements of one registration.
private struct Registrar {
    let db: Database
    let path: String

    func insert(_ study: StudyRecord, now: Int64) throws -> Int64 {
        try execute(
            """
            INSERT INTO studies (name, definition_digest, definition, created_at, registration)
            VALUES (?, ?, ?, ?, (SELECT coalesce(max(registration), 0) + 1 FROM studies))
            ON CONFLICT (definition_digest) DO UPDATE SET name = excluded.name, registration = excluded.registration
            """, [study.name, study.definitionDigest.blob, study.definitionJSON, now])
        let select = try db.cachedStatement(sql: "SELECT id FROM studies WHERE definition_digest = ?")
        return try Int64.fetchOne(select, arguments: [study.definitionDigest.blob])!
    }

    func insert(_ job: PlannedJobRecord) throws -> (row: Int64, isNew: Bool) {
        let select = try db.cachedStatement(
            sql: "SELECT id, kind, json = ? FROM jobs JOIN specs ON specs.job = jobs.id WHERE digest = ?")
        if let known = try Row.fetchOne(select, arguments: [Data(job.spec), job.id.digest.blob]) {
            guard known[1] == job.kind.rawValue, known[2] == true else {
                throw LedgerError.invalid(path: path, detail: "job \(job.id.short) is known with another specification")
            }
            return (known[0], false)
        }
        try execute("INSERT INTO jobs (digest, kind) VALUES (?, ?)", [job.id.digest.blob, job.kind.rawValue])
        let row = db.lastInsertedRowID
        try execute("INSERT INTO specs (job, json) VALUES (?, ?)", [row, Data(job.spec)])
        return (row, true)
    }

    /// The inputs follow from the specification, so they never change.
    func insertInputs(of job: PlannedJobRecord, rows: [JobID: Int64]) throws {
        for (position, input) in job.inputs.enumerated() {
            try execute(
                "INSERT INTO job_inputs (job, position, input) VALUES (?, ?, ?) ON CONFLICT (job, position) DO NOTHING",
                [rows[job.id]!, position, try row(of: input, rows)])
        }
    }

    private struct StudyJob: Hashable {
        var stage: Int
        var job: Int64
        var priority: Int
    }

    func replaceStagesAndJobs(of study: Int64, by jobs: [PlannedJobRecord], rows: [JobID: Int64]) throws {
        var stages: [String] = []
        for job in jobs where !stages.contains(job.stage) { stages.append(job.stage) }
        let wanted = Set(jobs.map { StudyJob(stage: stages.firstIndex(of: $0.stage)!, job: rows[$0.id]!, priority: $0.priority) })
        let present = try Row.fetchAll(
            db, sql: "SELECT stage, job, priority FROM study_jobs WHERE study = ?", arguments: [study])
        let presentStages = try String.fetchAll(
            db, sql: "SELECT name FROM stages WHERE study = ? ORDER BY position", arguments: [study])
        let isSame =
            presentStages == stages && wanted == Set(present.map { StudyJob(stage: $0[0], job: $0[1], priority: $0[2]) })
        if isSame { return }
        try execute("DELETE FROM study_jobs WHERE study = ?", [study])
        try execute("DELETE FROM stages WHERE study = ?", [study])
        for (position, name) in stages.enumerated() {
            try execute("INSERT INTO stages (study, position, name) VALUES (?, ?, ?)", [study, position, name])
        }
        for job in wanted.sorted(by: { ($0.stage, $0.job) < ($1.stage, $1.job) }) {
            try execute(
                "INSERT INTO study_jobs (study, stage, job, priority) VALUES (?, ?, ?, ?)",
                [study, job.stage, job.job, job.priority])
        }
    }

    private struct Cell: Equatable {
        var stage: String
        var position: Int
        var arm: String
        var pair: String
        var replicate: Int
        var job: Int64
    }

    func replaceCells(of study: Int64, by cells: [CellRecord], rows: [JobID: Int64]) throws {
        let wanted = try ordered(cells).map { position, cell in
            Cell(
                stage: cell.stage, position: position, arm: cell.arm, pair: cell.pair.pairText, replicate: cell.replicate,
                job: try row(of: cell.job, rows))
        }
        let present = try Row.fetchAll(
            db,
            sql: "SELECT stage, position, arm, pair, replicate, job FROM cells WHERE study = ? ORDER BY stage, position",
            arguments: [study]
        ).map { Cell(stage: $0[0], position: $0[1], arm: $0[2], pair: $0[3], replicate: $0[4], job: $0[5]) }
        if present == wanted { return }
        try execute("DELETE FROM cells WHERE study = ?", [study])
        for cell in wanted {
            try execute(
                "INSERT INTO cells (study, stage, position, arm, pair, replicate, job) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [study, cell.stage, cell.position, cell.arm, cell.pair, cell.replicate, cell.job])
        }
    }

    /// By stage name; within it by arm as first met, pair as numbers, replicate, with the place among all.
    private func ordered(_ cells: [CellRecord]) throws -> [(Int, CellRecord)] {
        var armRanks: [String: Int] = [:]
        for cell in cells where armRanks[cell.arm] == nil { armRanks[cell.arm] = armRanks.count }
        if let negative = cells.first(where: { $0.pair.contains { $0 < 0 } }) {
            throw LedgerError.invalid(path: path, detail: "a cell of arm \(negative.arm) has a negative superclass")
        }
        let sorted = cells.sorted { a, b in
            if a.stage != b.stage { return a.stage.utf8.lexicographicallyPrecedes(b.stage.utf8) }
            if a.arm != b.arm { return armRanks[a.arm]! < armRanks[b.arm]! }
            if a.pair != b.pair { return a.pair.lexicographicallyPrecedes(b.pair) }
            return a.replicate < b.replicate
        }
        return Array(sorted.enumerated().map { ($0.offset, $0.element) })
    }

    func reopenFailed(of study: Int64) throws -> Int {
        try execute(
            """
            UPDATE jobs SET state = 'open', settled_at = NULL, failure_reason = NULL, failure_message = NULL,
                forgiven_attempts = (SELECT coalesce(max(number), 0) FROM attempts WHERE job = jobs.id)
            WHERE state = 'failed' AND id IN (SELECT job FROM study_jobs WHERE study = ?)
            """, [study])
        return db.changesCount
    }

    /// The row of a job of this registration, or of an earlier one.
    private func row(of job: JobID, _ rows: [JobID: Int64]) throws -> Int64 {
        if let row = rows[job] { return row }
        return try db.jobRow(job, path: path)
    }

    private func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
