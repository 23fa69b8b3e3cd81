import GRDB

/// The ledger's tables. The dispatcher's invariants stand here again, as constraints and triggers: a bug above may stop
/// a sweep, but it cannot make the ledger say something untrue.
///
/// Times are milliseconds since 1970 UTC. A metric that is NaN is stored as NULL, since SQLite has no NaN.
package enum Schema {
    /// "SOWR" in the file header: other programs' databases are never touched.
    package static let applicationID: Int32 = 0x534F_5752
    /// The `user_version` that this build writes and reads. Version 1 was never released and is refused: it has no top-5
    /// accuracies, and a table must not mix results with and without them.
    package static let version = 6
    /// The oldest version that opening a ledger for writing brings up to date.
    package static let oldestVersion = 2

    /// Migrations never change once they have been shipped; a change of schema is a new one.
    package static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v2") { db in
            try db.execute(sql: studies + jobs + attempts + results + hosts)
            try db.execute(sql: "PRAGMA user_version = 2")
        }
        // Readers of version 2 read this as well, so the version stays.
        migrator.registerMigration("v2 commands", foreignKeyChecks: .immediate) { db in try allowCommands(db) }
        migrator.registerMigration("v3") { db in
            try db.execute(sql: "CREATE TABLE job_seals (job INTEGER PRIMARY KEY) STRICT")
            try db.execute(sql: "CREATE TABLE study_seals (study INTEGER PRIMARY KEY) STRICT; " + Seals.trigger)
            try db.execute(sql: "PRAGMA user_version = 3")
        }
        // The seals of version 3 are made anew, as version 6 has them.
        migrator.registerMigration("v4") { db in
            try db.execute(sql: "DROP TABLE job_seals; DROP TABLE study_seals; " + Seals.jobTable + Seals.studyTable)
            try Seals.sealAll(db)
            try db.execute(sql: "PRAGMA user_version = 5")
        }
        // Readers of version 4 read this as well, as long as no job of the new kind is in it.
        migrator.registerMigration("v4 align", foreignKeyChecks: .immediate) { db in
            try replace(in: "jobs", db, "'sample', 'file', 'command', 'noop')", by: "'sample', 'file', 'command', 'noop', 'align')")
        }
        // What the constraints say is the same, so readers of version 4 read this as well.
        migrator.registerMigration("v4 faster", foreignKeyChecks: .immediate) { db in try recordFaster(db) }
        migrator.registerMigration("v5", foreignKeyChecks: .immediate) { db in
            try Seals.renewResults(db)
            try db.execute(sql: "PRAGMA user_version = 5")
        }
        migrator.registerMigration("v6", foreignKeyChecks: .immediate) { db in
            try Seals.renewGrids(db)
            try db.execute(sql: "PRAGMA user_version = 6")
        }
        return migrator
    }

    /// Lets jobs be commands and no-ops.
    private static func allowCommands(_ db: Database) throws {
        try replace(
            in: "jobs", db, "kind IN ('train', 'cluster', 'sample', 'file')",
            by: "kind IN ('train', 'cluster', 'sample', 'file', 'command', 'noop')")
    }

    /// Makes the recording of an attempt and of a result cheaper. For a list of more than two values SQLite builds a table in memory at
    /// every statement, comparisons cost nothing; and few attempts run at a time, so that one index of them is enough.
    private static func recordFaster(_ db: Database) throws {
        for (table, states) in [
            ("jobs", ["open", "finished", "diverged", "failed"]),
            ("attempts", ["running", "finished", "diverged", "failed", "superseded"]),
        ] {
            let list = states.map { "'\($0)'" }.joined(separator: ", ")
            try replace(in: table, db, "state IN (\(list))", by: states.map { "state = '\($0)'" }.joined(separator: " OR "))
        }
        try db.execute(sql: "DROP INDEX running_attempts")
    }

    /// Changes a CHECK of a table. SQLite cannot alter a CHECK; what only adds to one, or says the same, may be edited in the schema's
    /// own text, which leaves every row as it is. Source: https://www.sqlite.org/lang_altertable.html, section 7.
    private static func replace(in table: String, _ db: Database, _ text: String, by replacement: String) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA schema_version") ?? 0
        try db.execute(sql: "PRAGMA writable_schema = ON")
        try db.execute(
            sql: "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
            arguments: [text, replacement, table])
        try db.execute(sql: "PRAGMA schema_version = \(version + 1)")
        try db.execute(sql: "PRAGMA writable_schema = RESET")
    }

    private static let studies = """
        CREATE TABLE studies (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
            definition_digest BLOB NOT NULL UNIQUE CHECK (length(definition_digest) = 32),
            definition TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            -- Counts registrations, so that the latest study does not depend on the clock.
            registration INTEGER NOT NULL UNIQUE
        ) STRICT;
        CREATE INDEX studies_by_name ON studies (name, registration);

        CREATE TABLE stages (
            study INTEGER NOT NULL REFERENCES studies (id),
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            PRIMARY KEY (study, position),
            UNIQUE (study, name)
        ) STRICT, WITHOUT ROWID;

        """

    private static let jobs = """
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
            kind TEXT NOT NULL CHECK (kind IN ('train', 'cluster', 'sample', 'file')),
            state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'finished', 'diverged', 'failed')),
            settled_attempt INTEGER,
            settled_at INTEGER,
            result_digest BLOB CHECK (length(result_digest) = 32),
            numeric_class TEXT,
            seconds REAL,
            diverged_epoch INTEGER CHECK (diverged_epoch >= 1),
            diverged_step INTEGER CHECK (diverged_step >= 1),
            failure_reason TEXT,
            failure_message TEXT,
            -- Attempts up to this number do not count against the crash limit: the job was reopened after them.
            forgiven_attempts INTEGER NOT NULL DEFAULT 0,
            CONSTRAINT "a job with a result names its attempt"
                CHECK ((state IN ('finished', 'diverged')) = (settled_attempt IS NOT NULL)),
            CONSTRAINT "a job with a result has its digest"
                CHECK ((state IN ('finished', 'diverged')) = (result_digest IS NOT NULL)),
            CONSTRAINT "a job with a result has its numeric class"
                CHECK ((state IN ('finished', 'diverged')) = (numeric_class IS NOT NULL)),
            CONSTRAINT "a diverged job has the step" CHECK ((state = 'diverged') = (diverged_epoch IS NOT NULL)),
            CONSTRAINT "a diverged job has the epoch" CHECK ((state = 'diverged') = (diverged_step IS NOT NULL)),
            CONSTRAINT "a failed job has a reason" CHECK ((state = 'failed') = (failure_reason IS NOT NULL)),
            CONSTRAINT "a settled job has a time" CHECK ((state <> 'open') = (settled_at IS NOT NULL)),
            FOREIGN KEY (id, settled_attempt) REFERENCES attempts (job, number)
        ) STRICT;
        CREATE INDEX failed_jobs ON jobs (settled_at) WHERE state = 'failed';

        -- Apart from jobs: counting states should not read specifications.
        CREATE TABLE specs (
            job INTEGER PRIMARY KEY REFERENCES jobs (id),
            json BLOB NOT NULL CHECK (length(json) BETWEEN 1 AND 24576)
        ) STRICT;

        CREATE TABLE job_inputs (
            job INTEGER NOT NULL REFERENCES jobs (id),
            position INTEGER NOT NULL,
            input INTEGER NOT NULL REFERENCES jobs (id) CHECK (input <> job),
            PRIMARY KEY (job, position)
        ) STRICT, WITHOUT ROWID;

        -- A job may belong to several studies, in each with its own stage and priority.
        CREATE TABLE study_jobs (
            study INTEGER NOT NULL,
            stage INTEGER NOT NULL,
            job INTEGER NOT NULL REFERENCES jobs (id),
            priority INTEGER NOT NULL,
            PRIMARY KEY (study, stage, job),
            UNIQUE (study, job),
            FOREIGN KEY (study, stage) REFERENCES stages (study, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE cells (
            study INTEGER NOT NULL REFERENCES studies (id),
            stage TEXT NOT NULL,
            -- By arm as registered, pair as numbers, replicate: the order of every table.
            position INTEGER NOT NULL,
            arm TEXT NOT NULL,
            pair TEXT NOT NULL,
            replicate INTEGER NOT NULL,
            job INTEGER NOT NULL REFERENCES jobs (id),
            PRIMARY KEY (study, stage, position),
            UNIQUE (study, stage, arm, pair, replicate)
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER jobs_settle_once BEFORE UPDATE ON jobs WHEN OLD.state IN ('finished', 'diverged')
            BEGIN SELECT RAISE(ABORT, 'a settled job never changes'); END;
        CREATE TRIGGER jobs_failed_only_reopen BEFORE UPDATE ON jobs WHEN OLD.state = 'failed' AND NEW.state <> 'open'
            BEGIN SELECT RAISE(ABORT, 'a failed job can only be reopened'); END;
        CREATE TRIGGER jobs_keep_identity BEFORE UPDATE OF id, digest, kind ON jobs
            BEGIN SELECT RAISE(ABORT, 'a job keeps its identity'); END;
        CREATE TRIGGER jobs_stay BEFORE DELETE ON jobs
            BEGIN SELECT RAISE(ABORT, 'a job is never deleted'); END;
        CREATE TRIGGER jobs_begin_open BEFORE INSERT ON jobs WHEN NEW.state <> 'open'
            BEGIN SELECT RAISE(ABORT, 'a new job is open'); END;

        """

    private static let attempts = """
        CREATE TABLE workers (
            name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
            host TEXT NOT NULL,
            process INTEGER NOT NULL,
            slots INTEGER NOT NULL CHECK (slots >= 0),
            central INTEGER NOT NULL CHECK (central IN (0, 1)),
            numeric_class TEXT NOT NULL,
            joined_at INTEGER NOT NULL,
            left_at INTEGER,
            reason TEXT,
            CONSTRAINT "a worker that left has a reason" CHECK ((left_at IS NULL) = (reason IS NULL))
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE attempts (
            job INTEGER NOT NULL REFERENCES jobs (id),
            number INTEGER NOT NULL CHECK (number >= 1),
            worker TEXT NOT NULL REFERENCES workers (name),
            state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'diverged', 'failed', 'superseded')),
            reason TEXT,
            message TEXT,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            PRIMARY KEY (job, number),
            CONSTRAINT "an attempt that ended has a time" CHECK ((state = 'running') = (ended_at IS NULL)),
            CONSTRAINT "a failed attempt has a reason" CHECK ((state = 'failed') = (reason IS NOT NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX one_running_attempt_a_job ON attempts (job) WHERE state = 'running';
        CREATE INDEX running_attempts ON attempts (worker) WHERE state = 'running';

        CREATE TRIGGER attempts_increase BEFORE INSERT ON attempts
            WHEN NEW.number <= (SELECT max(number) FROM attempts WHERE job = NEW.job)
            BEGIN SELECT RAISE(ABORT, 'attempt numbers strictly increase'); END;
        CREATE TRIGGER attempts_of_open_jobs BEFORE INSERT ON attempts
            WHEN (SELECT state FROM jobs WHERE id = NEW.job) <> 'open'
            BEGIN SELECT RAISE(ABORT, 'a settled job gets no new attempt'); END;
        CREATE TRIGGER attempts_settle_once BEFORE UPDATE ON attempts WHEN OLD.state IN ('finished', 'diverged')
            BEGIN SELECT RAISE(ABORT, 'a settled attempt never changes'); END;
        CREATE TRIGGER attempts_keep_identity BEFORE UPDATE OF job, number, worker ON attempts
            BEGIN SELECT RAISE(ABORT, 'an attempt keeps its number and worker'); END;
        -- A worker that was given up comes back with its work; nothing newer was started meanwhile.
        CREATE TRIGGER attempts_run_again BEFORE UPDATE OF state ON attempts
            WHEN NEW.state = 'running' AND OLD.state <> 'running'
            AND (OLD.state <> 'failed'
                OR (SELECT state FROM jobs WHERE id = OLD.job) <> 'open'
                OR OLD.number <> (SELECT max(number) FROM attempts WHERE job = OLD.job))
            BEGIN SELECT RAISE(ABORT, 'only the newest attempt of an open job can go on'); END;
        CREATE TRIGGER attempts_stay BEFORE DELETE ON attempts
            BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;

        CREATE TRIGGER jobs_end_their_attempts BEFORE UPDATE OF state ON jobs
            WHEN NEW.state <> 'open' AND EXISTS (SELECT 1 FROM attempts WHERE job = NEW.id AND state = 'running')
            BEGIN SELECT RAISE(ABORT, 'a settled job has no running attempt'); END;
        CREATE TRIGGER jobs_agree_with_attempts BEFORE UPDATE OF state ON jobs
            WHEN NEW.state IN ('finished', 'diverged') AND NEW.state IS NOT
                (SELECT state FROM attempts WHERE job = NEW.id AND number = NEW.settled_attempt)
            BEGIN SELECT RAISE(ABORT, 'a job ends as its attempt did'); END;

        """

    private static let results = """
        CREATE TABLE epochs (
            job INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            epoch INTEGER NOT NULL CHECK (epoch >= 1),
            learning_rate REAL,
            training_loss REAL,
            training_accuracy REAL,
            training_top5_accuracy REAL,
            validation_loss REAL,
            validation_accuracy REAL,
            validation_top5_accuracy REAL,
            images INTEGER NOT NULL,
            seconds REAL,
            -- NULL when the epoch came with the result only: rates count what was seen as it happened.
            streamed_at INTEGER,
            PRIMARY KEY (job, attempt, epoch),
            FOREIGN KEY (job, attempt) REFERENCES attempts (job, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX streamed_epochs ON epochs (streamed_at, images, seconds) WHERE streamed_at IS NOT NULL;

        CREATE TABLE artifacts (
            job INTEGER NOT NULL REFERENCES jobs (id),
            name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
            position INTEGER NOT NULL,
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            size INTEGER NOT NULL CHECK (size >= 0),
            PRIMARY KEY (job, name)
        ) STRICT, WITHOUT ROWID;

        -- Where the attempts of an open job have got to. A settled job has none.
        CREATE TABLE checkpoints (
            job INTEGER PRIMARY KEY REFERENCES jobs (id),
            epoch INTEGER NOT NULL CHECK (epoch >= 1),
            numeric_class TEXT NOT NULL,
            name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            size INTEGER NOT NULL CHECK (size >= 0),
            recorded_at INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER checkpoints_of_open_jobs BEFORE INSERT ON checkpoints
            WHEN (SELECT state FROM jobs WHERE id = NEW.job) <> 'open'
            BEGIN SELECT RAISE(ABORT, 'a settled job has no checkpoint'); END;
        CREATE TRIGGER checkpoints_advance BEFORE UPDATE ON checkpoints WHEN NEW.epoch <= OLD.epoch
            BEGIN SELECT RAISE(ABORT, 'a checkpoint takes the place of an earlier one only'); END;
        CREATE TRIGGER checkpoints_go_with_their_job AFTER UPDATE OF state ON jobs WHEN NEW.state <> 'open'
            BEGIN DELETE FROM checkpoints WHERE job = NEW.id; END;

        CREATE TRIGGER epochs_of_open_jobs BEFORE INSERT ON epochs
            WHEN (SELECT state FROM jobs WHERE id = NEW.job) <> 'open'
            BEGIN SELECT RAISE(ABORT, 'a settled job gets no more epochs'); END;
        CREATE TRIGGER epochs_settle BEFORE UPDATE ON epochs
            WHEN (SELECT state FROM jobs WHERE id = OLD.job) IN ('finished', 'diverged')
            BEGIN SELECT RAISE(ABORT, 'the epochs of a settled job never change'); END;
        CREATE TRIGGER epochs_stay BEFORE DELETE ON epochs
            WHEN (SELECT state FROM jobs WHERE id = OLD.job) IN ('finished', 'diverged')
            BEGIN SELECT RAISE(ABORT, 'the epochs of a settled job stay'); END;
        CREATE TRIGGER artifacts_of_open_jobs BEFORE INSERT ON artifacts
            WHEN (SELECT state FROM jobs WHERE id = NEW.job) <> 'open'
            BEGIN SELECT RAISE(ABORT, 'a settled job gets no more artifacts'); END;
        CREATE TRIGGER artifacts_settle BEFORE UPDATE ON artifacts
            BEGIN SELECT RAISE(ABORT, 'an artifact never changes'); END;
        CREATE TRIGGER artifacts_stay BEFORE DELETE ON artifacts
            BEGIN SELECT RAISE(ABORT, 'an artifact stays'); END;

        """

    private static let hosts = """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            text TEXT NOT NULL
        ) STRICT;

        """
}
