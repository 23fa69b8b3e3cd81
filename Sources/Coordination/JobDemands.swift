import Studies

/// What a job asks of the worker that runs it, beside a slot of its kind; no part of the job's identity.
package struct JobDemands: Sendable, Hashable {
    /// What its host must be called.
    package var labels: Labels
    /// Whether it runs a program that the study names: only workers with `--allow-command` do.
    package var runsCommand: Bool
    /// Jobs of one workload take about as long as each other (`JobSpec.workload`).
    package var workload: String

    package init(labels: Labels = .none, runsCommand: Bool = false, workload: String = "") {
        self.labels = labels
        self.runsCommand = runsCommand
        self.workload = workload
    }

    /// Whether a worker that greets so may run the job, if it has the time.
    package func areMet(by hello: Hello) -> Bool {
        hello.labels.contains(labels) && (hello.allowsCommands || !runsCommand)
    }
}
