import Coordination
import Digests
import Foundation
import GRDB
import Studies
import Testing

import LedgerStore

/// Times at 10⁶ epoch rows, printed. Takes about a minute, so it runs on request: `SOWER_SCALE=1 swift test`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SOWER_SCALE"] != nil)) struct LedgerScaleTests {
    private func timed<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        let clock = ContinuousClock()
        let start = clock.now
        let result = try body()
        print("scale: \(name): \((clock.now - start) / .milliseconds(1)) ms")
        return result
    }

    @Test(arguments: [(10_000, 100), (33_334, 30)])
    func `status is quick at a million epochs`(jobs: Int, epochs: Int) throws {
        print("scale: \(jobs) jobs of \(epochs) epochs")
        let folder = TestFolder()
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let names = (0..<jobs).map { "job \($0)" }
        let planned = names.map { LedgerStoreTests.planned($0) }
        let cells = names.enumerated().map {
            CellRecord(stage: "evaluate", arm: "arm \($0.offset % 20)", pair: [1, 2], replicate: $0.offset / 20, job: jobID($0.element))
        }
        let id = try timed("register") {
            try ledger.register(study: study(), jobs: planned, cells: cells, now: noon).study
        }
        try timed("register again") { _ = try ledger.register(study: study(), jobs: planned, cells: cells, now: noon) }
        try ledger.record([.workerJoined(hello("w1"))], now: noon)
        let all = (1...epochs).map { metrics($0) }
        try timed("record") {
            for first in stride(from: 0, to: jobs, by: 50) {
                var changes: [LedgerChange] = []
                for name in names[first..<min(first + 50, jobs)] {
                    let attempt = attempt(name, 1)
                    changes.append(.attemptStarted(attempt, worker: "w1"))
                    changes += all.map { .epoch(attempt, $0) }
                    if name.hashValue % 50 != 0 { changes.append(.jobSettled(result(attempt, epochs: all))) }
                }
                try ledger.record(changes, now: noon.addingTimeInterval(Double(first)))
            }
        }
        print("scale: \((LedgerFile.size(at: folder.ledger) ?? 0) >> 20) MiB")
        try timed("snapshot") { _ = try ledger.snapshot(study: id) }
        let status = try timed("status: open, counts, workers, failures, events, rate") {
            let reader = try LedgerReader(path: folder.ledger)
            let counts = try timed("stageCounts") { try reader.stageCounts(study: try reader.latestStudy()!.id) }
            _ = try reader.workers()
            _ = try reader.failures(study: id)
            _ = try reader.recentEvents(limit: 10)
            _ = try timed("rate") { try reader.trainingRate(since: noon.addingTimeInterval(Double(jobs) - 300)) }
            return counts
        }
        #expect(status.first?.total == jobs)
        let reader = try LedgerReader(path: folder.ledger)
        _ = try timed("seals") { try reader.requireSealed(study: id) }
        try timed("cells, no epochs") { _ = try reader.cellResults(study: id, epochs: .none) }
        try timed("cells, last epoch") { _ = try reader.cellResults(study: id, epochs: .last) }
        try timed("cells, all epochs") { _ = try reader.cellResults(study: id) }
        try timed("close") { try ledger.close() }
        try timed("open") { try Ledger.open(path: folder.ledger, now: noon).close() }
    }
}
