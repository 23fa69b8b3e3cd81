import Coordination
import Digests
import Foundation
import GRDB
import Studies
import Testing

import LedgerStore

@Suite struct LedgerOpeningTests {
    let folder = TestFolder()

    private func error(_ body: () throws -> Void) -> LedgerError? {
        do {
            try body()
            return nil
        } catch {
            return error as? LedgerError
        }
    }

    /// A database made by something else.
    private func database(_ sql: String) throws {
        let queue = try DatabaseQueue(path: folder.ledger)
        try queue.inDatabase { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test func `a new ledger is made with its folders, in WAL mode, with synchronous FULL read back`() throws {
        let path = folder.path + "/a/b/ledger.sqlite"
        let ledger = try Ledger.open(path: path, now: noon)
        let durability = try ledger.durability()
        #expect(durability.journalMode == "wal")
        #expect(durability.synchronous == 2)
        #expect(ledger.path == path)
        try ledger.close()
        // And again, when the database exists.
        let again = try Ledger.open(path: path, now: noon)
        #expect(try again.durability().synchronous == 2)
    }

    /// Its tables are those of version 2, but for the kinds that a job may be.
    @Test func `a ledger from before commands takes them, and keeps what it has`() throws {
        let first = try Ledger.open(path: folder.ledger, now: noon)
        try first.register(study: study(), jobs: [planned("a")], cells: [], now: noon)
        try first.write { db in
            try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier IN ('v2 commands', 'v4 align')")
            try db.execute(sql: "PRAGMA writable_schema = ON")
            try db.execute(
                sql: "UPDATE sqlite_schema SET sql = replace(sql, ?, '') WHERE name = 'jobs'", arguments: [", 'command', 'noop', 'align'"])
            try db.execute(sql: "PRAGMA writable_schema = RESET")
        }
        try first.close()
        let queue = try DatabaseQueue(path: folder.ledger)
        let table = "SELECT sql FROM sqlite_schema WHERE name = 'jobs'"
        #expect(try queue.read { try String.fetchOne($0, sql: table)?.contains("noop") } == false)
        try queue.close()

        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        let jobs = [planned("a"), planned("b", .command), planned("c", .noop), planned("d", .align)]
        let registration = try ledger.register(study: study(), jobs: jobs, cells: [], now: noon)
        #expect(registration.known == 1 && registration.added == 3)
        #expect(try ledger.snapshot(study: registration.study).count { $0.isCentral } == 1)
        #expect(try ledger.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
        #expect(throws: (any Error).self) {
            try ledger.write { try $0.execute(sql: "INSERT INTO jobs (digest, kind) VALUES (zeroblob(32), 'else')") }
        }
    }

    @Test func `a ledger of an earlier build gets the tables of a new one, and refuses the same`() throws {
        let queue = try DatabaseQueue(path: folder.ledger)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA application_id = \(Schema.applicationID)") }
        try Schema.migrator.migrate(queue, upTo: "v4 align")
        try queue.write { try $0.execute(sql: "INSERT INTO jobs (digest, kind) VALUES (zeroblob(32), 'train')") }
        try queue.close()

        let tables = "SELECT name || coalesce(sql, '') FROM sqlite_schema WHERE type <> 'index' OR sql IS NOT NULL ORDER BY name"
        let new = try Ledger.open(path: folder.path + "/new.sqlite", now: noon)
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        #expect(try ledger.read { try String.fetchAll($0, sql: tables) } == new.read { try String.fetchAll($0, sql: tables) })
        #expect(try ledger.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
        let refusal = error {
            try ledger.write { try $0.execute(sql: "UPDATE jobs SET state = 'else', settled_at = 1") }
        }
        guard case .ruleBroken(_, let detail) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(detail.contains("state = 'open' OR state = 'finished'"))
    }

    /// Three of them a job: of a job that does nothing they were a fifth of the coordinator's work.
    @Test func `no statement that records an attempt or a result builds a table`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        for statement in [
            "INSERT INTO attempts (job, number, worker, state, started_at) VALUES (1, 1, 'w', 'running', 1)",
            "UPDATE attempts SET state = 'finished', ended_at = 1 WHERE job = 1 AND number = 1",
            "UPDATE jobs SET state = 'finished', settled_attempt = 1, settled_at = 1 WHERE id = 1",
        ] {
            let steps = try ledger.read { try Row.fetchAll($0, sql: "EXPLAIN " + statement).map { $0["opcode"] as String } }
            #expect(steps.contains("OpenWrite") && !steps.contains("OpenEphemeral"), "\(statement)")
        }
    }

    @Test func `GRDB's own WAL mode would leave synchronous at NORMAL`() throws {
        // Why the ledger sets both by hand; when this fails, the comment there can go.
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        let queue = try DatabaseQueue(path: folder.ledger, configuration: configuration)
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 1)
    }

    @Test func `a second writer is refused and told the first one's process`() throws {
        let first = try Ledger.open(path: folder.ledger, now: noon)
        let refusal = error { _ = try Ledger.open(path: folder.ledger, now: noon) }
        #expect(refusal == .inUse(path: folder.ledger, process: getpid()))
        #expect(
            refusal?.recoverySuggestion
                == "another coordinator is using this ledger (process \(getpid())): wait for it, or watch it with `sower status`")
        try first.close()
        try Ledger.open(path: folder.ledger, now: noon).close()
    }

    @Test func `a lock held by another process is refused, and free when that process is gone`() throws {
        let lock = folder.ledger + ".lock"
        let flock = "/usr/bin/flock"
        guard FileManager.default.isExecutableFile(atPath: flock) else { return }
        let other = Process()
        other.executableURL = URL(fileURLWithPath: flock)
        other.arguments = ["--no-fork", lock, "sh", "-c", "echo $$ > '\(lock)'; exec sleep 60"]
        try other.run()
        let deadline = Date().addingTimeInterval(60)
        while (LedgerLock.holder(ledger: folder.ledger) ?? 0) == 0 && Date() < deadline { usleep(5_000) }
        let refusal = error { _ = try Ledger.open(path: folder.ledger, now: noon) }
        #expect(refusal == .inUse(path: folder.ledger, process: other.processIdentifier))
        kill(other.processIdentifier, SIGKILL)
        while LedgerLock.holder(ledger: folder.ledger) != nil && Date() < deadline { usleep(5_000) }
        try Ledger.open(path: folder.ledger, now: noon).close()
    }

    @Test func `a file of no bytes becomes a ledger`() throws {
        #expect(FileManager.default.createFile(atPath: folder.ledger, contents: Data()))
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        try ledger.register(study: study(), jobs: [planned("a")], cells: [], now: noon)
    }

    @Test(arguments: [1, 99, 100, 511, 5000])
    func `a file that is no database is refused and left as it was`(bytes: Int) throws {
        let content = Data(repeating: UInt8(ascii: "x"), count: bytes)
        try content.write(to: URL(fileURLWithPath: folder.ledger))
        guard case .notALedger? = error({ _ = try Ledger.open(path: folder.ledger, now: noon) }) else {
            Issue.record("a file of \(bytes) bytes was taken")
            return
        }
        guard case .notALedger? = error({ _ = try LedgerReader(path: folder.ledger) }) else {
            Issue.record("a file of \(bytes) bytes was read")
            return
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.ledger)) == content)
    }

    @Test func `another program's database is refused and left as it was`() throws {
        try database("CREATE TABLE trials (id INTEGER PRIMARY KEY)")
        let content = try Data(contentsOf: URL(fileURLWithPath: folder.ledger))
        let expected = LedgerError.notALedger(path: folder.ledger, detail: "its application id is 0, expected \(0x534F5752)")
        #expect(error { _ = try Ledger.open(path: folder.ledger, now: noon) } == expected)
        #expect(error { _ = try LedgerReader(path: folder.ledger) } == expected)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.ledger)) == content)
    }

    @Test func `a newer schema is refused by writer and reader`() throws {
        try Ledger.open(path: folder.ledger, now: noon).close()
        try database("PRAGMA user_version = \(Schema.version + 1)")
        let expected = LedgerError.newerSchema(path: folder.ledger, actual: Schema.version + 1, supported: Schema.version)
        #expect(error { _ = try Ledger.open(path: folder.ledger, now: noon) } == expected)
        #expect(error { _ = try LedgerReader(path: folder.ledger) } == expected)
    }

    @Test func `a schema from before the first release is refused, left as it was, and the remedy named`() throws {
        try Ledger.open(path: folder.ledger, now: noon).close()
        try database("PRAGMA user_version = 1")
        let content = try Data(contentsOf: URL(fileURLWithPath: folder.ledger))
        let expected = LedgerError.olderSchema(path: folder.ledger, actual: 1, expected: Schema.version)
        #expect(error { _ = try Ledger.open(path: folder.ledger, now: noon) } == expected)
        #expect(error { _ = try LedgerReader(path: folder.ledger) } == expected)
        #expect(expected.recoverySuggestion?.contains("--results") == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.ledger)) == content)
    }

    @Test func `a truncated ledger is refused as damaged`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        try ledger.register(study: study(), jobs: (0..<500).map { planned("job \($0)") }, cells: [], now: noon)
        try ledger.close()
        let whole = try Data(contentsOf: URL(fileURLWithPath: folder.ledger))
        for pages in [1, 2, 10, whole.count / 4096 - 1] {
            try whole.prefix(pages * 4096).write(to: URL(fileURLWithPath: folder.ledger))
            guard case .damaged? = error({ _ = try Ledger.open(path: folder.ledger, now: noon) }) else {
                Issue.record("a ledger cut to \(pages) pages was opened")
                continue
            }
        }
    }

    @Test func `a page that was overwritten is found at open`() throws {
        let ledger = try Ledger.open(path: folder.ledger, now: noon)
        try ledger.register(study: study(), jobs: (0..<500).map { planned("job \($0)") }, cells: [], now: noon)
        try ledger.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: folder.ledger))
        let page = bytes.count / 4096 - 2
        for offset in 0..<200 { bytes[page * 4096 + offset] = 0xA5 }
        try bytes.write(to: URL(fileURLWithPath: folder.ledger))
        guard case .damaged? = error({ _ = try Ledger.open(path: folder.ledger, now: noon) }) else {
            Issue.record("a damaged ledger was opened")
            return
        }
    }

    @Test func `what was recorded survives an unclean end, from the files as they lay`() throws {
        let fixture = try Fixture()
        try fixture.record(.attemptStarted(attempt("a", 1), worker: "w1"))
        try fixture.record(.epoch(attempt("a", 1), metrics(1)))
        try fixture.record(.attemptStarted(attempt("b", 1), worker: "w2"), .jobSettled(result(attempt("b", 1))))
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: fixture.folder.ledger + suffix, toPath: folder.ledger + suffix)
        }
        let copy = try Ledger.open(path: folder.ledger, now: noon)
        #expect(try copy.snapshot(study: fixture.study) == fixture.ledger.snapshot(study: fixture.study))
        let open = try copy.openAttempts()
        #expect(open.map(\.attempt) == [attempt("a", 1)])
        #expect(open.map(\.worker) == ["w1"])
        let reader = try LedgerReader(path: folder.ledger)
        #expect(try reader.epochs(of: attempt("a", 1)) == [metrics(1)])
    }

    @Test func `a torn last transaction is as if it had never been`() throws {
        let fixture = try Fixture()
        try fixture.record(.event(kind: "test", text: "whole"))
        let whole = try writtenLog(of: fixture.folder.ledger).count
        try fixture.record(.event(kind: "test", text: "torn"))
        let database = try Data(contentsOf: URL(fileURLWithPath: fixture.folder.ledger))
        let log = try writtenLog(of: fixture.folder.ledger)
        for cut in [whole, whole + 1, whole + 24, whole + 2000, log.count - 1] {
            let copy = TestFolder()
            try database.write(to: URL(fileURLWithPath: copy.ledger))
            try log.prefix(cut).write(to: URL(fileURLWithPath: copy.ledger + "-wal"))
            let ledger = try Ledger.open(path: copy.ledger, now: noon)
            #expect(try LedgerReader(path: copy.ledger).recentEvents(limit: 5).map(\.text) == ["whole"])
            try ledger.close()
        }
    }

    @Test func `workers of a dead coordinator are gone until they greet again`() throws {
        let fixture = try Fixture()
        try fixture.ledger.close()
        let later = noon.addingTimeInterval(60)
        let ledger = try Ledger.open(path: fixture.folder.ledger, now: later)
        let reader = try LedgerReader(path: fixture.folder.ledger)
        #expect(try reader.workers().map(\.leftAt) == [later, later])
        try ledger.record([.workerJoined(hello("w1"))], now: later)
        #expect(try reader.workers().map(\.leftAt) == [nil, later])
    }

    @Test func `a closed ledger says so`() throws {
        let fixture = try Fixture()
        try fixture.ledger.close()
        #expect(error { try fixture.record(.event(kind: "a", text: "b")) } == .closed(path: fixture.folder.ledger))
    }

    @Test func `a checkpoint moves the log into the database while a reader looks on`() throws {
        let fixture = try Fixture()
        let reader = try fixture.reader()
        try fixture.ledger.checkpoint()
        #expect(try reader.stageCounts(study: fixture.study).count == 1)
    }

    @Test func `the mount that holds a path decides whether it is local`() {
        let mounts = """
            /dev/root / ext4 rw 0 0
            server:/home /home nfs4 rw 0 0
            alice@lab1: /home/alice/lab\\040one fuse.sshfs rw 0 0
            /dev/sdb /home/alice/scratch xfs rw 0 0
            """
        func type(_ path: String) -> String? { LedgerFile.fileSystemType(of: path, mounts: mounts) }
        #expect(type("/var/tmp") == "ext4")
        #expect(type("/homes") == "ext4")
        #expect(type("/home") == "nfs4")
        #expect(type("/home/bob/results") == "nfs4")
        #expect(type("/home/alice/lab one/results") == "fuse.sshfs")
        #expect(type("/home/alice/scratch/results") == "xfs")
        #expect(LedgerFile.networkTypes.isSuperset(of: ["nfs4", "fuse.sshfs"]))
        let here = URL(fileURLWithPath: folder.path).resolvingSymlinksInPath().path
        #expect(error { try LedgerFile.requireLocalFileSystem(folder.ledger, mounts: mounts) } == nil)
        #expect(
            error { try LedgerFile.requireLocalFileSystem(folder.ledger, mounts: mounts + "\nserver:/lab \(here) nfs4 rw 0 0\n") }
                == .networkFileSystem(path: folder.ledger, type: "nfs4"))
        #expect(LedgerFile.networkTypes.isDisjoint(with: ["ext4", "xfs", "tmpfs", "overlay", "fuseblk"]))
    }

    @Test func `a path below a file is refused with the folder named`() throws {
        #expect(FileManager.default.createFile(atPath: folder.path + "/file", contents: Data("x".utf8)))
        guard case .notWritable? = error({ _ = try Ledger.open(path: folder.path + "/file/ledger.sqlite", now: noon) }) else {
            Issue.record("a ledger was opened below a file")
            return
        }
    }

    @Test func `every error says what to do next, and SQLite's codes have their meanings`() {
        let path = "/results/ledger.sqlite"
        let meanings: [(ResultCode, LedgerError)] = [
            (.SQLITE_FULL, .diskFull(path: path)),
            (.SQLITE_IOERR_SHMSIZE, .diskFull(path: path)),
            (.SQLITE_CORRUPT, .damaged(path: path, detail: "m")),
            (.SQLITE_NOTADB, .notALedger(path: path, detail: "m")),
            (.SQLITE_BUSY, .locked(path: path)),
            (.SQLITE_BUSY_SNAPSHOT, .locked(path: path)),
            (.SQLITE_CONSTRAINT_TRIGGER, .ruleBroken(path: path, rule: "m")),
            (.SQLITE_READONLY, .notWritable(path: path, detail: "m")),
            (.SQLITE_IOERR_FSYNC, .io(path: path, detail: "m (code \(ResultCode.SQLITE_IOERR_FSYNC.rawValue))")),
            (.SQLITE_NOMEM, .database(path: path, code: 7, detail: "m")),
        ]
        for (code, expected) in meanings {
            let actual = LedgerError(DatabaseError(resultCode: code, message: "m"), path: path)
            #expect(actual == expected)
            #expect(actual.errorDescription?.contains(path) == true)
            #expect(actual.recoverySuggestion?.isEmpty == false)
        }
        #expect(LedgerError.diskFull(path: path).recoverySuggestion?.contains("df -h /results") == true)
    }
}
