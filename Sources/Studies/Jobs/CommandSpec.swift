/// A program to run, as an argument list: no shell reads it, so nothing in it is ever expanded.
///
/// A worker runs it only when it was started with `--allow-command`. It is given a scratch folder of its own as its working
/// directory, removed when it ends. Exit code 0 is a finished job, anything else a crashed attempt.
package struct CommandSpec: Sendable, Hashable, Codable {
    /// The program and its arguments. The first is an absolute path, or a name that is looked up in the worker's `PATH`.
    package var arguments: [String]
    /// Set on top of the runner's own environment.
    package var environment: [String: String]
    /// Tells commands apart that are otherwise equal: equal specifications are one job.
    package var index: Int

    package init(arguments: [String], environment: [String: String] = [:], index: Int = 0) {
        self.arguments = arguments
        self.environment = environment
        self.index = index
    }
}

/// A job that computes nothing. It takes the whole way of any other: lease, runner process, outbox, ledger.
package struct NoopSpec: Sendable, Hashable, Codable {
    /// Tells no-ops apart: equal specifications are one job.
    package var index: Int
    /// Epochs it reports as a training does, with made-up metrics; 0 to 500.
    package var epochs: Int
    /// A job that must have finished before.
    package var after: JobID?

    package init(index: Int, epochs: Int = 0, after: JobID? = nil) {
        self.index = index
        self.epochs = epochs
        self.after = after
    }
}
