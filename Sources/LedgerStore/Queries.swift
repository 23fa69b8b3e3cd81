import Studies

/// The statements that screens and tables run often. Each is bounded by what it prints, through the indexes that its
/// query plan names.
package enum Queries {
    /// Per stage of a study: waiting, running, finished, diverged, failed. Touches no epoch.
    package static let stageCounts = """
        SELECT stages.name,
            sum(jobs.state = 'open' AND attempts.job IS NULL), sum(jobs.state = 'open' AND attempts.job IS NOT NULL),
            sum(jobs.state = 'finished'), sum(jobs.state = 'diverged'), sum(jobs.state = 'failed')
        FROM study_jobs
        JOIN stages ON stages.study = study_jobs.study AND stages.position = study_jobs.stage
        JOIN jobs ON jobs.id = study_jobs.job
        LEFT JOIN attempts ON attempts.job = study_jobs.job AND attempts.state = 'running'
        WHERE study_jobs.study = ?
        GROUP BY study_jobs.stage
        """

    /// From one number to another: a settled job's number, and what was recorded of it.
    package static let sealedJobs = "SELECT job, \(SealedJob.columns) FROM job_seals WHERE job BETWEEN ? AND ? ORDER BY job"

    /// From one number to another: a job's number, its row and what was recorded of it.
    package static let comparedJobs = """
        SELECT jobs.id, \(SealedJob.comparedColumns) FROM jobs \(sealJoin)
        WHERE jobs.id BETWEEN ? AND ? ORDER BY jobs.id
        """

    static let comparedJob = "SELECT \(SealedJob.comparedColumns) FROM jobs \(sealJoin) WHERE jobs.id = ?"
    private static let sealJoin = "LEFT JOIN job_seals ON job_seals.job = jobs.id"

    /// A job without a result.
    package static let openJob = "SELECT digest, state FROM jobs WHERE id = ?"

    package static let runningJobs = "SELECT job FROM attempts WHERE state = 'running'"

    /// A cell's place, its job, whether that is running, the job as it was sealed; and the attempt whose result stands, or else
    /// the newest: number, worker, host, start and end.
    static let exportedCells = """
        SELECT \(cellColumns), latest.number, latest.worker, workers.host, latest.started_at, latest.ended_at
        FROM cells \(cellJoins)
        LEFT JOIN attempts AS latest ON latest.job = cells.job
            AND latest.number = coalesce(jobs.settled_attempt, (SELECT max(number) FROM attempts WHERE job = cells.job))
        LEFT JOIN workers ON workers.name = latest.worker
        \(cellOrder)
        """

    private static let cellColumns = """
        cells.arm, cells.pair, cells.replicate, jobs.id, attempts.job IS NOT NULL, \(SealedJob.comparedColumns)
        """
    private static let cellJoins = """
        JOIN jobs ON jobs.id = cells.job \(sealJoin)
        LEFT JOIN attempts ON attempts.job = cells.job AND attempts.state = 'running'
        """
    private static let cellOrder = "WHERE cells.study = ? AND cells.stage = ? ORDER BY cells.position"

    /// Every attempt of a study that has ended, as it ended: the job's number in the study, its id and stage, the attempt's number and
    /// host, how it ended, start and end, the bytes of the artifacts that the job reads, and of those that this attempt made.
    static let endedAttempts = """
        WITH numbered AS (
            SELECT job, stage, row_number() OVER (ORDER BY stage, job) AS number FROM study_jobs WHERE study = ?
        )
        SELECT numbered.number, jobs.digest, stages.name, attempts.number, workers.host, attempts.state, attempts.started_at,
            attempts.ended_at,
            (SELECT coalesce(sum(size), 0) FROM job_inputs JOIN artifacts ON artifacts.job = job_inputs.input
                WHERE job_inputs.job = jobs.id),
            CASE WHEN attempts.number IS jobs.settled_attempt
                THEN (SELECT coalesce(sum(size), 0) FROM artifacts WHERE job = jobs.id) ELSE 0 END
        FROM numbered
        JOIN jobs ON jobs.id = numbered.job
        JOIN stages ON stages.study = ? AND stages.position = numbered.stage
        JOIN attempts ON attempts.job = numbered.job AND attempts.ended_at IS NOT NULL
        JOIN workers ON workers.name = attempts.worker
        ORDER BY attempts.ended_at, numbered.number, attempts.number
        """

    /// The results of a study by host and numeric class.
    static let resultHosts = """
        SELECT workers.host, jobs.numeric_class, count(*) FROM study_jobs
        JOIN jobs ON jobs.id = study_jobs.job
        JOIN attempts ON attempts.job = jobs.id AND attempts.number = jobs.settled_attempt
        JOIN workers ON workers.name = attempts.worker
        WHERE study_jobs.study = ? GROUP BY 1, 2 ORDER BY 1, 2
        """

    /// What a study's jobs and attempts have come to: whatever an export can show changes one of these rows.
    static let progress = [
        """
        SELECT jobs.digest, jobs.state, job_seals.result, job_seals.epochs FROM study_jobs JOIN jobs ON jobs.id = study_jobs.job
        LEFT JOIN job_seals ON job_seals.job = jobs.id WHERE study_jobs.study = ? ORDER BY study_jobs.stage, study_jobs.job
        """,
        """
        SELECT jobs.digest, attempts.number, attempts.worker, workers.host, attempts.state, attempts.started_at, attempts.ended_at
        FROM study_jobs JOIN jobs ON jobs.id = study_jobs.job JOIN attempts ON attempts.job = jobs.id
        JOIN workers ON workers.name = attempts.worker
        WHERE study_jobs.study = ? ORDER BY study_jobs.stage, study_jobs.job, attempts.number
        """,
    ]

    package static let epochs = "SELECT \(columns) FROM epochs WHERE job = ? AND attempt = ? ORDER BY epoch"

    package static let trainingRate = """
        SELECT count(*), coalesce(sum(images), 0), coalesce(sum(seconds), 0.0) FROM epochs
        WHERE streamed_at IS NOT NULL AND streamed_at >= ?
        """

    /// A failed job's number, kind, last attempt, that one's worker and host, and the job's row and what was recorded of it.
    package static let failures = """
        SELECT jobs.id, jobs.kind, attempts.number, attempts.worker, workers.host, \(SealedJob.comparedColumns)
        FROM jobs \(sealJoin)
        LEFT JOIN attempts ON attempts.job = jobs.id
            AND attempts.number = (SELECT max(number) FROM attempts WHERE job = jobs.id)
        LEFT JOIN workers ON workers.name = attempts.worker
        WHERE jobs.state = 'failed' ORDER BY jobs.settled_at DESC
        """

    package static let workers = """
        SELECT name, host, process, slots, central, numeric_class, joined_at, left_at, reason, coalesce(running.attempts, 0)
        FROM workers LEFT JOIN (SELECT worker, count(*) AS attempts FROM attempts WHERE state = 'running' GROUP BY worker) AS running
            ON running.worker = workers.name
        ORDER BY name
        """

    private static let columns = EpochMetrics.columns
}
