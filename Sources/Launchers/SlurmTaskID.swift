/// One task of a job array, by which its worker asks to be let in: `7_1`, as Slurm itself writes it.
package struct SlurmTaskID: Sendable, Hashable, Comparable {
    package let job: String
    package let index: Int

    package init(job: String, index: Int) {
        self.job = job
        self.index = index
    }

    /// `nil` unless it is how this type writes one, so that a task has one name.
    package init?(_ text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard text.utf8.count <= 24, parts.count == 2, let job = SlurmTask.jobID(String(parts[0])), job == parts[0],
            let index = Int(parts[1]), index >= 0
        else { return nil }
        self.init(job: job, index: index)
        guard self.text == text else { return nil }
    }

    /// Of the environment of a task's job.
    package init?(environment: [String: String]) {
        guard let job = environment["SLURM_ARRAY_JOB_ID"], let index = environment["SLURM_ARRAY_TASK_ID"] else { return nil }
        self.init("\(job)_\(index)")
    }

    package var text: String { "\(job)_\(index)" }

    package static func < (one: SlurmTaskID, other: SlurmTaskID) -> Bool {
        (one.job.utf8.count, one.job, one.index) < (other.job.utf8.count, other.job, other.index)
    }
}

extension SlurmLaunch {
    /// What a name says of a task, as far as is known here.
    package enum Standing: Sendable, Equatable {
        /// Its worker may be let in.
        case ours
        /// It is over, or was never this block's.
        case gone
        /// Slurm has not been asked yet.
        case unknown
    }

    package func standing(of task: SlurmTaskID) -> Standing {
        if phase == .stopped { return .gone }
        guard let array = jobs.first(where: { $0.id == task.job }) else {
            // Its number is about to be learned.
            if case .submitting = phase { return .unknown }
            return .gone
        }
        guard array.isKnown else { return .unknown }
        return array.has(task.index) ? .ours : .gone
    }
}
