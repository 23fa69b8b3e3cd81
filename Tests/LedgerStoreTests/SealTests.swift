import Coordination
import Digests
import Foundation
import GRDB
import LedgerStore
import Studies
import Testing

/// Rows that change behind the ledger's back: what a flipped bit looks like to SQLite, which has no checksums.
@Suite struct SealTests {
    /// Jobs of which one is finished, one has diverged, one has failed and one is open; ids as specifications have them.
    private func settled() throws -> (folder: TestFolder, study: StudyID) {
        let folder = TestFolder()
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let jobs = ["finished", "diverged", "failed", "open"].enumerated().map { position, name in
            let spec = Array("{\"name\":\"\(name)\"}".utf8)
            return PlannedJobRecord(
                id: JobID(canonicalJSON: spec), spec: spec, kind: .train, stage: "evaluate", priority: position, inputs: [])
        }
        let study = try ledger.register(
            study: LedgerStoreTests.study(), jobs: jobs,
            cells: jobs.enumerated().map { CellRecord(stage: "evaluate", arm: "random", pair: [10, 14], replicate: $0, job: $1.id) },
            now: noon
        ).study
        let attempts = jobs.map { AttemptID(job: $0.id, number: 1) }
        try ledger.record(
            [
                .workerJoined(hello("w1")), .attemptStarted(attempts[0], worker: "w1"),
                .jobSettled(result(attempts[0], artifacts: [artifact("weights")])), .attemptStarted(attempts[1], worker: "w1"),
                .jobSettled(result(attempts[1], .diverged(epoch: 2, step: 7))), .attemptStarted(attempts[2], worker: "w1"),
                .jobFailed(jobs[2].id, attempt: attempts[2], crash),
            ], now: noon)
        try ledger.close()
        return (folder, study)
    }

    /// Changes a ledger as nobody may: no trigger, constraint or coordinator is asked.
    private func tamper(_ folder: TestFolder, _ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: folder.ledger, configuration: configuration)
        try queue.inDatabase { db in
            let triggers = try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            for trigger in triggers { try db.execute(sql: "DROP TRIGGER \(trigger[0] as String)") }
            try db.execute(sql: "PRAGMA ignore_check_constraints = 1; " + sql)
            #expect(db.totalChangesCount > 0, "\(sql)")
            for trigger in triggers { try db.execute(sql: trigger[1]) }
        }
        try queue.close()
    }

    @Test func `a ledger as it was written passes every check`() throws {
        let (folder, study) = try settled()
        let reader = try LedgerReader(path: folder.ledger)
        try reader.requireSealed(study: study)
        #expect(try reader.cellResults(study: study).map(\.epochs.count) == [2, 2, 0, 0])
        #expect(try reader.cellResults(study: study, epochs: .last).map(\.epochs.count) == [1, 1, 0, 0])
        #expect(try reader.audit() == LedgerAudit(jobs: 4, epochs: 4))
        #expect(try reader.recordedArtifacts().map(\.artifact) == [artifact("weights")])
    }

    @Test(arguments: [
        "UPDATE jobs SET state = 'failed', settled_attempt = NULL WHERE state = 'finished'",
        "UPDATE jobs SET state = 'open' WHERE state = 'finished'", "UPDATE jobs SET numeric_class = 'v2' WHERE state = 'finished'",
        "UPDATE jobs SET seconds = 5 WHERE state = 'finished'", "UPDATE jobs SET diverged_step = 8 WHERE state = 'diverged'",
        "UPDATE jobs SET failure_reason = 'IO' WHERE state = 'failed'", "UPDATE jobs SET state = 'finished' WHERE state = 'open'",
        "UPDATE jobs SET digest = zeroblob(32) WHERE state = 'open'", "DELETE FROM job_seals WHERE job = 1",
        "UPDATE study_seals SET grid = zeroblob(32)", "DELETE FROM study_seals", "DELETE FROM cells WHERE replicate = 2",
        "UPDATE cells SET arm = 'gabor' WHERE replicate = 1", "UPDATE cells SET pair = '10-15' WHERE replicate = 1",
        "UPDATE cells SET job = 2 WHERE replicate = 0", "DELETE FROM study_jobs WHERE job = 4",
        "UPDATE stages SET name = 'evaluatf'", "UPDATE studies SET registration = 9", "UPDATE studies SET name = 'demq'",
        "UPDATE studies SET definition = '{} '",
    ])
    func `a changed row of a study or a result is refused before anything is shown`(sql: String) throws {
        let (folder, study) = try settled()
        try tamper(folder, sql)
        // Small ledgers are looked through when they are opened, which finds some of it earlier.
        #expect { try LedgerReader(path: folder.ledger).requireSealed(study: study) } throws: { error in
            guard case LedgerError.damaged(folder.ledger, _) = error else { return false }
            return true
        }
    }

    @Test(arguments: [
        "UPDATE epochs SET validation_accuracy = 43 WHERE job = 1 AND epoch = 2",
        "UPDATE epochs SET training_loss = NULL WHERE job = 1 AND epoch = 2", "UPDATE epochs SET epoch = 3 WHERE job = 1 AND epoch = 2",
        "DELETE FROM epochs WHERE job = 1 AND epoch = 2",
    ])
    func `a changed last epoch is refused where all are read, and what was recorded is read where only the last is`(sql: String) throws {
        let (folder, study) = try settled()
        let recorded = try LedgerReader(path: folder.ledger).cellResults(study: study, epochs: .last)
        try tamper(folder, sql)
        let reader = try LedgerReader(path: folder.ledger)
        try reader.requireSealed(study: study)
        #expect(throws: LedgerError.self) { try reader.cellResults(study: study) }
        #expect(try reader.cellResults(study: study, epochs: .last) == recorded)
        let problems = try reader.audit().problems
        #expect(problems.contains { $0.contains("epochs of job") && $0.contains("not what was recorded") })
        #expect(problems.contains { $0.contains("has another digest than recorded") })
    }

    @Test(arguments: [
        "UPDATE job_seals SET record = zeroblob(length(record)) WHERE job = 1", "UPDATE job_seals SET record = X'' WHERE job = 1",
        "UPDATE job_seals SET record = (SELECT record FROM job_seals WHERE job = 2) WHERE job = 1",
        "UPDATE job_seals SET record = twin.record, result = twin.result FROM job_seals AS twin WHERE job_seals.job = 1 AND twin.job = 2",
        "DELETE FROM job_seals WHERE job = 3", "UPDATE job_seals SET job = 4 WHERE job = 3",
        "UPDATE jobs SET state = 'finished' WHERE state = 'open'", "UPDATE jobs SET digest = zeroblob(32) WHERE state = 'open'",
        "DELETE FROM jobs WHERE state = 'open'", "UPDATE study_seals SET record = zeroblob(length(record))",
        "UPDATE study_seals SET record = X''", "UPDATE study_seals SET record = substr(record, 1, length(record) - 16)",
        "UPDATE study_seals SET record = CAST(record || record AS BLOB)", "UPDATE study_seals SET grid = zeroblob(32)",
        "DELETE FROM study_seals",
    ])
    func `stages and cells are compared with their seals as they are read`(sql: String) throws {
        let (folder, study) = try settled()
        try tamper(folder, sql)
        let reader = try LedgerReader(path: folder.ledger)
        #expect(throws: LedgerError.self) { try reader.requireSealed(study: study) }
        #expect(throws: LedgerError.self) { try reader.sealedStages(study: study) }
        for epochs in [LedgerReader.EpochSelection.all, .last, .none, .at(1)] {
            #expect(throws: LedgerError.self) { try reader.cellResults(study: study, epochs: epochs) }
        }
        #expect(try !reader.audit().problems.isEmpty)
    }

    @Test(arguments: [
        "UPDATE jobs SET numeric_class = 'v2' WHERE state = 'finished'", "UPDATE jobs SET failure_reason = 'IO' WHERE state = 'failed'",
        "UPDATE jobs SET state = 'open' WHERE state = 'finished'", "UPDATE jobs SET digest = zeroblob(32) WHERE state = 'diverged'",
        "DELETE FROM cells WHERE replicate = 2", "UPDATE cells SET arm = 'gabor' WHERE replicate = 1",
        "UPDATE cells SET job = 2 WHERE replicate = 0", "UPDATE cells SET job = 999 WHERE replicate = 0",
        "DELETE FROM study_jobs WHERE job = 4", "UPDATE stages SET name = 'evaluatf'",
        "UPDATE cells SET position = 9223372036854775807 WHERE replicate = 0; UPDATE cells SET replicate = 9223372036854775807 WHERE job = 2",
        "UPDATE study_jobs SET priority = 9223372036854775807 WHERE job = 1",
    ])
    func `stages and cells are as they were recorded, whatever other rows say; audits compare those`(sql: String) throws {
        let (folder, study) = try settled()
        let recorded = try LedgerReader(path: folder.ledger)
        let (stages, cells) = (try recorded.sealedStages(study: study), try recorded.cellResults(study: study))
        #expect(stages == [StageCount(stage: "evaluate", waiting: 1, running: 0, finished: 1, diverged: 1, failed: 1)])
        #expect(cells.map(\.state) == [.finished, .diverged, .failed, .waiting])
        try tamper(folder, sql)
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.sealedStages(study: study) == stages)
        #expect(try reader.cellResults(study: study) == cells)
        #expect(throws: LedgerError.self) { try reader.requireSealed(study: study) }
        #expect(try !reader.audit().problems.isEmpty)
    }

    @Test func `a record that has its seal and makes no sense is damage, or another grid of the same jobs`() throws {
        let (folder, study) = try settled()
        let reader = try LedgerReader(path: folder.ledger)
        let jobs = Set(try reader.cellResults(study: study).map(\.job))
        let queue = try DatabaseQueue(path: folder.ledger)
        let record = try #require(try queue.read { try Data.fetchOne($0, sql: "SELECT record FROM study_seals") })
        var refused = 0
        for position in record.indices {
            var changed = record
            changed[position] ^= 1 << (position * 3 % 8)
            try queue.write {
                try $0.execute(sql: "UPDATE study_seals SET record = ?, grid = ?", arguments: [changed, Data(Digest(of: changed).bytes)])
            }
            switch Result(catching: { try reader.cellResults(study: study).map(\.job) }) {
            case .success(let shown): #expect(jobs.isSuperset(of: shown), "byte \(position)")
            case .failure(LedgerError.damaged): refused += 1
            case .failure(let error): Issue.record("byte \(position): \(error)")
            }
            _ = try? reader.sealedStages(study: study)
            // No row says the same.
            #expect(throws: LedgerError.self) { try reader.requireSealed(study: study) }
        }
        #expect(refused > record.count / 2)
        try queue.close()
    }

    @Test func `a record of more cells than a study can have is damage`() throws {
        let (folder, study) = try settled()
        let queue = try DatabaseQueue(path: folder.ledger)
        var record = try #require(try queue.read { try Data.fetchOne($0, sql: "SELECT record FROM study_seals") })
        // Its last row is of the four cells: a head of nine bytes, three texts, and five integers of which the last say step and count.
        let rowBytes = 9 + (9 + "evaluate".utf8.count) + (9 + "random".utf8.count) + (9 + "10-14".utf8.count) + 5 * 9
        #expect(record[record.count - rowBytes] == 0 && record[record.count - 8] == 4 && record[record.count - 17] == 1)
        record[record.count - 17] = 0
        record.replaceSubrange((record.count - 8)..., with: withUnsafeBytes(of: UInt64(1 << 24).littleEndian) { Data($0) })
        record += record.suffix(rowBytes)
        try queue.write {
            try $0.execute(sql: "UPDATE study_seals SET record = ?, grid = ?", arguments: [record, Data(Digest(of: record).bytes)])
        }
        try queue.close()
        let reader = try LedgerReader(path: folder.ledger)
        #expect(throws: LedgerError.self) { try reader.cellResults(study: study) }
    }

    @Test func `which jobs of a study failed, and why, is compared with seals`() throws {
        let (folder, study) = try settled()
        let failures = try LedgerReader(path: folder.ledger).failures(study: study)
        #expect(failures.count == 1)
        try tamper(folder, "DELETE FROM study_jobs WHERE job = 3")
        #expect(try LedgerReader(path: folder.ledger).failures(study: study) == failures)
        try tamper(folder, "UPDATE jobs SET failure_message = 'another' WHERE state = 'failed'")
        #expect(throws: LedgerError.self) { try LedgerReader(path: folder.ledger).failures(study: study) }
        try tamper(folder, "UPDATE study_seals SET grid = zeroblob(32)")
        #expect(throws: LedgerError.self) { try LedgerReader(path: folder.ledger).failures(study: study) }
    }

    @Test(arguments: [
        ("UPDATE epochs SET seconds = 3 WHERE job = 1 AND epoch = 1", "the epochs of job"),
        ("UPDATE artifacts SET digest = zeroblob(32)", "has another digest than recorded"),
        ("UPDATE specs SET json = X'7B7D' WHERE job = 4", "the specification of job"),
        ("DELETE FROM workers", "a row of attempts refers to a row of workers that is not there"),
    ])
    func `an audit finds what tables do not read`(sql: String, finding: String) throws {
        let (folder, study) = try settled()
        try tamper(folder, sql)
        let reader = try LedgerReader(path: folder.ledger)
        try reader.requireSealed(study: study)
        _ = try reader.cellResults(study: study, epochs: .last)
        let problems = try reader.audit().problems
        #expect(problems.contains { $0.contains(finding) }, "\(problems)")
    }

    @Test func `a coordinator does not go on from changed results`() throws {
        let (folder, study) = try settled()
        try tamper(folder, "UPDATE jobs SET seconds = 5 WHERE state = 'finished'")
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        #expect(throws: LedgerError.self) { try ledger.requireSealed(study: study) }
    }

    @Test func `a failed job that is open again has no seal, and gets one with its result`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .jobFailed(jobID("a"), attempt: attempt("a", 1), crash),
            .jobReopened(jobID("a")))
        try fixture.ledger.requireSealed(study: fixture.study)
        try fixture.record(.attemptStarted(attempt("a", 2), worker: "w1"), .jobSettled(result(attempt("a", 2))))
        try fixture.ledger.requireSealed(study: fixture.study)
        #expect(try fixture.reader().cellResults(study: fixture.study).first?.epochs.count == 2)
    }

    @Test func `a ledger of schema 2 is sealed when it is opened for writing, and readers say so until then`() throws {
        let (folder, study) = try settled()
        let queue = try DatabaseQueue(path: folder.ledger)
        try queue.inDatabase { db in
            try db.execute(
                sql: """
                    DROP TRIGGER seals_go_with_their_result; DROP TABLE job_seals; DROP TABLE study_seals;
                    CREATE INDEX running_attempts ON attempts (worker) WHERE state = 'running';
                    DELETE FROM grdb_migrations WHERE identifier <> 'v2'; PRAGMA user_version = 2
                    """)
        }
        try queue.close()
        let expected = LedgerError.olderSchema(path: folder.ledger, actual: 2, expected: Schema.version)
        #expect(throws: expected) { try LedgerReader(path: folder.ledger) }
        #expect(expected.recoverySuggestion?.contains("sower resume") == true)
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        try ledger.requireSealed(study: study)
        try ledger.close()
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.audit() == LedgerAudit(jobs: 4, epochs: 4))
        #expect(try reader.cellResults(study: study).map(\.epochs.count) == [2, 2, 0, 0])
    }

    /// The grid's seal of schema 5 was over its rows alone: stages, jobs and cells, each row by its number of columns, each value by type,
    /// length and bytes.
    private func asSchema5(_ folder: TestFolder, changed sql: String = "") throws {
        let queue = try DatabaseQueue(path: folder.ledger)
        try queue.inDatabase { db in
            var bytes = Data()
            func append(_ tag: UInt8, _ word: Int) { bytes += Data([tag]) + withUnsafeBytes(of: UInt64(word).littleEndian) { Data($0) } }
            for query in [
                "SELECT position, name FROM stages ORDER BY position",
                "SELECT stage, priority, digest FROM study_jobs JOIN jobs ON jobs.id = job ORDER BY stage, job",
                "SELECT stage, position, arm, pair, replicate, digest FROM cells JOIN jobs ON jobs.id = job ORDER BY stage, position",
            ] {
                for row in try Row.fetchAll(db, sql: query) {
                    append(0, row.count)
                    for value in row.databaseValues {
                        switch value.storage {
                        case .int64(let number): append(2, Int(number))
                        case .string(let text):
                            append(4, text.utf8.count)
                            bytes += Data(text.utf8)
                        case .blob(let data):
                            append(5, data.count)
                            bytes += data
                        case .null, .double: Issue.record("no such column")
                        }
                    }
                }
            }
            try db.execute(
                sql: """
                    ALTER TABLE study_seals DROP COLUMN record;
                    UPDATE study_seals SET grid = X'\(Digest(of: Array(bytes)).hex)';
                    DELETE FROM grdb_migrations WHERE identifier = 'v6'; PRAGMA user_version = 5; \(sql)
                    """)
        }
        try queue.close()
    }

    @Test func `a grid of schema 5 has its seal anew when it is opened for writing`() throws {
        let (folder, study) = try settled()
        let cells = try LedgerReader(path: folder.ledger).cellResults(study: study)
        try asSchema5(folder)
        #expect(throws: LedgerError.olderSchema(path: folder.ledger, actual: 5, expected: 6)) { try LedgerReader(path: folder.ledger) }
        try Ledger.open(path: folder.ledger, now: noon).close()
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.audit() == LedgerAudit(jobs: 4, epochs: 4))
        #expect(try reader.cellResults(study: study) == cells)
    }

    @Test(arguments: [
        "UPDATE cells SET arm = 'gabor' WHERE replicate = 1", "DELETE FROM study_jobs WHERE job = 4",
        "UPDATE study_seals SET grid = zeroblob(32)", "UPDATE stages SET name = 'evaluatf'",
    ])
    func `a grid that was damaged under schema 5 is still found when it is opened for writing`(sql: String) throws {
        let (folder, study) = try settled()
        try asSchema5(folder, changed: sql)
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        #expect(throws: LedgerError.self) { try ledger.requireSealed(study: study) }
        try ledger.close()
        let reader = try LedgerReader(path: folder.ledger)
        #expect(throws: LedgerError.self) { try reader.cellResults(study: study, epochs: .last) }
        #expect(throws: LedgerError.self) { try reader.sealedStages(study: study) }
    }

    /// The seals of schema 4 were over the same, of which the last epoch lay in columns.
    private func asSchema4(_ folder: TestFolder, changed sql: String = "") throws {
        try asSchema5(folder)
        let last = """
            epoch INTEGER, learning_rate REAL, training_loss REAL, training_accuracy REAL, training_top5_accuracy REAL, validation_loss REAL,
            validation_accuracy REAL, validation_top5_accuracy REAL, images INTEGER, seconds REAL
            """
        let names = last.split(separator: ",").map { "epochs." + $0.split(whereSeparator: \.isWhitespace)[0] }.joined(separator: ", ")
        let queue = try DatabaseQueue(path: folder.ledger)
        try queue.inDatabase { db in
            try db.execute(
                sql: """
                    CREATE TEMP TABLE kept AS SELECT job, result, epochs FROM job_seals;
                    DROP TABLE job_seals;
                    CREATE TABLE job_seals (
                        job INTEGER PRIMARY KEY REFERENCES jobs (id), result BLOB NOT NULL, epochs BLOB NOT NULL, \(last)) STRICT;
                    INSERT INTO job_seals SELECT kept.job, kept.result, kept.epochs, \(names) FROM kept JOIN jobs ON jobs.id = kept.job
                        LEFT JOIN epochs ON epochs.job = jobs.id AND attempt = settled_attempt AND epoch = 2;
                    DELETE FROM grdb_migrations WHERE identifier = 'v5'; PRAGMA user_version = 4; \(sql)
                    """)
        }
        try queue.close()
    }

    @Test func `the seals of schema 4 stay what they are when it is opened for writing`() throws {
        let (folder, study) = try settled()
        let seals = "SELECT hex(result) || hex(epochs) || hex(record) FROM job_seals ORDER BY job"
        let before = try LedgerReader(path: folder.ledger).read { try String.fetchAll($0, sql: seals) }
        try asSchema4(folder)
        #expect(throws: LedgerError.olderSchema(path: folder.ledger, actual: 4, expected: 6)) { try LedgerReader(path: folder.ledger) }
        try Ledger.open(path: folder.ledger, now: noon).close()
        let reader = try LedgerReader(path: folder.ledger)
        #expect(before.count == 3)
        #expect(try reader.read { try String.fetchAll($0, sql: seals) } == before)
        #expect(try reader.audit() == LedgerAudit(jobs: 4, epochs: 4))
        #expect(try reader.cellResults(study: study, epochs: .last).map(\.epochs.count) == [1, 1, 0, 0])
    }

    @Test(arguments: [
        "UPDATE job_seals SET validation_loss = 7 WHERE job = 1", "UPDATE job_seals SET result = zeroblob(32) WHERE job = 3",
        "DELETE FROM job_seals WHERE job = 2",
    ])
    func `what was damaged under schema 4 is still found when it is opened for writing`(sql: String) throws {
        let (folder, study) = try settled()
        try asSchema4(folder, changed: sql)
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        #expect(throws: LedgerError.self) { try ledger.requireSealed(study: study) }
        try ledger.close()
        #expect(throws: LedgerError.self) { try LedgerReader(path: folder.ledger).cellResults(study: study, epochs: .last) }
    }
}
