/// What follows a failed attempt: one exhaustive function of the typed failure.
package struct RetryPolicy: Sendable, Equatable {
    /// Attempts that may fail by a fault that could be the job's own, before the job has failed for good.
    package var crashLimit: Int

    package init(crashLimit: Int = 5) { self.crashLimit = crashLimit }

    package enum Decision: Sendable, Equatable {
        /// The job is ready again; `countsAsCrash` says whether the attempt counts against the crash limit.
        case tryAgain(countsAsCrash: Bool)
        case giveUp
    }

    /// - Parameters:
    ///   - crashes: the job's earlier attempts that counted as crashes.
    ///   - isTriedEverywhere: whether the job has failed on every host that could take it.
    package func decision(for failure: JobFailure, crashes: Int, isTriedEverywhere: Bool) -> Decision {
        switch failure.reason {
        case .crashed, .outOfMemory, .io, .input, .timeout:
            crashes + 1 < crashLimit ? .tryAgain(countsAsCrash: true) : .giveUp
        case .hostLost, .canceled, .preempted:
            .tryAgain(countsAsCrash: false)
        case .data:
            // A host may lack the files or hold damaged ones; the same files give the same failure again.
            !isTriedEverywhere && crashes + 1 < crashLimit ? .tryAgain(countsAsCrash: true) : .giveUp
        case .specification:
            // The same build gives the same failure everywhere.
            .giveUp
        }
    }
}
