/// One Slurm block of a cluster file: keeps as many tasks in the queue as it asks for. What has happened → what to do.
///
/// Tasks start, are preempted, requeued and end one by one; those that have ended are replaced by another, smaller array. It decides
/// only; `SlurmLauncher` carries out. Time is in seconds on any clock that does not go back.
package struct SlurmLaunch: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// Can become: listing, submitting, failed.
        case waiting(until: Double)
        /// Can become: submitting, waiting, failed.
        case listing
        /// Can become: waiting.
        case submitting(tasks: Int)
        /// Nothing more is tried.
        case failed
        case stopped
    }

    package enum Event: Sendable, Equatable {
        case tick
        /// What the queue has of our arrays, with tasks that ended a while ago.
        case listed([SlurmTask])
        case notListed(String)
        case submitted(job: String)
        case refused(String)
        /// The sweep is over.
        case stop
    }

    package enum Action: Sendable, Equatable {
        /// Ask the queue for these arrays.
        case list([String])
        /// Hand in an array of so many tasks.
        case submit(tasks: Int)
        /// These arrays are ours, in this run and in the next.
        case remember([String])
        /// For the person who waits.
        case tell(String)
    }

    /// A look at the queue this often.
    static let lookSeconds = 20.0
    /// A task works that runs so long, or for half of its time limit.
    static let workingSeconds = 120.0
    /// After so many arrays in a row without a task that worked no more is handed in.
    static let failureLimit = 3
    /// Looks in a row without an answer before it is said.
    static let missLimit = 3
    static let longestDelaySeconds = 300.0

    package let name: String
    let nodes: Int
    let workingSeconds: Double
    let folder: String
    package private(set) var phase = Phase.waiting(until: 0)
    package private(set) var jobs: [SlurmArray]
    package private(set) var hasEverRun = false
    /// Why nothing more is tried.
    private var failure: String?
    private var refusal: String?
    private var blindness: String?
    private var refusals = 0
    private var nextSubmission = 0.0
    private var misses = 0
    private var failures = 0
    private var cancelled = 0
    private var summary: SlurmSummary?

    /// - Parameters:
    ///   - earlier: arrays of an earlier run of the sweep, which may still wait or run.
    ///   - folder: of the logs, for the person who waits.
    package init(name: String, nodes: Int, timeLimitSeconds: Double?, earlier: [String], folder: String) {
        self.name = name
        self.nodes = nodes
        workingSeconds = min(Self.workingSeconds, (timeLimitSeconds ?? .infinity) / 2)
        jobs = earlier.map { SlurmArray(earlier: $0) }
        self.folder = folder
    }

    package var jobIDs: [String] { jobs.map(\.id) }

    /// Why not all runs that could, as far as it is an error.
    package var problem: String? { failure ?? refusal ?? blindness }

    /// Why not all runs: an error, or what Slurm says of those that wait.
    package var notice: String? { problem ?? summary.flatMap { $0.waiting > 0 ? $0.text(of: nodes) : nil } }

    /// Whether nobody will come: all was given up, or nothing was ever taken.
    package var isHopeless: Bool { phase == .failed || (refusal != nil && jobs.isEmpty && !hasEverRun) }

    package mutating func handle(_ event: Event, at now: Double) -> [Action] {
        switch (phase, event) {
        case (.waiting(let until), .tick) where now >= until:
            guard !jobs.isEmpty else { return fill(at: now) }
            phase = .listing
            return [.list(jobIDs)]
        case (.listing, .listed(let tasks)):
            (misses, blindness) = (0, nil)
            return look(at: tasks, now) + fill(at: now)
        case (.listing, .notListed(let reason)):
            phase = .waiting(until: now + Self.lookSeconds)
            misses += 1
            guard misses >= Self.missLimit, blindness == nil else { return [] }
            blindness = "Slurm's queue cannot be read: \(reason)"
            return [.tell("\(name): \(blindness!); it is tried again")]
        case (.submitting(let tasks), .submitted(let id)):
            phase = .waiting(until: now + Self.lookSeconds)
            jobs.append(SlurmArray(id: id, tasks: tasks))
            (refusals, refusal) = (0, nil)
            let logs = "\(folder)/\(name)-\(id)_*.log"
            return [.remember(jobIDs), .tell("\(name): Slurm has job \(id), \(tasks) \(tasks == 1 ? "node" : "nodes"); logs are \(logs)")]
        case (.submitting, .refused(let reason)):
            phase = .waiting(until: now + Self.lookSeconds)
            nextSubmission = now + min(Self.longestDelaySeconds, Self.lookSeconds * Double(1 << min(refusals, 10)))
            refusals += 1
            // Said once, not every time it is tried.
            defer { refusal = reason }
            return refusal == reason ? [] : [.tell("\(name): \(reason); it is tried again")]
        case (_, .stop):
            phase = .stopped
            return []
        case (.waiting, _), (.listing, _), (.submitting, _), (.failed, _), (.stopped, _):
            return []
        }
    }

    private mutating func look(at tasks: [SlurmTask], _ now: Double) -> [Action] {
        var actions: [Action] = []
        let listed = Dictionary(grouping: tasks, by: \.job)
        let before = failures
        for index in jobs.indices {
            let wasKnown = jobs[index].isKnown
            let news = jobs[index].take(listed[jobs[index].id] ?? [], workingSeconds: workingSeconds, at: now)
            if news.hasBegunToWork { failures = 0 }
            if !wasKnown, jobs[index].count > 0 { actions.append(.tell("\(name): Slurm's job \(jobs[index].id) is still there")) }
            guard news.cancelled > 0 else { continue }
            cancelled += news.cancelled
            let words = news.cancelled == 1 ? "1 task" : "\(news.cancelled) tasks"
            actions.append(.tell("\(name): \(words) of Slurm's job \(jobs[index].id) cancelled by somebody, and not replaced"))
        }
        for job in jobs where job.count == 0 {
            if job.hasWorked { failures = 0 } else if job.hasEnded { failures += 1 }
        }
        let all = jobs.count
        jobs.removeAll { $0.count == 0 }
        if jobs.count < all { actions.append(.remember(jobIDs)) }
        if failures > before, failures >= Self.failureLimit, !jobs.isEmpty {
            let reason = "its newest jobs end at once, so no more are handed in while others run; their logs are in \(folder)"
            actions.append(.tell("\(name): \(reason)"))
        }
        let summary = SlurmSummary(tasks.filter { jobIDs.contains($0.job) })
        if summary.running > 0 { hasEverRun = true }
        if !jobs.isEmpty, self.summary?.says(theSameAs: summary) != true { actions.append(.tell("\(name): \(summary.text(of: nodes))")) }
        self.summary = summary
        return actions
    }

    private mutating func fill(at now: Double) -> [Action] {
        phase = .waiting(until: now + Self.lookSeconds)
        let there = jobs.reduce(0) { $0 + $1.count }
        let missing = nodes - cancelled - there
        if there == 0, missing <= 0 { return fail("its jobs were cancelled; `sower resume` hands in others") }
        guard missing > 0 else { return [] }
        guard failures < Self.failureLimit else { return there > 0 ? [] : fail("its jobs end at once; their logs are in \(folder)") }
        guard now >= nextSubmission else { return [] }
        phase = .submitting(tasks: missing)
        return [.submit(tasks: missing)]
    }

    private mutating func fail(_ reason: String) -> [Action] {
        phase = .failed
        failure = reason
        return [.tell("\(name): \(reason)")]
    }
}

/// What the queue says of a block's tasks, for a person.
struct SlurmSummary: Sendable, Equatable {
    static let reasons = 3

    var running: Int
    var waiting: Int
    private var reasons: Set<String>

    init(_ tasks: [SlurmTask]) {
        running = tasks.count { $0.state == .running }
        waiting = tasks.count { $0.state == .waiting }
        reasons = Set(tasks.compactMap(\.reason))
    }

    /// A task waits for its priority and for resources in turn: that is no news.
    func says(theSameAs other: SlurmSummary) -> Bool {
        func plain(_ reasons: Set<String>) -> Set<String> { Set(reasons.map { $0 == "Priority" ? "Resources" : $0 }) }
        return running == other.running && waiting == other.waiting && plain(reasons) == plain(other.reasons)
    }

    func text(of nodes: Int) -> String {
        let words = reasons.sorted().prefix(Self.reasons).joined(separator: ", ") + (reasons.count > Self.reasons ? ", …" : "")
        return "\(running) of \(nodes) run" + (waiting > 0 ? ", \(waiting) wait" + (words.isEmpty ? "" : " (\(words))") : "")
    }
}
