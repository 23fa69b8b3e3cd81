import Coordination
import Digests
import Foundation
import GRDB
import Studies
import Testing

import LedgerStore

@Suite struct LedgerRegistrationTests {
    let folder = TestFolder()

    private let chain = [
        planned("pretrain", stage: "pretrain", priority: 1), planned("cluster", .cluster, stage: "cluster", inputs: ["pretrain"]),
        planned("sample", .sample, stage: "sample", inputs: ["cluster"]), planned("evaluate", inputs: ["sample"]),
    ]

    private func cell(_ arm: String, _ pair: [Int], _ replicate: Int, _ job: String) -> CellRecord {
        CellRecord(stage: "evaluate", arm: arm, pair: pair, replicate: replicate, job: jobID(job))
    }

    @Test func `registering twice changes nothing`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let cells = [cell("a", [1, 2], 0, "evaluate")]
        let first = try ledger.register(study: study(), jobs: chain, cells: cells, now: noon)
        #expect(first == Registration(study: first.study, added: 4, known: 0, reopened: 0))
        let before = try ledger.snapshot(study: first.study)
        let second = try ledger.register(study: study(), jobs: chain, cells: cells, now: noon.addingTimeInterval(9))
        #expect(second == Registration(study: first.study, added: 0, known: 4, reopened: 0))
        #expect(try ledger.snapshot(study: first.study) == before)
        #expect(try LedgerReader(path: folder.ledger).studies().map(\.createdAt) == [noon])
    }

    @Test func `the snapshot is what the dispatcher needs`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let id = try ledger.register(study: study(), jobs: chain, cells: [], now: noon).study
        try ledger.record(
            [
                .workerJoined(hello("w1")), .attemptStarted(attempt("pretrain", 1), worker: "w1"),
                .attemptFailed(attempt("pretrain", 1), hostLost), .attemptStarted(attempt("pretrain", 2), worker: "w1"),
                .attemptFailed(attempt("pretrain", 2), crash), .attemptStarted(attempt("pretrain", 3), worker: "w1"),
                .attemptFailed(attempt("pretrain", 3), JobFailure(.outOfMemory, "killed")),
                .attemptStarted(attempt("pretrain", 4), worker: "w1"),
                .jobSettled(result(attempt("pretrain", 4), artifacts: [artifact("weights"), artifact("a")])),
            ], now: noon)
        let entries = Dictionary(uniqueKeysWithValues: try ledger.snapshot(study: id).map { ($0.id, $0) })
        #expect(
            entries[jobID("pretrain")]
                == JobEntry(
                    id: jobID("pretrain"), spec: chain[0].spec, inputs: [], isCentral: false, isBroadcast: false, priority: 1,
                    state: .finished(artifacts: [artifact("weights"), artifact("a")]), lastAttempt: 4, crashes: 2,
                    lastEndedAttempt: 3, seconds: 4))
        #expect(
            entries[jobID("sample")]
                == JobEntry(
                    id: jobID("sample"), spec: chain[2].spec, inputs: [jobID("cluster")], isCentral: true, isBroadcast: true,
                    priority: 0))
        #expect(entries[jobID("cluster")]?.isCentral == true)
        #expect(entries[jobID("cluster")]?.isBroadcast == false)
        #expect(throws: LedgerError.unknownStudy("77", path: ledger.path)) { try ledger.snapshot(study: StudyID(77)) }
    }

    @Test func `the failures that count as crashes are the retry policy's`() {
        #expect(RetryPolicy.countedReasons == ["CRASHED", "OUT_OF_MEMORY", "DATA", "INPUT", "IO", "TIMEOUT"])
    }

    @Test func `failed jobs are open again when asked for, their crashes forgiven`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), .jobFailed(jobID("a"), attempt: attempt("a", 1), crash))
        let jobs = ["a", "b", "c"].map { planned($0) }
        #expect(try fixture.ledger.register(study: study(), jobs: jobs, cells: [], now: noon).reopened == 0)
        #expect(try fixture.ledger.register(study: study(), jobs: jobs, cells: [], retryFailed: true, now: noon).reopened == 1)
        let entry = try #require(try fixture.ledger.snapshot(study: fixture.study).first { $0.id == jobID("a") })
        #expect(entry.state == .open)
        #expect(entry.lastAttempt == 1)
        #expect(entry.crashes == 0)
        try fixture.record(.attemptStarted(attempt("a", 2), worker: "w1"), .attemptFailed(attempt("a", 2), crash))
        #expect(try fixture.ledger.snapshot(study: fixture.study).first { $0.id == jobID("a") }?.crashes == 1)
    }

    @Test func `a file job is central, its artifact announced, and it has its kind`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let spec = JobSpec.file(FileSpec(digest: Digest(of: "weights"), size: 7))
        #expect(JobKind(spec) == .file)
        let id = try ledger.register(
            study: study(),
            jobs: [
                PlannedJobRecord(
                    id: spec.id, spec: spec.canonicalJSON, kind: .file, stage: "file", priority: 0, inputs: []),
                PlannedJobRecord(
                    id: jobID("train"), spec: [1], kind: .train, stage: "evaluate", priority: 1, inputs: [spec.id]),
            ], cells: [], now: noon
        ).study
        let entries = try ledger.snapshot(study: id)
        #expect(entries.map(\.isCentral) == [true, false])
        #expect(entries.map(\.isBroadcast) == [true, false])
        #expect(entries[1].inputs == [spec.id])
        #expect(try LedgerReader(path: folder.ledger).job(prefix: spec.id.description).kind == .file)
    }

    @Test func `a changed study is a new one that shares the jobs both need`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let first = try ledger.register(study: study(), jobs: chain, cells: [cell("a", [1, 2], 0, "evaluate")], now: noon)
        let changed = study(definition: "{\"replicates\":2}")
        let second = try ledger.register(
            study: changed, jobs: chain + [planned("more")],
            cells: [cell("a", [1, 2], 0, "evaluate"), cell("a", [1, 2], 1, "more")], now: noon)
        #expect(second == Registration(study: second.study, added: 1, known: 4, reopened: 0))
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.cellResults(study: first.study).count == 1)
        #expect(try reader.cellResults(study: second.study).count == 2)
        #expect(try reader.latestStudy(name: "demo")?.id == second.study)
        // Going back to the first makes it the latest, whatever the clock says.
        try ledger.register(study: study(), jobs: chain, cells: [], now: noon.addingTimeInterval(-100))
        #expect(try reader.latestStudy(name: "demo")?.id == first.study)
        #expect(try reader.latestStudy()?.id == first.study)
        #expect(try reader.latestStudy(name: "other") == nil)
        // And its cells are those of the last registration.
        #expect(try reader.cellResults(study: first.study).isEmpty)
    }

    @Test func `stages, priorities and cells of a study are those of its last registration`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let id = try ledger.register(study: study(), jobs: [planned("a"), planned("b")], cells: [], now: noon).study
        try ledger.register(
            study: study(), jobs: [planned("b", stage: "late", priority: 5), planned("c", stage: "early")], cells: [], now: noon)
        #expect(try LedgerReader(path: folder.ledger).stageCounts(study: id).map(\.stage) == ["late", "early"])
        #expect(try ledger.snapshot(study: id).map(\.priority) == [0, 5])
        #expect(Set(try ledger.snapshot(study: id).map(\.id)) == [jobID("b"), jobID("c")])
    }

    @Test func `a registration that cannot be recorded leaves nothing behind`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        #expect(throws: LedgerError.unknownJob(jobID("nowhere").short, path: ledger.path)) {
            try ledger.register(study: study(), jobs: [planned("a", inputs: ["nowhere"])], cells: [], now: noon)
        }
        #expect(throws: LedgerError.unknownJob(jobID("nowhere").short, path: ledger.path)) {
            try ledger.register(study: study(), jobs: [planned("a")], cells: [cell("a", [1], 0, "nowhere")], now: noon)
        }
        #expect(throws: LedgerError.self) {
            try ledger.register(
                study: study(), jobs: [planned("a")], cells: [cell("a", [1], 0, "a"), cell("a", [1], 0, "a")], now: noon)
        }
        #expect(throws: LedgerError.self) {
            try ledger.register(study: study(), jobs: [planned("a", inputs: ["a"])], cells: [], now: noon)
        }
        #expect(throws: LedgerError.self) {
            try ledger.register(study: study(), jobs: [planned("a")], cells: [cell("a", [-1], 0, "a")], now: noon)
        }
        #expect(try LedgerReader(path: folder.ledger).studies().isEmpty)
        try ledger.register(study: study(), jobs: [planned("a")], cells: [], now: noon)
        var other = planned("a")
        other.spec = Array("{}".utf8)
        #expect(throws: LedgerError.invalid(path: ledger.path, detail: "job \(jobID("a").short) is known with another specification")) {
            try ledger.register(study: study(), jobs: [other], cells: [], now: noon)
        }
    }
}
