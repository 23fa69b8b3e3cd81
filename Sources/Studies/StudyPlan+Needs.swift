extension StudyPlan {
    /// Says of every job what it needs of its host: the study's labels, with an arm's in their place for the arm's evaluations and
    /// for what this arm alone reads. A job that several arms use needs what all of them need.
    ///
    /// Central jobs run beside the coordinator, whatever its host is called.
    mutating func addNeeds(of study: Study) {
        let common = study.needs ?? .none
        let arms = Dictionary(
            study.arms.map { ($0.name, common.overridden(by: $0.needs ?? .none)) }, uniquingKeysWith: { first, _ in first })
        var needs: [JobID: Labels] = [:]
        func add(_ labels: Labels, to job: JobID) { needs[job] = needs[job]?.common(with: labels) ?? labels }
        for cell in cells { if let labels = arms[cell.arm] { add(labels, to: cell.job) } }
        // A job comes after those that it reads.
        for job in jobs.reversed() {
            guard let labels = needs[job.id] else { continue }
            for input in job.spec.inputs { add(labels, to: input) }
        }
        for index in jobs.indices where !jobs[index].spec.isCentral { jobs[index].needs = needs[jobs[index].id] ?? common }
    }
}
