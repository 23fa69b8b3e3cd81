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

    /// A cell's place, its job, whether that is running, the seal of its result, what that is over, the seal of its epochs.
    package static let cells = """
        SELECT cells.arm, cells.pair, cells.replicate, jobs.id, attempts.job IS NOT NULL, job_seals.result, \(Seals.sealed),
            job_seals.epochs
        FROM cells
        JOIN jobs ON jobs.id = cells.job
        LEFT JOIN job_seals ON job_seals.job = cells.job
        LEFT JOIN attempts ON attempts.job = cells.job AND attempts.state = 'running'
        WHERE cells.study = ? AND cells.stage = ?
        ORDER BY cells.position
        """

    package static let epochs = "SELECT \(columns) FROM epochs WHERE job = ? AND attempt = ? ORDER BY epoch"

    package static let lastEpoch = "SELECT \(columns) FROM epochs WHERE job = ? AND attempt = ? ORDER BY epoch DESC LIMIT 1"

    package static let trainingRate = """
        SELECT count(*), coalesce(sum(images), 0), coalesce(sum(seconds), 0.0) FROM epochs
        WHERE streamed_at IS NOT NULL AND streamed_at >= ?
        """

    package static let failures = """
        SELECT jobs.digest, jobs.kind, jobs.failure_reason, jobs.failure_message, jobs.settled_at, attempts.number,
            attempts.worker, workers.host
        FROM jobs
        LEFT JOIN attempts ON attempts.job = jobs.id
            AND attempts.number = (SELECT max(number) FROM attempts WHERE job = jobs.id)
        LEFT JOIN workers ON workers.name = attempts.worker
        WHERE jobs.state = 'failed'
            AND (?1 IS NULL OR EXISTS (SELECT 1 FROM study_jobs WHERE study = ?1 AND job = jobs.id))
        ORDER BY jobs.settled_at DESC LIMIT ?2
        """

    package static let workers = """
        SELECT name, host, process, slots, central, numeric_class, joined_at, left_at, reason,
            (SELECT count(*) FROM attempts WHERE worker = name AND state = 'running')
        FROM workers ORDER BY name
        """

    private static let columns = EpochMetrics.columns
}
