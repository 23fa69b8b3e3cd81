import Studies

// What is sampled goes to every worker before it is needed. Correctness never depends on it.

extension Dispatcher {
    /// The jobs whose artifacts are announced, in ascending order of priority, and how many of each one's first dependents are known to
    /// be settled: a settled job stays settled unless a person has it tried again, so nobody counts it again.
    struct Broadcasts {
        fileprivate var jobs: [(id: JobID, settled: Int)]

        init(_ entries: [JobEntry]) {
            jobs = entries.filter(\.isBroadcast).sorted { ($0.priority, $0.id) < ($1.priority, $1.id) }.map { ($0.id, 0) }
        }

        /// Settled jobs have been opened again.
        mutating func countAgain() {
            for index in jobs.indices { jobs[index].settled = 0 }
        }
    }

    /// Tells every worker of what was sampled just now.
    func announce(_ artifacts: [ArtifactNotice], _ commands: inout [Command]) {
        for (name, worker) in workers.sorted(by: { $0.key < $1.key }) where !worker.hello.isCentral {
            for artifact in artifacts { commands.append(.send(.announce(artifact), to: name)) }
        }
    }

    /// Tells a new worker of everything that jobs to come will read.
    mutating func announceAll(to name: String, _ commands: inout [Command]) {
        for index in broadcasts.jobs.indices {
            guard let job = jobs[broadcasts.jobs[index].id] else { continue }
            var settled = broadcasts.jobs[index].settled
            while settled < job.dependents.count, !isOpen(job.dependents[settled]) { settled += 1 }
            broadcasts.jobs[index].settled = settled
            guard settled < job.dependents.count else { continue }
            for artifact in job.artifacts { commands.append(.send(.announce(artifact), to: name)) }
        }
    }
}
