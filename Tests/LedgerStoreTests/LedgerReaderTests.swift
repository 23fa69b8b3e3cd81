import Coordination
import Digests
import Foundation
import GRDB
import Studies
import Testing

import LedgerStore

@Suite struct LedgerReaderTests {
    @Test func `stages are counted by state`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .attemptStarted(attempt("b", 1), worker: "w1"),
            .jobSettled(result(attempt("b", 1))))
        let reader = try fixture.reader()
        #expect(
            try reader.stageCounts(study: fixture.study)
                == [StageCount(stage: "evaluate", waiting: 1, running: 1, finished: 1, diverged: 0, failed: 0)])
        #expect(try reader.workers().map(\.runningAttempts) == [1, 0])
        try fixture.record(.attemptFailed(attempt("a", 1), hostLost), .workerLeft(worker: "w1", reason: "silent"))
        #expect(try reader.stageCounts(study: fixture.study).first?.waiting == 2)
        #expect(try reader.workers().map(\.leaveReason) == ["silent", nil])
        #expect(try reader.stageCounts(study: StudyID(9)).isEmpty)
    }

    @Test func `cells come by arm as registered, pair as numbers, and replicate`() throws {
        let fixture = try Fixture()
        let places: [(String, [Int], Int)] = [
            ("z", [10, 14], 1), ("a", [2, 3], 0), ("z", [2, 3], 0), ("z", [10, 14], 0), ("a", [10, 14], 0), ("z", [2], 5),
        ]
        try fixture.ledger.register(
            study: study(), jobs: [planned("a")],
            cells: places.map { CellRecord(stage: "evaluate", arm: $0.0, pair: $0.1, replicate: $0.2, job: jobID("a")) },
            now: noon)
        let cells = try fixture.reader().cellResults(study: fixture.study)
        #expect(
            cells.map { "\($0.arm) \($0.pair) \($0.replicate)" } == [
                "z [2] 5", "z [2, 3] 0", "z [10, 14] 0", "z [10, 14] 1", "a [2, 3] 0", "a [10, 14] 0",
            ])
    }

    @Test func `a cell has the epochs of the attempt whose result stands, and of no other`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .epoch(attempt("a", 1), metrics(1, loss: 8)),
            .attemptFailed(attempt("a", 1), crash), .attemptStarted(attempt("a", 2), worker: "w2"),
            .jobSettled(result(attempt("a", 2))), .attemptStarted(attempt("b", 1), worker: "w2"),
            .epoch(attempt("b", 1), metrics(1)), .jobFailed(jobID("c"), attempt: nil, JobFailure(.input, "none")))
        let reader = try fixture.reader()
        let cells = try reader.cellResults(study: fixture.study)
        #expect(cells.map(\.state) == [.finished, .running, .failed])
        #expect(cells.map(\.epochs) == [[metrics(1), metrics(2)], [], []])
        #expect(cells.map(\.numericClass) == ["v1-haswell", nil, nil])
        #expect(cells.map(\.failure) == [nil, nil, RecordedFailure(code: "INPUT", message: "none")])
        #expect(cells[0].pair == [10, 14])
        #expect(try reader.cellResults(study: fixture.study, epochs: .last).map(\.epochs) == [[metrics(2)], [], []])
        #expect(try reader.cellResults(study: fixture.study, epochs: .none).map(\.epochs) == [[], [], []])
        #expect(try reader.cellResults(study: fixture.study, stage: "pretrain").isEmpty)
    }

    @Test func `each metric lies in the column of its name, also when the result corrects what was streamed`() throws {
        let fixture = try Fixture()
        func epoch(_ base: Double) -> EpochMetrics {
            EpochMetrics(
                epoch: 1, learningRate: base + 1, trainingLoss: base + 2, trainingAccuracy: base + 3,
                trainingTop5Accuracy: base + 4, validationLoss: base + 5, validationAccuracy: base + 6,
                validationTop5Accuracy: base + 7, images: 8, seconds: base + 9)
        }
        func stored() throws -> [Double] {
            try fixture.reader().read { db in
                let row = try #require(
                    try Row.fetchOne(
                        db,
                        sql: """
                            SELECT learning_rate, training_loss, training_accuracy, training_top5_accuracy, validation_loss,
                                validation_accuracy, validation_top5_accuracy, images, seconds FROM epochs
                            """))
                return (0..<9).map { row[$0] }
            }
        }
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), .epoch(attempt("a", 1), epoch(10)))
        #expect(try stored() == [11, 12, 13, 14, 15, 16, 17, 8, 19])
        #expect(try fixture.reader().epochs(of: attempt("a", 1)) == [epoch(10)])
        try fixture.record(.jobSettled(result(attempt("a", 1), epochs: [epoch(20)])))
        #expect(try stored() == [21, 22, 23, 24, 25, 26, 27, 8, 29])
        #expect(try fixture.reader().cellResults(study: fixture.study).first?.epochs == [epoch(20)])
    }

    @Test func `the rate counts epochs as they were streamed, not those that came with a result`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), .epoch(attempt("a", 1), metrics(1)))
        try fixture.ledger.record([.epoch(attempt("a", 1), metrics(2, images: 40))], now: noon.addingTimeInterval(60))
        try fixture.ledger.record(
            [.jobSettled(result(attempt("a", 1), epochs: [metrics(1), metrics(2, images: 40), metrics(3)]))],
            now: noon.addingTimeInterval(90))
        let reader = try fixture.reader()
        #expect(try reader.trainingRate(since: noon) == TrainingRate(epochs: 2, images: 140, seconds: 4))
        #expect(try reader.trainingRate(since: noon.addingTimeInterval(1)) == TrainingRate(epochs: 1, images: 40, seconds: 2))
        #expect(try reader.trainingRate(since: noon.addingTimeInterval(61)) == TrainingRate(epochs: 0, images: 0, seconds: 0))
    }

    @Test func `a job is found by the beginning of its id`() throws {
        let fixture = try Fixture()
        let reader = try fixture.reader()
        for digits in [6, 7, 12, 64] {
            let prefix = String(jobID("b").description.prefix(digits))
            #expect(try reader.job(prefix: prefix).id == jobID("b"))
            #expect(try reader.job(prefix: prefix.uppercased()).id == jobID("b"))
        }
        for prefix in ["", "xyz", "ffffffffffffffff", String(repeating: "0", count: 65)] {
            #expect(throws: LedgerError.unknownJob(prefix, path: reader.path)) { try reader.job(prefix: prefix) }
        }
        try fixture.ledger.register(study: study(), jobs: (0..<40).map { planned("job \($0)") }, cells: [], now: noon)
        let digits = (0..<40).map { String(jobID("job \($0)").description.prefix(1)) }
        let common = try #require(digits.first { digit in digits.count { $0 == digit } > 1 })
        #expect(throws: LedgerError.ambiguousJob(prefix: common, path: reader.path)) { try reader.job(prefix: common) }
    }

    @Test func `a reader neither makes nor changes a ledger`() throws {
        let folder = TestFolder()
        #expect(throws: LedgerError.missing(path: folder.ledger)) { try LedgerReader(path: folder.ledger) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        #expect(FileManager.default.createFile(atPath: folder.ledger, contents: Data()))
        #expect(throws: LedgerError.notALedger(path: folder.ledger, detail: "the file is empty")) {
            try LedgerReader(path: folder.ledger)
        }
        let fixture = try Fixture()
        let reader = try fixture.reader()
        #expect(try reader.read { try Int.fetchOne($0, sql: "PRAGMA query_only") } == 1, "beside the file being opened for reading only")
        for sql in ["DELETE FROM cells", "INSERT INTO events (at, kind, text) VALUES (1, 'a', 'b')"] {
            do {
                try reader.read { try $0.execute(sql: sql) }
                Issue.record("a reader wrote")
            } catch {
                guard case .notWritable = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test func `a reader follows a writer at work, and neither waits`() throws {
        let fixture = try Fixture()
        let reader = try fixture.reader()
        let ledger = fixture.ledger
        #expect(reader.coordinatorProcess == getpid())
        let done = DispatchGroup()
        DispatchQueue.global().async(group: done) {
            for number in 1...200 {
                try! ledger.record([.event(kind: "n", text: "\(number)"), .event(kind: "n", text: "\(number)")], now: noon)
            }
        }
        var seen = 0
        while done.wait(timeout: .now()) == .timedOut {
            // Both events of a transaction are seen, or none.
            let texts = try reader.recentEvents(limit: 2).map(\.text)
            #expect(Set(texts).count <= 1 && texts.count != 1)
            let latest = texts.first.flatMap { Int($0) } ?? 0
            #expect(latest >= seen)
            seen = latest
        }
        #expect(try reader.recentEvents(limit: 1).map(\.text) == ["200"])
        try ledger.close()
        #expect(reader.coordinatorProcess == nil)
        #expect(try reader.recentEvents(limit: 1).map(\.text) == ["200"])
    }

    @Test func `a ledger that was closed cleanly is read without a coordinator`() throws {
        let fixture = try Fixture()
        try fixture.ledger.close()
        #expect(LedgerFile.size(at: fixture.folder.ledger + "-wal") == nil)
        let reader = try fixture.reader()
        #expect(reader.copyFolder == nil)
        #expect(try reader.stageCounts(study: fixture.study).first?.waiting == 3)
    }

    @Test(arguments: [false, true])
    func `where no shared memory can be made, a private copy is read and removed`(hasLog: Bool) throws {
        let fixture = try Fixture()
        let folder = TestFolder()
        if hasLog {
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: fixture.folder.ledger + suffix, toPath: folder.ledger + suffix)
            }
        }
        try fixture.ledger.close()
        if !hasLog { try FileManager.default.copyItem(atPath: fixture.folder.ledger, toPath: folder.ledger) }
        // A link in the file's place keeps SQLite from making or following it, for every user.
        try FileManager.default.createSymbolicLink(
            atPath: folder.ledger + "-shm", withDestinationPath: folder.path + "/nowhere")
        var reader: LedgerReader? = try LedgerReader(path: folder.ledger)
        let copy = try #require(reader?.copyFolder)
        #expect(try reader?.stageCounts(study: fixture.study).first?.waiting == 3)
        #expect(FileManager.default.fileExists(atPath: copy))
        reader = nil
        #expect(!FileManager.default.fileExists(atPath: copy))
    }

    @Test func `frequent queries go through indexes`() throws {
        let fixture = try Fixture()
        let reader = try fixture.reader()
        func plan(_ sql: String, _ arguments: StatementArguments) throws -> [String] {
            try reader.read { db in
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: arguments).map { $0["detail"] }
            }
        }
        let plans: [String: [String]] = [
            "stageCounts": try plan(Queries.stageCounts, [1]), "openJob": try plan(Queries.openJob, [1]),
            "sealedJobs": try plan(Queries.sealedJobs, [1, 9]), "comparedJobs": try plan(Queries.comparedJobs, [1, 9]),
            "runningJobs": try plan(Queries.runningJobs, []),
            "epochs": try plan(Queries.epochs, [1, 1]),
            "trainingRate": try plan(Queries.trainingRate, [0]), "failures": try plan(Queries.failures, []),
        ]
        for (name, steps) in plans {
            for step in steps {
                // The indexes of failed jobs and of running attempts hold nothing else; everything else is looked up.
                let isBounded =
                    !step.hasPrefix("SCAN") || step.contains("INDEX failed_jobs") || step.hasPrefix("SCAN CONSTANT")
                    || step.contains("INDEX one_running_attempt_a_job")
                #expect(isBounded && !step.contains("TEMP B-TREE") && !step.contains("AUTOMATIC"), "\(name): \(step)")
            }
        }
        #expect(plans["stageCounts"]!.contains { $0.contains("SEARCH study_jobs USING PRIMARY KEY (study=?)") })
        #expect(plans["stageCounts"]!.contains { $0.contains("attempts USING") && $0.contains("one_running_attempt_a_job") })
        #expect(!plans["stageCounts"]!.contains { $0.contains("epochs") })
        #expect(plans["openJob"] == ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"])
        #expect(plans["sealedJobs"] == ["SEARCH job_seals USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"])
        #expect(plans["comparedJobs"]!.contains { $0.contains("SEARCH jobs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)") })
        #expect(plans["epochs"]!.contains { $0.contains("SEARCH epochs USING PRIMARY KEY (job=? AND attempt=?)") })
        #expect(plans["trainingRate"]!.contains { $0.contains("COVERING INDEX streamed_epochs (streamed_at>?)") })
    }
}
