/// A job array of ours, and what has become of its tasks.
package struct SlurmArray: Sendable, Equatable {
    package let id: String
    /// Whether its tasks are known: those of an earlier run's array are only when the queue has been asked.
    package private(set) var isKnown: Bool
    /// The tasks that are there.
    private var tasks: [Int: Place]
    /// Whether one of its tasks has run long enough to have worked.
    package private(set) var hasWorked = false
    /// Whether one of its tasks has ended otherwise than by being cancelled.
    package private(set) var hasEnded = false

    private enum Place: Equatable {
        case waits
        /// With the time at which it was first seen to run.
        case runs(since: Double)
    }

    /// What a look has shown.
    struct News {
        var cancelled = 0
        var hasBegunToWork = false
    }

    init(id: String, tasks count: Int) {
        self.id = id
        isKnown = true
        tasks = Dictionary(uniqueKeysWithValues: (1...max(1, count)).map { ($0, .waits) })
    }

    init(earlier id: String) {
        self.id = id
        isKnown = false
        tasks = [:]
    }

    /// Tasks that wait or run.
    package var count: Int { tasks.count }

    /// Whether a task waits or runs.
    func has(_ index: Int) -> Bool { tasks[index] != nil }

    /// Takes what the queue lists of this array.
    mutating func take(_ listed: [SlurmTask], workingSeconds: Double, at now: Double) -> News {
        var news = News()
        var next: [Int: Place] = [:]
        for task in listed {
            switch task.state {
            // A requeued task begins anew.
            case .waiting: next[task.index] = .waits
            case .running:
                var since = now
                if case .runs(let earlier)? = tasks[task.index] { since = earlier }
                next[task.index] = .runs(since: since)
                if now - since >= workingSeconds, !hasWorked { (hasWorked, news.hasBegunToWork) = (true, true) }
            case .cancelled, .ended: break
            }
        }
        let states = Dictionary(listed.map { ($0.index, $0.state) }) { $1 }
        for (index, place) in tasks where next[index] == nil {
            switch states[index] {
            case .cancelled?: news.cancelled += 1
            // Slurm keeps no record of a single task that was cancelled while it waited.
            case nil where place == .waits && !listed.isEmpty: news.cancelled += 1
            default: hasEnded = true
            }
        }
        tasks = next
        isKnown = true
        return news
    }
}
