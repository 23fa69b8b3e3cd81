/// A bug that simulation plants in a ``Dispatcher`` or a ``WorkerSession`` to see that its rules find it; `nil` everywhere else.
package enum PlantedFault: Sendable {
    /// What waits for a finished job is not told.
    case losesDependents
    /// What waits for a failed job waits on.
    case forgetsDoomedDependents
    /// The result of a job that had failed is acknowledged and dropped.
    case dropsResultsOfFailedJobs
    /// Jobs that an earlier coordinator's worker may run are never given to another.
    case holdsForEver
    /// Leases run out while the coordinator itself stands still.
    case blamesWorkersForStalls
    /// An attempt that has failed goes on when its worker lists it.
    case readoptsEndedAttempts
    /// A worker that says that it is leaving is given work.
    case overlooksDraining
    /// A late assignment is taken though a newer attempt at the job is there.
    case takesOlderAttempts
    /// A host where every job fails gets the next.
    case neverBarsHosts
    /// Work is given out while the sweep is paused.
    case ignoresPauses
    /// Two failures put a host into quarantine.
    case barsHostsEarly
    /// The first quarantine lasts ten seconds.
    case barsHostsBriefly
}
