import Coordination
import Digests
import Dispatch
import Foundation
import GRDB
import LedgerStore
import Studies
import Testing

/// Large ledgers, which two threads read with a connection each.
@Suite struct SealedStudyTests {
    private let folder = TestFolder()
    private let ledger: Ledger
    private let study: StudyID
    private static let count = 3000

    private static func name(_ job: Int) -> String { "job \(job)" }

    /// Jobs of two stages in one order, cells in another, with one event that makes the file large.
    init() throws {
        ledger = try Ledger.open(path: folder.ledger, now: noon)
        let jobs = (0..<Self.count).map { planned(Self.name($0), stage: $0 % 3 == 0 ? "pretrain" : "evaluate") }
        let cells = (0..<Self.count).map { position in
            let job = position * 7 % Self.count
            return CellRecord(
                stage: "evaluate", arm: position % 2 == 0 ? "random" : "gabor", pair: [position % 5, 9], replicate: position,
                job: jobID(Self.name(job)))
        }
        study = try ledger.register(study: LedgerStoreTests.study(), jobs: jobs, cells: cells, now: noon).study
        try ledger.record([.workerJoined(hello("w1")), .event(kind: "note", text: String(repeating: "x", count: 17 << 20))], now: noon)
        try ledger.checkpoint()
        #expect(LedgerFile.size(at: folder.ledger) ?? 0 > 16 << 20)
    }

    private static func settle(_ jobs: [Int], in ledger: Ledger) throws {
        try ledger.record(
            jobs.flatMap { job -> [LedgerChange] in
                let attempt = LedgerStoreTests.attempt(name(job), 1)
                let outcome: AttemptOutcome = job % 11 == 0 ? .diverged(epoch: 2, step: job + 1) : .finished
                return [
                    .attemptStarted(attempt, worker: "w1"),
                    .jobSettled(result(attempt, outcome, epochs: [metrics(1), metrics(2, loss: Double(job)), metrics(3, loss: 0.5)])),
                ]
            }, now: noon)
    }

    @Test func `cells read by two threads are those that are read one after another`() throws {
        try Self.settle(Array(0..<Self.count / 2), in: ledger)
        try ledger.record(
            [
                .attemptStarted(attempt(Self.name(2000), 1), worker: "w1"), .attemptStarted(attempt(Self.name(2001), 1), worker: "w1"),
                .jobFailed(jobID(Self.name(2001)), attempt: attempt(Self.name(2001), 1), crash),
            ], now: noon)
        let reader = try LedgerReader(path: folder.ledger)
        for epochs in [LedgerReader.EpochSelection.all, .last, .none, .at(2)] {
            var expected: [CellRow] = []
            try reader.forEachCell(study: study, stages: ["evaluate"], epochs: epochs) {
                expected.append($0.cell); return true
            }
            #expect(expected.count == Self.count)
            #expect(try reader.cellResults(study: study, epochs: epochs) == expected)
        }
        let kept = Set(try reader.cellResults(study: study, epochs: .at(2)) { $0.epochs.map(\.epoch) })
        #expect(kept == [[2, 3], []])
        #expect(try reader.sealedStages(study: study) == reader.stageCounts(study: study))
        #expect(try reader.stageCounts(study: study).map(\.running).reduce(0, +) == 1)
    }

    @Test func `of damage in several places the same is named every time`() throws {
        try Self.settle(Array(0..<Self.count), in: ledger)
        let queue = try DatabaseQueue(path: folder.ledger)
        try queue.inDatabase { db in
            try db.execute(sql: "UPDATE job_seals SET record = zeroblob(200) WHERE job IN (900, 901, 1700, 2900)")
        }
        let first = try #require(try queue.read { try Data.fetchOne($0, sql: "SELECT digest FROM jobs WHERE id = 900") })
        try queue.close()
        let expected = LedgerError.damaged(
            path: folder.ledger,
            detail: "the result of job \(Digest(bytes: first)!.short) is not what was recorded: bits have changed on the disk or in memory")
        for _ in 0..<10 {
            let reader = try LedgerReader(path: folder.ledger)
            #expect(throws: expected) { try reader.requireSealed(study: study) }
            #expect(throws: expected) { try reader.cellResults(study: study, epochs: .last) }
        }
    }

    @Test func `two threads see one state while a coordinator writes`() throws {
        let last = Self.count - 1
        let writer = DispatchQueue(label: "writer")
        let group = DispatchGroup()
        group.enter()
        writer.async { [ledger] in
            defer { group.leave() }
            // What lies far apart is settled together.
            for job in 0..<Self.count / 2 { try! Self.settle([job, last - job], in: ledger) }
        }
        var seen: Set<Int> = []
        var isWriting = true
        while isWriting {
            isWriting = group.wait(timeout: .now()) == .timedOut
            let reader = try LedgerReader(path: folder.ledger)
            let settled = Set(try reader.cellResults(study: study, epochs: .none).filter { $0.state != .waiting }.map(\.job))
            let torn = (0..<Self.count / 2).filter { job in
                settled.contains(jobID(Self.name(job))) != settled.contains(jobID(Self.name(last - job)))
            }
            #expect(torn.isEmpty)
            seen.insert(settled.count)
        }
        #expect(seen.max() == Self.count && seen.count > 2)
    }

    @Test func `a study reads as its rows are, however its jobs lie`() throws {
        // Every other job belongs to an earlier study; stages alternate, priorities go down, and cells show some jobs twice, some of the
        // earlier study's, in no order.
        let shown = [5, 3, 3, 9, 1, 8, 2, 7, 4, 6, 11, 0]
        let jobs = (0..<Self.count).filter { $0 % 2 == 0 || $0 < 10 }.map {
            planned(Self.name($0), stage: $0 % 3 == 0 ? "pretrain" : "evaluate", priority: Self.count - $0)
        }
        let cells = shown.enumerated().map { position, job in
            CellRecord(
                stage: position % 4 == 0 ? "other" : "evaluate", arm: position % 3 == 0 ? "gabor" : "random", pair: [position % 2, 9],
                replicate: position, job: jobID(Self.name(job)))
        }
        let other = try ledger.register(study: LedgerStoreTests.study("other", definition: "{ }"), jobs: jobs, cells: cells, now: noon)
            .study
        try Self.settle(Array(0..<8), in: ledger)
        let reader = try LedgerReader(path: folder.ledger)
        try reader.requireSealed(study: other)
        for stage in ["evaluate", "other", "neither"] {
            var expected: [CellRow] = []
            try reader.forEachCell(study: other, stages: [stage]) {
                expected.append($0.cell); return true
            }
            #expect(try reader.cellResults(study: other, stage: stage) == expected)
            #expect(expected.count == (stage == "evaluate" ? 9 : stage == "other" ? 3 : 0))
        }
        #expect(try reader.sealedStages(study: other) == reader.stageCounts(study: other))
        #expect(try reader.sealedStages(study: study) == reader.stageCounts(study: study))
    }
}
