import Coordination
import Digests
import Foundation
import GRDB
import Studies
import Testing

import LedgerStore

/// A folder that is removed with the test.
final class TestFolder {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/ledger-tests-\(UUID().uuidString)"
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var ledger: String { path + "/ledger.sqlite" }
}

let noon = Date(timeIntervalSince1970: 1_700_000_000)

func jobID(_ name: String) -> JobID { JobID(Digest(of: name)) }

func attempt(_ job: String, _ number: Int) -> AttemptID { AttemptID(job: jobID(job), number: number) }

func planned(_ name: String, _ kind: JobKind = .train, stage: String = "evaluate", priority: Int = 0, inputs: [String] = [])
    -> PlannedJobRecord
{
    PlannedJobRecord(
        id: jobID(name), spec: Array("{\"name\":\"\(name)\"}".utf8), kind: kind, stage: stage, priority: priority,
        inputs: inputs.map(jobID))
}

func study(_ name: String = "demo", definition: String = "{}") -> StudyRecord {
    StudyRecord(name: name, definitionDigest: Digest(of: definition), definitionJSON: definition)
}

func metrics(_ epoch: Int, loss: Double = 1.5, images: Int = 100) -> EpochMetrics {
    EpochMetrics(
        epoch: epoch, learningRate: 0.1 / Double(epoch), trainingLoss: loss, trainingAccuracy: 50, trainingTop5Accuracy: 90,
        validationLoss: 1.25, validationAccuracy: 40 + Double(epoch), validationTop5Accuracy: 80 + Double(epoch),
        images: images, seconds: 2)
}

func hello(_ worker: String, host: String = "lab1", isCentral: Bool = false) -> Hello {
    Hello(
        worker: worker, host: host, processID: 42, slots: 2, isCentral: isCentral, numericClass: "v1-haswell", attempts: [])
}

func result(
    _ attempt: AttemptID, _ outcome: AttemptOutcome = .finished, epochs: [EpochMetrics] = [metrics(1), metrics(2)],
    artifacts: [ArtifactNotice] = []
) -> AttemptResult {
    AttemptResult(
        attempt: attempt, outcome: outcome, epochs: epochs, artifacts: artifacts, numericClass: "v1-haswell", seconds: 4)
}

func artifact(_ name: String) -> ArtifactNotice { ArtifactNotice(name: name, digest: Digest(of: name), size: 7) }

let crash = JobFailure(.crashed, "signal 9")
let hostLost = JobFailure(.hostLost, "silent for 31 s")

/// A ledger with jobs a, b, c of one study and workers w1 and w2.
struct Fixture {
    let folder = TestFolder()
    let ledger: Ledger
    let study: StudyID

    init() throws {
        ledger = try Ledger.open(path: folder.ledger, now: noon)
        study = try ledger.register(
            study: LedgerStoreTests.study(), jobs: ["a", "b", "c"].map { planned($0) },
            cells: ["a", "b", "c"].enumerated().map {
                CellRecord(stage: "evaluate", arm: "random", pair: [10, 14], replicate: $0.offset, job: jobID($0.element))
            }, now: noon
        ).study
        try ledger.record([.workerJoined(hello("w1")), .workerJoined(hello("w2", host: "lab2"))], now: noon)
    }

    func record(_ changes: LedgerChange...) throws(LedgerError) { try ledger.record(changes, now: noon) }

    func reader() throws(LedgerError) -> LedgerReader { try LedgerReader(path: folder.ledger) }

    /// Expects the schema to refuse, with this rule.
    func expectRefusal(_ rule: String, _ changes: LedgerChange..., at location: SourceLocation = #_sourceLocation) {
        #expect(throws: LedgerError.ruleBroken(path: ledger.path, rule: rule), sourceLocation: location) {
            try ledger.record(changes, now: noon)
        }
    }

    /// Expects plain SQL on the writing connection to be refused, with this rule.
    func expectRefusal(_ rule: String, sql: String, at location: SourceLocation = #_sourceLocation) {
        #expect(throws: LedgerError.ruleBroken(path: ledger.path, rule: rule), sourceLocation: location) {
            try ledger.write { try $0.execute(sql: sql) }
        }
    }
}

/// The write-ahead log without the zeros that are reserved for more: a header and whole frames.
func writtenLog(of ledger: String) throws -> Data {
    let log = try Data(contentsOf: URL(fileURLWithPath: ledger + "-wal"))
    let written = log.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    let frameBytes = 24 + 4096
    return log.prefix(32 + (written - 32 + frameBytes - 1) / frameBytes * frameBytes)
}
