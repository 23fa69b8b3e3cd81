import Failpoints
import Foundation
import Testing

@Suite struct FailpointPlanTests {
    @Test func `a plan names points, what happens there, and at which passes`() throws {
        let plan = try FailpointPlan(
            " ledger.commit.before=kill@3; outbox.sync.after=error(ENOSPC)@first ;worker.send.before=delay(20)@2+;")
        let expected: [Failpoint: FailpointPlan.Step] = [
            .ledgerCommitBefore: .init(action: .kill, hits: .only(3)),
            .outboxSyncAfter: .init(action: .error(ENOSPC), hits: .only(1)),
            .workerSendBefore: .init(action: .delay(milliseconds: 20), hits: .from(2)),
        ]
        #expect(plan.steps == expected)
        #expect(try FailpointPlan("runner.take.after=kill").steps[.runnerTakeAfter]?.hits == .every)
        #expect(try FailpointPlan("").steps.isEmpty)
    }

    @Test(arguments: [
        "ledger.commit.before", "ledger.commit.before=", "ledger.commit.before=die", "ledger.commit.before=kill@0",
        "ledger.commit.before=kill@-1", "ledger.commit.before=kill@last", "ledger.commit.before=kill@1@2", "ledger.commit.before=kill@+",
        "ledger.commit.before=error(ENONSENSE)", "ledger.commit.before=error()", "ledger.commit.before=delay(-1)",
        "ledger.commit.before=delay(600001)", "ledger.commit.before=delay(1", "ledger.commit.before=kill()",
    ])
    func `what is not of the form is refused with the entry`(text: String) {
        #expect(throws: FailpointError.malformed(entry: text)) { try FailpointPlan(text) }
    }

    @Test func `unknown names, names given twice and errors where nothing can fail are refused`() {
        #expect(throws: FailpointError.unknownName("ledger.commit")) { try FailpointPlan("ledger.commit=kill") }
        #expect(throws: FailpointError.unknownName("")) { try FailpointPlan("=kill") }
        #expect(throws: FailpointError.twice("ledger.commit.after")) {
            try FailpointPlan("ledger.commit.after=kill@1;ledger.commit.after=kill@2")
        }
        #expect(throws: FailpointError.cannotFail("worker.send.before")) { try FailpointPlan("worker.send.before=error(EIO)") }
        #expect(FailpointError.unknownName("ledger.commit").recoverySuggestion?.contains("ledger.commit.before") == true)
    }

    @Test func `every failpoint can be named, and its name tells where it is`() throws {
        for point in Failpoint.allCases {
            #expect(try FailpointPlan("\(point.rawValue)=kill@first").steps[point]?.action == .kill)
            #expect(point.rawValue.hasSuffix(".before") || point.rawValue.hasSuffix(".after"), "\(point)")
        }
    }

    @Test func `a tally in a file counts for all who share it, and says whose each count is`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/sower-tally-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try FailpointTally(path: path)
        let second = try FailpointTally(path: path)
        let numbers = [first, second, first].map { $0.count(.workerSendAfter) }
        #expect(numbers == [1, 2, 3])
        #expect(second.passes(of: .workerSendAfter) == 3 && second.passes(of: .workerSendBefore) == 0)
        let bytes = try #require(FileManager.default.contents(atPath: path))
        #expect(bytes.count == 64 * Failpoint.allCases.count)
        let record = try #require(bytes.firstRange(of: Data("worker.send.after\0".utf8))).lowerBound
        #expect(record % 64 == 0 && bytes[record + 56] == 3)
        #expect(throws: FailpointError.self) { try FailpointTally(path: "/nowhere/at/all") }
    }
}
