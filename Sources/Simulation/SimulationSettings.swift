/// What one seed simulates, besides what the seed itself decides.
package struct SimulationSettings: Sendable {
    /// Workers for ordinary jobs, with two slots each; there is one for central jobs more for every eight, at least one.
    package var workers: Int
    /// About so many jobs; a study is never smaller than one arm.
    package var jobs: Int
    /// Whether anything goes wrong.
    package var hasFaults: Bool
    /// A mistake made on purpose, to see whether the rules find it.
    package var mutant: Mutant?
    /// Is told what happens as it happens, a line an event.
    package var tell: (@Sendable (String) -> Void)?

    package static let usualWorkers = 3
    package static let usualJobs = 24

    package init(
        workers: Int = usualWorkers, jobs: Int = usualJobs, hasFaults: Bool = true, mutant: Mutant? = nil,
        tell: (@Sendable (String) -> Void)? = nil
    ) {
        self.workers = workers
        self.jobs = jobs
        self.hasFaults = hasFaults
        self.mutant = mutant
        self.tell = tell
    }

    static let slots = 2
    /// Faults stop so long after the start.
    static let faultSeconds = 120.0
    var centralWorkers: Int { max(1, workers / 8) }
    /// By then everything is settled: the faults, what is left of the longest of them, some lease times, and the work itself.
    var deadlineSeconds: Double {
        SimulationSettings.faultSeconds + 900 + 60 * Double(jobs) / Double(workers * SimulationSettings.slots)
    }
}
