import Coordination
import LedgerStore
import Studies
import Testing

/// What exports read.
@Suite struct LedgerExportTests {
    private func fixture() throws -> Fixture {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
        try fixture.record(.attemptFailed(attempt("a", 1), crash))
        try fixture.record(.attemptStarted(attempt("a", 2), worker: "w2"))
        try fixture.record(.jobSettled(result(attempt("a", 2), artifacts: [artifact("weights")])))
        try fixture.record(.attemptStarted(attempt("b", 1), worker: "w1"))
        return fixture
    }

    @Test func `cells come in their order, with the attempt that counts`() throws {
        let fixture = try fixture()
        var cells: [RecordedCell] = []
        try fixture.reader().forEachCell(study: fixture.study, stages: ["pretrain", "evaluate"]) {
            cells.append($0); return true
        }
        #expect(cells.map(\.cell.state) == [.finished, .running, .waiting])
        #expect(
            cells.map(\.attempt) == [2, 1, nil] && cells.map(\.host) == ["lab2", "lab1", nil] && cells.map(\.worker) == ["w2", "w1", nil])
        #expect(cells[0].cell.epochs == [metrics(1), metrics(2)] && cells[1].cell.epochs.isEmpty)
        #expect(cells[0].startedAt == 1_700_000_000_000 && cells[0].settledAt == 1_700_000_000_000 && cells[1].endedAt == nil)
        #expect(try cells.map(\.cell) == fixture.reader().cellResults(study: fixture.study))
    }

    @Test func `whoever has seen enough gets no more`() throws {
        let fixture = try fixture()
        var count = 0
        try fixture.reader().forEachCell(study: fixture.study, stages: ["evaluate"], epochs: .none) { _ in
            count += 1; return false
        }
        #expect(count == 1)
    }

    @Test func `attempts that have ended, failed ones too`() throws {
        let fixture = try fixture()
        var attempts: [EndedAttempt] = []
        try fixture.reader().forEachEndedAttempt(study: fixture.study) {
            attempts.append($0); return true
        }
        #expect(attempts.map(\.attempt) == [1, 2] && attempts.map(\.number) == [1, 1] && attempts.map(\.state) == [.failed, .finished])
        #expect(
            attempts.map(\.host) == ["lab1", "lab2"] && attempts.map(\.outputBytes) == [0, 7] && attempts.map(\.inputBytes) == [0, 0])
    }

    @Test func `the digest of a study's progress changes with anything that an export shows`() throws {
        let fixture = try fixture()
        let before = try fixture.reader().progressDigest(study: fixture.study)
        #expect(try fixture.reader().progressDigest(study: fixture.study) == before)
        try fixture.record(.attemptFailed(attempt("b", 1), hostLost))
        let after = try fixture.reader().progressDigest(study: fixture.study)
        #expect(after != before)
        #expect(
            try fixture.reader().resultHosts(study: fixture.study) == [ResultHost(host: "lab2", numericClass: "v1-haswell", results: 1)])
    }
}
