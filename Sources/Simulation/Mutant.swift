import Coordination

/// A mistake made on purpose, one at a time, to see that the rules find it: each is a bug that a coordinator or a worker could
/// have. Most are made around the two machines, in what they are told and in what is done with what they say.
package enum Mutant: String, CaseIterable, Sendable {
    // The coordinator's loop.
    case sendsBeforeCommit, assignsBeforeCommit, commitsWithoutSync, ignoresFailedCommits, ignoresMissingArtifacts, storesWithoutSync
    case keepsStalePeers, ignoresHeartbeats, neverLooksAtTheClock
    // The coordinator's start.
    case reusesAttemptNumbers, forgetsCrashes, forgetsEndedAttempts, forgetsSettledJobs, neverHolds, forgetsInputs
    // The coordinator's decisions.
    case givesUpTooEarly, givesUpTooLate, swallowsFailures, settlesTwice, assignsToTwo, overfillsSlots, mixesNumericClasses
    case discardsArtifacts, discardsCheckpoints, neverRepeatsAssignments, acknowledgesAnotherAttempt, refusesLateResults
    case retriesHopelessJobs, acceptsLateFailures, neverAcknowledgesDuplicates, blamesAnotherWorker, changesResults
    case countsLostHostsAsCrashes, dropsRunningAttempts, neverCancels, forgetsTimeLimits, forgetsNeeds, ignoresLifetimes
    // Inside the dispatcher.
    case losesDependents, forgetsDoomedDependents, dropsResultsOfFailedJobs, holdsForEver, blamesWorkersForStalls, readoptsEndedAttempts
    case neverBarsHosts, barsHostsEarly, barsHostsBriefly, ignoresPauses, overlooksDraining
    // The worker's loop and decisions.
    case forgetsToSpool, spoolsWithoutSync, unspoolsWhenSent, unspoolsWhenDropped, neverUnspools, neverRepeatsResults, ignoresDropList
    case ignoresCancel, ignoresMissingAnswers, neverReconnects, ignoresOutboxAtStart, skipsFetching, keepsKilledRunners
    case greetsWithoutAttempts
    // Inside the worker's session.
    case takesOlderAttempts

    /// The bug that has to be inside a machine.
    var planted: PlantedFault? {
        switch self {
        case .losesDependents: .losesDependents
        case .forgetsDoomedDependents: .forgetsDoomedDependents
        case .dropsResultsOfFailedJobs: .dropsResultsOfFailedJobs
        case .holdsForEver: .holdsForEver
        case .blamesWorkersForStalls: .blamesWorkersForStalls
        case .readoptsEndedAttempts: .readoptsEndedAttempts
        case .overlooksDraining: .overlooksDraining
        case .takesOlderAttempts: .takesOlderAttempts
        case .neverBarsHosts: .neverBarsHosts
        case .ignoresPauses: .ignoresPauses
        case .barsHostsEarly: .barsHostsEarly
        case .barsHostsBriefly: .barsHostsBriefly
        default: nil
        }
    }
}
