import Coordination
import Digests
import Foundation
import GRDB
import Studies

extension LedgerReader {
    /// Which epochs of a cell are read.
    package enum EpochSelection: Sendable, Equatable {
        case all, last, none
        /// This epoch and the last.
        case at(Int)

        var needsAll: Bool { self != .last && self != .none }

        func keeps(_ epoch: Int) -> Bool { self == .all || self == .at(epoch) }
    }

    /// All studies, the one registered last first.
    package func studies() throws(LedgerError) -> [StudyRow] {
        try read { db in
            try Row.fetchAll(db, sql: Self.studyColumns + "ORDER BY registration DESC").map(Self.study)
        }
    }

    /// The study registered last, under the name if one is given.
    package func latestStudy(name: String? = nil) throws(LedgerError) -> StudyRow? {
        try read { db in
            let rows =
                if let name {
                    try Row.fetchOne(
                        db, sql: Self.studyColumns + "WHERE name = ? ORDER BY registration DESC LIMIT 1", arguments: [name])
                } else {
                    try Row.fetchOne(db, sql: Self.studyColumns + "ORDER BY registration DESC LIMIT 1")
                }
            return try rows.map(Self.study)
        }
    }

    private static let studyColumns = "SELECT id, name, definition_digest, definition, created_at FROM studies "

    private static func study(_ row: Row) throws -> StudyRow {
        StudyRow(
            id: StudyID(row[0]), name: row[1], definitionDigest: try row.digest(2), definitionJSON: row[3],
            createdAt: row.date(4))
    }

    /// A study's jobs by stage and state, stages in the order of registration. Costs a few lookups a job, none an epoch.
    package func stageCounts(study: StudyID) throws(LedgerError) -> [StageCount] {
        try read { db in
            try Row.fetchAll(db, sql: Queries.stageCounts, arguments: [study.rawValue]).map {
                StageCount(stage: $0[0], waiting: $0[1], running: $0[2], finished: $0[3], diverged: $0[4], failed: $0[5])
            }
        }
    }

    /// A stage's cells, by arm as registered, pair and replicate, with the epochs of the results that stand; the study and all that has
    /// come of it is compared with its seals.
    package func cellResults(study: StudyID, stage: String = "evaluate", epochs: EpochSelection = .all)
        throws(LedgerError) -> [CellRow]
    {
        try cellResults(study: study, stage: stage, epochs: epochs) { $0 }
    }

    /// The same, and what is made of each cell: a large study's two threads share that too.
    package func cellResults<Cell: Sendable>(
        study: StudyID, stage: String = "evaluate", epochs: EpochSelection = .all, _ make: @escaping (CellRow) -> Cell
    ) throws(LedgerError) -> [Cell] {
        try sealed(study, cells: SealedStudy<Cell>.Selection(stage: stage, epochs: epochs, make: make)).cells
    }

    /// A study's jobs by stage and state, as `stageCounts` gives them; the study and all that has come of it is compared with its seals.
    package func sealedStages(study: StudyID) throws(LedgerError) -> [StageCount] { try (sealed(study) as SealedStudy<CellRow>).stages }

    /// Throws `.damaged` unless the study and all that has come of it is as it was sealed, in every row that says so.
    package func requireSealed(study: StudyID) throws(LedgerError) {
        try read { db in try Seals.check(study: study.rawValue, path: path, db) }
    }

    /// Every worker that ever joined, by name.
    package func workers() throws(LedgerError) -> [WorkerRow] {
        try read { db in
            try Row.fetchAll(db, sql: Queries.workers).map {
                WorkerRow(
                    name: $0[0], host: $0[1], processID: $0[2], slots: $0[3], isCentral: $0[4], numericClass: $0[5],
                    joinedAt: $0.date(6), leftAt: $0.dateIfAny(7), leaveReason: $0[8], runningAttempts: $0[9])
            }
        }
    }

    /// A job's attempts in their order. Throws `.unknownJob`.
    package func attempts(_ job: JobID) throws(LedgerError) -> [AttemptRow] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT number, worker, workers.host, state, attempts.reason, message, started_at, ended_at,
                        (SELECT max(epoch) FROM epochs WHERE job = attempts.job AND attempt = number)
                    FROM attempts JOIN workers ON workers.name = worker WHERE job = ? ORDER BY number
                    """, arguments: [try db.jobRow(job, path: path)]
            ).map { row in
                let failure = row.failure(4)
                return AttemptRow(
                    number: row[0], worker: row[1], host: row[2], state: AttemptRow.State(rawValue: row[3]) ?? .failed,
                    failure: failure, note: failure == nil ? row[5] : nil, startedAt: row.date(6), endedAt: row.dateIfAny(7),
                    lastEpoch: (row[8] as Int?) ?? 0)
            }
        }
    }

    /// The epochs that an attempt has reported so far.
    package func epochs(of attempt: AttemptID) throws(LedgerError) -> [EpochMetrics] {
        try read { db in
            try Row.fetchAll(
                db, sql: Queries.epochs, arguments: [try db.jobRow(attempt.job, path: path), attempt.number]
            ).map { $0.epochMetrics(from: 0) }
        }
    }

    /// Jobs that failed for good, the latest first; those of one study if it is given. Each is compared with its seal, and which of them
    /// the study needs.
    package func failures(study: StudyID? = nil, limit: Int = 100) throws(LedgerError) -> [FailureRow] {
        try read { db in
            let rows = try Row.fetchCursor(db, sql: Queries.failures)
            var (failures, grid, numericClass) = ([FailureRow](), GridRecord?.none, "")
            while failures.count < limit, let row = try rows.next() {
                if let study {
                    if grid == nil { grid = try GridRecord(of: study.rawValue, path: path, db) }
                    guard grid?.needs(row[0]) == true else { continue }
                }
                let job = try SealedJob(comparing: rows._statement.sqliteStatement, from: 5, path: path)
                let result = job.result(sharing: &numericClass)
                failures.append(
                    FailureRow(
                        job: JobID(job.digest), kind: JobKind(rawValue: row[1]) ?? .train,
                        failure: result.failure ?? RecordedFailure(code: "", message: ""),
                        failedAt: Date(milliseconds: result.settledAt ?? 0), attempt: row[2], worker: row[3], host: row[4]))
            }
            return failures
        }
    }

    /// The last events, the latest first.
    package func recentEvents(limit: Int) throws(LedgerError) -> [EventRow] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT at, kind, text FROM events ORDER BY id DESC LIMIT ?", arguments: [limit])
                .map { EventRow(at: $0.date(0), kind: $0[1], text: $0[2]) }
        }
    }

    /// Epochs that were streamed since a time, with their images and seconds.
    package func trainingRate(since: Date) throws(LedgerError) -> TrainingRate {
        try read { db in
            let row = try Row.fetchOne(db, sql: Queries.trainingRate, arguments: [since.milliseconds])!
            return TrainingRate(epochs: row[0], images: row[1], seconds: row[2])
        }
    }

    /// The job whose id begins with these hexadecimal digits. Throws `.unknownJob`, `.ambiguousJob`.
    package func job(prefix: String) throws(LedgerError) -> JobRow {
        let digits = prefix.lowercased()
        let padding = 2 * Digest.byteCount - digits.utf8.count
        guard !digits.isEmpty, padding >= 0, let first = Digest(hex: digits + String(repeating: "0", count: padding)),
            let last = Digest(hex: digits + String(repeating: "f", count: padding))
        else { throw .unknownJob(prefix, path: path) }
        return try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT jobs.id, digest, kind, state, json,
                        EXISTS (SELECT 1 FROM attempts WHERE job = jobs.id AND state = 'running'),
                        settled_attempt, settled_at, result_digest, numeric_class, seconds, diverged_epoch, diverged_step,
                        failure_reason, failure_message
                    FROM jobs JOIN specs ON specs.job = jobs.id WHERE digest BETWEEN ? AND ? LIMIT 2
                    """, arguments: [first.blob, last.blob])
            guard let row = rows.first else { throw LedgerError.unknownJob(prefix, path: path) }
            guard rows.count == 1 else { throw LedgerError.ambiguousJob(prefix: prefix, path: path) }
            return try Self.job(row, db)
        }
    }

    private static func job(_ row: Row, _ db: Database) throws -> JobRow {
        let id: Int64 = row[0]
        let inputs = try Row.fetchAll(
            db, sql: "SELECT digest FROM job_inputs JOIN jobs ON jobs.id = input WHERE job = ? ORDER BY position",
            arguments: [id]
        ).map { try $0.job(0) }
        let artifacts = try Row.fetchAll(
            db, sql: "SELECT name, digest, size FROM artifacts WHERE job = ? ORDER BY position", arguments: [id]
        ).map { ArtifactNotice(name: $0[0], digest: try $0.digest(1), size: UInt64($0[2] as Int64)) }
        return JobRow(
            id: try row.job(1), kind: JobKind(rawValue: row[2]) ?? .train,
            state: JobState(stored: row[3], isRunning: row[5]), spec: [UInt8](row[4] as Data), inputs: inputs,
            artifacts: artifacts, settledAttempt: row[6], settledAt: row.dateIfAny(7),
            resultDigest: row.hasNull(atIndex: 8) ? nil : try row.digest(8), numericClass: row[9], seconds: row[10],
            divergedAt: row.divergence(11), failure: row.failure(13))
    }
}

extension JobState {
    init(stored: String, isRunning: Bool) {
        switch stored {
        case "finished": self = .finished
        case "diverged": self = .diverged
        case "failed": self = .failed
        default: self = isRunning ? .running : .waiting
        }
    }
}

extension Row {
    /// Two columns from `first`: reason and message.
    func failure(_ first: Int) -> RecordedFailure? {
        (self[first] as String?).map { RecordedFailure(code: $0, message: self[first + 1] ?? "") }
    }

    /// Two columns from `first`: epoch and step.
    func divergence(_ first: Int) -> DivergencePoint? {
        (self[first] as Int?).map { DivergencePoint(epoch: $0, step: self[first + 1]) }
    }
}
