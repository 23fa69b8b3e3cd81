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

    /// - Parameter crashes: the job's earlier attempts that counted as crashes.
    package func decision(for failure: JobFailure, crashes: Int) -> Decision {
        switch failure.reason {
        case .crashed, .outOfMemory, .io, .input:
            crashes + 1 < crashLimit ? .tryAgain(countsAsCrash: true) : .giveUp
        case .hostLost, .canceled:
            .tryAgain(countsAsCrash: false)
        case .data, .specification:
            // The same bytes and the same build give the same failure everywhere.
            .giveUp
        }
    }
}
