import Foundation

/// What a Slurm job of ours is to do on its node: a file of mode 0600, since a queue shows every argument to everybody.
package struct SlurmOrder: Codable, Sendable, Equatable {
    package var worker: WorkerOrder
    /// Trainings at a time; `nil` for one for as many of the node's cores as `threads`.
    package var slots: Int?
    package var threads: Int
    /// How long Slurm lets each job run, from its start; `nil` where the cluster file leaves that to the partition.
    package var timeLimitSeconds: Double?
    /// The folder in which its worker asks to be let in.
    package var enrolment: String

    package init(worker: WorkerOrder, enrolment: String, slots: Int?, threads: Int, timeLimitSeconds: Double? = nil) {
        self.worker = worker
        self.enrolment = enrolment
        self.slots = slots
        self.threads = threads
        self.timeLimitSeconds = timeLimitSeconds
    }

    /// So many whole seconds or more are no limit: a year is Slurm's word for none.
    static let longestLifetime = 300.0 * 86_400

    /// The seconds that a job has left which starts now: the earliest of all that is known. `nil` when it may run for ever.
    ///
    /// - Parameters:
    ///   - endTime: `SLURM_JOB_END_TIME`, seconds since 1970. Newer Slurm sets it, 22.05 (Debian 12) does not.
    ///   - timeLeft: what `squeue --format=%L` says of the job; asked for where nothing else is known.
    ///   - now: seconds since 1970.
    package func secondsLeft(endTime: String?, timeLeft: String? = nil, now: Double) -> Int? {
        [timeLimitSeconds, endTime.flatMap(Double.init).map { $0 - now }, timeLeft.flatMap(Self.seconds(timeLeft:))]
            .compactMap(\.self).filter { $0 >= 1 && $0 < Self.longestLifetime }.min().map { Int($0) }
    }

    /// `days-hours:minutes:seconds` without what is zero in front, at least `minutes:seconds`; `nil` for all else, such as `UNLIMITED`.
    static func seconds(timeLeft text: String) -> Double? {
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count <= 2, let clock = halves.last else { return nil }
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        let words = (halves.count == 2 ? [halves[0]] : []) + parts
        let numbers = words.compactMap { $0.utf8.allSatisfy { (48...57).contains($0) } && $0.count <= 6 ? Double($0) : nil }
        guard numbers.count == words.count, halves.count == 2 ? parts.count == 3 : (2...3).contains(parts.count) else { return nil }
        return zip(numbers.reversed(), [1, 60, 3600, 86_400]).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
