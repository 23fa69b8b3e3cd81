import Coordination
import Digests
import Foundation
import GRDB
import Studies
import Testing

import LedgerStore

@Suite struct LedgerRecordingTests {
    @Test func `a job goes from its lease through epochs to its result`() throws {
        let fixture = try Fixture()
        let reader = try fixture.reader()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
        #expect(try reader.job(prefix: jobID("a").short).state == .running)
        try fixture.record(.epoch(attempt("a", 1), metrics(1)), .epoch(attempt("a", 1), metrics(1)))
        let outcome = result(attempt("a", 1), artifacts: [artifact("weights"), artifact("filters")])
        try fixture.record(.jobSettled(outcome))
        let job = try reader.job(prefix: jobID("a").description)
        #expect(job.state == .finished)
        #expect(job.settledAttempt == 1)
        #expect(job.settledAt == noon)
        #expect(job.resultDigest == outcome.digest)
        #expect(job.numericClass == "v1-haswell")
        #expect(job.artifacts == outcome.artifacts)
        #expect(try reader.epochs(of: attempt("a", 1)) == outcome.epochs)
        #expect(try reader.attempts(jobID("a")).map(\.state) == [.finished])
    }

    @Test func `the result's epochs take the place of what was streamed`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .epoch(attempt("a", 1), metrics(1, loss: 9)),
            .epoch(attempt("a", 1), metrics(3)), .jobSettled(result(attempt("a", 1))))
        #expect(try fixture.reader().epochs(of: attempt("a", 1)) == [metrics(1), metrics(2)])
    }

    @Test func `a checkpoint is handed out until its job is settled, and only a later one takes its place`() throws {
        let fixture = try Fixture()
        func checkpoint(_ epoch: Int) -> JobCheckpoint {
            JobCheckpoint(
                checkpoint: Checkpoint(epoch: epoch, artifact: artifact("after \(epoch)")), numericClass: "v1-haswell")
        }
        func remembered() throws -> JobCheckpoint? {
            try fixture.ledger.snapshot(study: fixture.study).first { $0.id == jobID("a") }?.checkpoint
        }
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .checkpointed(jobID("a"), checkpoint(2)),
            .checkpointed(jobID("a"), checkpoint(5)))
        #expect(try remembered() == checkpoint(5))
        #expect(try fixture.ledger.knownArtifacts() == [artifact("after 5").digest])
        #expect(throws: LedgerError.self) { try fixture.record(.checkpointed(jobID("a"), checkpoint(4))) }
        try fixture.record(.jobSettled(result(attempt("a", 1))))
        #expect(try remembered() == nil)
        #expect(try fixture.ledger.knownArtifacts().isEmpty)
        #expect(throws: LedgerError.self) { try fixture.record(.checkpointed(jobID("a"), checkpoint(9))) }
    }

    @Test func `a diverged training is a result, with its step and with NaN`() throws {
        let fixture = try Fixture()
        let epochs = [metrics(1), metrics(2, loss: .nan), metrics(3, loss: .infinity)]
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"),
            .jobSettled(result(attempt("a", 1), .diverged(epoch: 2, step: 17), epochs: epochs)))
        let job = try fixture.reader().job(prefix: jobID("a").short)
        #expect(job.state == .diverged)
        #expect(job.divergedAt == DivergencePoint(epoch: 2, step: 17))
        let losses = try fixture.reader().epochs(of: attempt("a", 1)).map(\.trainingLoss)
        #expect(losses[0] == 1.5)
        #expect(losses[1].isNaN)
        #expect(losses[2] == .infinity)
        #expect(try fixture.ledger.snapshot(study: fixture.study).first { $0.id == jobID("a") }?.state == .ended(.diverged))
    }

    @Test func `a late result of an attempt that was given up settles the job and supersedes the running one`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .attemptFailed(attempt("a", 1), hostLost),
            .attemptStarted(attempt("a", 2), worker: "w2"), .epoch(attempt("a", 2), metrics(1)),
            .jobSettled(result(attempt("a", 1))))
        let attempts = try fixture.reader().attempts(jobID("a"))
        #expect(attempts.map(\.state) == [.finished, .superseded])
        #expect(attempts.map(\.failure) == [nil, nil])
        #expect(attempts[1].note == "attempt 1 had its result first")
        #expect(attempts[1].lastEpoch == 1)
    }

    @Test func `a worker that was given up and comes back goes on with its attempt`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), .attemptFailed(attempt("a", 1), hostLost))
        #expect(try fixture.reader().job(prefix: jobID("a").short).state == .waiting)
        try fixture.record(.epoch(attempt("a", 1), metrics(1)))
        #expect(try fixture.reader().job(prefix: jobID("a").short).state == .running)
        try fixture.record(.attemptFailed(attempt("a", 1), crash))
        try fixture.record(.attemptFailed(attempt("a", 1), crash))
        let attempts = try fixture.reader().attempts(jobID("a"))
        #expect(attempts.map(\.failure?.code) == ["CRASHED"])
        #expect(try fixture.ledger.snapshot(study: fixture.study).first { $0.id == jobID("a") }?.crashes == 1)
    }

    @Test func `an attempt of a dead coordinator gives way to a new one, any other does not`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
        try fixture.ledger.close()
        let ledger = try Ledger.open(path: fixture.folder.ledger, now: noon)
        try ledger.record([.attemptStarted(attempt("a", 2), worker: "w2")], now: noon)
        #expect(try fixture.reader().attempts(jobID("a")).map(\.state) == [.superseded, .running])
        #expect(throws: LedgerError.ruleBroken(path: ledger.path, rule: "UNIQUE constraint failed: attempts.job")) {
            try ledger.record([.attemptStarted(attempt("a", 3), worker: "w1")], now: noon)
        }
        // The old worker's result is still as good as any.
        try ledger.record([.jobSettled(result(attempt("a", 1)))], now: noon)
        #expect(try fixture.reader().attempts(jobID("a")).map(\.state) == [.finished, .superseded])
    }

    @Test func `a job fails for good with or without an attempt`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .jobFailed(jobID("a"), attempt: attempt("a", 1), crash),
            .jobFailed(jobID("b"), attempt: nil, JobFailure(.input, "no artifacts")))
        let failures = try fixture.reader().failures()
        #expect(Set(failures.map(\.failure.code)) == ["CRASHED", "INPUT"])
        #expect(Set(failures.map(\.host)) == ["lab1", nil])
        #expect(try fixture.reader().failures(study: fixture.study).count == 2)
        #expect(throws: LedgerError.self) { try fixture.reader().failures(study: StudyID(99)) }
        let states = try fixture.ledger.snapshot(study: fixture.study).map { ($0.id, $0.state) }
        #expect(states.filter { $0.1 == .ended(.failed) }.count == 2)
    }

    @Test func `a failed job is settled by a result that comes late, in the transaction that opens it again`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .attemptStarted(attempt("a", 1), worker: "w1"), .attemptFailed(attempt("a", 1), hostLost),
            .attemptStarted(attempt("a", 2), worker: "w2"), .jobFailed(jobID("a"), attempt: attempt("a", 2), crash))
        let late = result(attempt("a", 1), artifacts: [artifact("weights")])
        fixture.expectRefusal("a settled job gets no more epochs", .jobSettled(late))
        try fixture.record(.jobReopened(jobID("a")), .jobSettled(late))
        #expect(try fixture.reader().attempts(jobID("a")).map(\.state) == [.finished, .failed])
        #expect(try fixture.reader().failures().isEmpty)
        try fixture.ledger.requireSealed(study: fixture.study)
    }

    @Test func `what a person canceled is told apart from what failed`() throws {
        let fixture = try Fixture()
        try fixture.record(
            .jobFailed(jobID("a"), attempt: nil, JobFailure(.canceled, "canceled by a person")),
            .jobFailed(jobID("b"), attempt: nil, JobFailure(.input, "no artifacts")))
        let entries = try fixture.ledger.snapshot(study: fixture.study)
        #expect(
            entries.first { $0.id == jobID("a") }?.state == .canceled && entries.first { $0.id == jobID("b") }?.state == .ended(.failed))
    }

    @Test func `a refused change takes the whole transaction back`() throws {
        let fixture = try Fixture()
        fixture.expectRefusal(
            "attempt numbers strictly increase", .event(kind: "first", text: "of the transaction"),
            .attemptStarted(attempt("a", 2), worker: "w1"), .attemptFailed(attempt("a", 2), crash),
            .attemptStarted(attempt("a", 2), worker: "w1"))
        #expect(try fixture.reader().recentEvents(limit: 1).isEmpty)
        #expect(try fixture.reader().attempts(jobID("a")).isEmpty)
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
    }

    @Test func `attempt numbers strictly increase`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 3), worker: "w1"), .attemptFailed(attempt("a", 3), hostLost))
        for number in [1, 2, 3] {
            fixture.expectRefusal("attempt numbers strictly increase", .attemptStarted(attempt("a", number), worker: "w1"))
        }
        fixture.expectRefusal("CHECK constraint failed: number >= 1", .attemptStarted(attempt("b", 0), worker: "w1"))
    }

    @Test func `a job has one live lease`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
        fixture.expectRefusal("UNIQUE constraint failed: attempts.job", .attemptStarted(attempt("a", 2), worker: "w2"))
    }

    @Test func `a settled job stays settled`() throws {
        let fixture = try Fixture()
        let settled = LedgerChange.jobSettled(result(attempt("a", 1), artifacts: [artifact("weights")]))
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), settled)
        fixture.expectRefusal("a settled job gets no more epochs", settled)
        fixture.expectRefusal("the epochs of a settled job stay", .jobSettled(result(attempt("a", 1), epochs: [])))
        fixture.expectRefusal("a settled job gets no more epochs", .epoch(attempt("a", 1), metrics(9)))
        fixture.expectRefusal("a settled job gets no new attempt", .attemptStarted(attempt("a", 2), worker: "w1"))
        fixture.expectRefusal("a settled job never changes", .jobFailed(jobID("a"), attempt: nil, crash))
        fixture.expectRefusal("a settled job never changes", sql: "UPDATE jobs SET seconds = 0 WHERE state = 'finished'")
        fixture.expectRefusal("the epochs of a settled job never change", sql: "UPDATE epochs SET validation_accuracy = 99")
        fixture.expectRefusal("the epochs of a settled job stay", sql: "DELETE FROM epochs")
        fixture.expectRefusal("an artifact never changes", sql: "UPDATE artifacts SET size = 0")
        fixture.expectRefusal("an artifact stays", sql: "DELETE FROM artifacts")
        fixture.expectRefusal("a settled attempt never changes", sql: "UPDATE attempts SET ended_at = 9")
        fixture.expectRefusal("an attempt is never deleted", sql: "DELETE FROM attempts")
        fixture.expectRefusal("a job is never deleted", sql: "DELETE FROM jobs")
    }

    @Test func `a failed job can only be reopened`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), .jobFailed(jobID("a"), attempt: attempt("a", 1), crash))
        fixture.expectRefusal("a settled job gets no more epochs", .jobSettled(result(attempt("a", 1))))
        fixture.expectRefusal("a failed job can only be reopened", .jobFailed(jobID("a"), attempt: nil, crash))
        fixture.expectRefusal("a settled job gets no new attempt", .attemptStarted(attempt("a", 2), worker: "w1"))
        #expect(throws: LedgerError.self) { try fixture.record(.epoch(attempt("a", 1), metrics(1))) }
    }

    @Test func `states, attempts and reasons agree, whoever writes`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
        let a = "WHERE digest = x'\(jobID("a"))'"
        fixture.expectRefusal(
            "a settled job has no running attempt",
            sql: "UPDATE jobs SET state = 'failed', failure_reason = 'X', settled_at = 1 \(a)")
        try fixture.record(.attemptFailed(attempt("a", 1), crash))
        fixture.expectRefusal(
            "a job ends as its attempt did", sql: "UPDATE jobs SET state = 'finished', settled_attempt = 1 \(a)")
        fixture.expectRefusal("CHECK constraint failed: a failed job has a reason", sql: "UPDATE jobs SET failure_reason = 'X'")
        fixture.expectRefusal("CHECK constraint failed: a settled job has a time", sql: "UPDATE jobs SET settled_at = 1")
        fixture.expectRefusal(
            "CHECK constraint failed: a job with a result names its attempt", sql: "UPDATE jobs SET settled_attempt = 1 \(a)")
        fixture.expectRefusal(
            "CHECK constraint failed: an attempt that ended has a time", sql: "UPDATE attempts SET ended_at = NULL")
        fixture.expectRefusal(
            "CHECK constraint failed: a failed attempt has a reason", sql: "UPDATE attempts SET reason = NULL")
        fixture.expectRefusal("an attempt keeps its number and worker", sql: "UPDATE attempts SET number = 5")
        fixture.expectRefusal("a job keeps its identity", sql: "UPDATE jobs SET kind = 'sample'")
        fixture.expectRefusal("a new job is open", sql: "INSERT INTO jobs (digest, kind, state) VALUES (zeroblob(32), 'train', 'failed')")
        fixture.expectRefusal("FOREIGN KEY constraint failed", .attemptStarted(attempt("b", 1), worker: "nobody"))
        try fixture.record(.attemptStarted(attempt("a", 2), worker: "w1"), .attemptFailed(attempt("a", 2), crash))
        fixture.expectRefusal("only the newest attempt of an open job can go on", .epoch(attempt("a", 1), metrics(1)))
    }

    @Test func `what was never started or heard of cannot be recorded`() throws {
        let fixture = try Fixture()
        fixture.expectRefusal("FOREIGN KEY constraint failed", .epoch(attempt("a", 1), metrics(1)))
        #expect(throws: LedgerError.unknownJob(jobID("z").short, path: fixture.ledger.path)) {
            try fixture.record(.attemptStarted(attempt("z", 1), worker: "w1"))
        }
        for change in [
            LedgerChange.attemptFailed(attempt("a", 1), crash), .jobSettled(result(attempt("a", 1), epochs: [])),
            .workerLeft(worker: "nobody", reason: "gone"), .jobFailed(jobID("a"), attempt: attempt("b", 1), crash),
            .jobSettled(result(attempt("a", 1), .failed(crash))),
        ] {
            do {
                try fixture.record(change)
                Issue.record("\(change) was recorded")
            } catch {
                guard case .invalid = error else {
                    Issue.record("\(change) gave \(error)")
                    continue
                }
            }
        }
    }

    @Test func `an artifact name is given once a job`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
        fixture.expectRefusal(
            "UNIQUE constraint failed: artifacts.job, artifacts.name",
            .jobSettled(result(attempt("a", 1), artifacts: [artifact("x"), artifact("x")])))
    }

    @Test func `256 changes make one transaction`() throws {
        let fixture = try Fixture()
        try fixture.ledger.record((0..<256).map { .event(kind: "n", text: "\($0)") }, now: noon)
        #expect(try fixture.reader().recentEvents(limit: 2).map(\.text) == ["255", "254"])
        try fixture.ledger.record([], now: noon)
    }

    @Test func `a full disk loses nothing that was recorded, and recording goes on when there is room`() throws {
        let fixture = try Fixture()
        try fixture.record(.event(kind: "n", text: "before"))
        func limit(pages: Int) throws {
            try fixture.ledger.queue.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
        }
        // The limit is never below the present size.
        try limit(pages: 1)
        let large = (0..<200).map { LedgerChange.event(kind: "\($0)", text: String(repeating: "x", count: 1000)) }
        #expect(throws: LedgerError.diskFull(path: fixture.ledger.path)) { try fixture.ledger.record(large, now: noon) }
        #expect(try fixture.reader().recentEvents(limit: 9).map(\.text) == ["before"])
        try limit(pages: 1_000_000)
        try fixture.ledger.record(large, now: noon)
        #expect(try fixture.reader().recentEvents(limit: 1).map(\.kind) == ["199"])
    }

    @Test func `commits are synced also after a refused change and a checkpoint`() throws {
        let fixture = try Fixture()
        fixture.expectRefusal("FOREIGN KEY constraint failed", .epoch(attempt("a", 1), metrics(1)))
        try fixture.ledger.checkpoint()
        #expect(try fixture.ledger.durability().synchronous == 2)
    }

    /// The writer remembers what it has streamed; nothing of a transaction that was rolled back may be among it.
    @Test func `after a refused transaction a result's epochs are recorded all the same`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), .epoch(attempt("a", 1), metrics(1)))
        fixture.expectRefusal(
            "attempt numbers strictly increase", .epoch(attempt("a", 1), metrics(2)), .attemptStarted(attempt("a", 1), worker: "w1"))
        try fixture.record(.jobSettled(result(attempt("a", 1))))
        #expect(try fixture.reader().epochs(of: attempt("a", 1)) == [metrics(1), metrics(2)])
    }

    @Test func `a result with other epochs than were streamed replaces them, one with the same leaves them as they are`() throws {
        let fixture = try Fixture()
        for name in ["a", "b"] {
            try fixture.record(.attemptStarted(attempt(name, 1), worker: "w1"))
            for epoch in 1...3 { try fixture.record(.epoch(attempt(name, 1), metrics(epoch))) }
        }
        let same = (1...3).map { metrics($0) }
        try fixture.record(.jobSettled(result(attempt("a", 1), epochs: same)))
        #expect(try fixture.reader().epochs(of: attempt("a", 1)) == same)
        let other = [metrics(1), metrics(2, loss: 9)]
        try fixture.record(.jobSettled(result(attempt("b", 1), epochs: other)))
        #expect(try fixture.reader().epochs(of: attempt("b", 1)) == other)
    }

    @Test func `the result of an older attempt ends the newer one that runs`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"), .attemptFailed(attempt("a", 1), hostLost))
        try fixture.record(.attemptStarted(attempt("a", 2), worker: "w2"), .epoch(attempt("a", 2), metrics(1)))
        try fixture.record(.jobSettled(result(attempt("a", 1))))
        let states = try fixture.reader().attempts(jobID("a")).map(\.state)
        #expect(states == [.finished, .superseded])
    }
}
