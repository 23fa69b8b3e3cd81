import Studies

// Why jobs of which nothing is missing do not run. Looks at all workers: for a person's question, and once a second of a sweep in
// which nothing runs.

extension Dispatcher {
    /// A sentence for each kind of ready jobs that no connected worker may run.
    package func shortages(at now: Instant) -> [String] {
        lanes.all.indices.compactMap { lane in
            let ready = lanes.all[lane].queue.unordered.count { jobs[$0.id]?.phase == .ready }
            guard ready > 0, let want = want(of: lane, at: now) else { return nil }
            let workload = lanes.all[lane].demands.workload
            return ready == 1 ? "1 job (\(workload)) waits for \(want)" : "\(ready) jobs (\(workload)) wait for \(want)"
        }
    }

    /// Why a job of which nothing is missing does not run; `nil` when it waits for nothing but a free slot, or does not wait.
    package func explanation(of id: JobID, at now: Instant) -> String? {
        guard let job = jobs[id] else { return nil }
        switch job.phase {
        case .held: return "It is kept for a moment for the worker that may still be running it since before the coordinator's start."
        case .ready:
            if mode != .working { return "Nothing new starts: the sweep is \(mode.rawValue)." }
            return want(of: Int(job.lane), at: now).map { "It waits for \($0)." }
        case .blocked, .leased, .settled: return nil
        }
    }

    /// What jobs of a lane lack, in words; `nil` when some worker may run them.
    private func want(of lane: Int, at now: Instant) -> String? {
        let demands = lanes.all[lane].demands
        let kind = workers.values.filter { $0.hello.isCentral == lanes.all[lane].isCentral && !$0.hello.isDraining }
        guard !kind.isEmpty else { return "a worker: none is connected" }
        let labelled = kind.filter { $0.hello.labels.contains(demands.labels) }
        guard !labelled.isEmpty else { return "a worker with \(demands.labels.words); \(Self.labels(of: kind))" }
        let place = demands.labels.isEmpty ? "" : " with \(demands.labels.words)"
        let allowed = labelled.filter { $0.hello.allowsCommands || !demands.runsCommand }
        guard !allowed.isEmpty else {
            return "a worker\(place) that runs the study's program (--allow-command); none of the \(labelled.count) connected does"
        }
        let left = allowed.map { $0.end.map { $0 - now } ?? .infinity }
        guard let longest = left.max(), !fits(lane, in: longest) else { return nil }
        let expected = lanes.expectedSeconds(lane: lane) ?? 0
        return "a worker\(place) with \(Self.words(seconds: expected)) left, so long such a job may take; the longest that a connected one "
            + "has is \(Self.words(seconds: max(0, longest)))"
    }

    /// How workers are called: "connected are 2 with class=zen3, 1 without labels".
    private static func labels(of workers: [Worker]) -> String {
        let counts = Dictionary(workers.map { ($0.hello.labels.words, 1) }, uniquingKeysWith: +)
        let list = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
            .map { "\($0.value) \($0.key.isEmpty ? "without labels" : "with \($0.key)")" }
        return "connected \(workers.count == 1 ? "is" : "are") \(list.joined(separator: ", "))\(counts.count > 5 ? ", …" : "")"
    }

    /// "2 h 5 min", "40 s".
    private static func words(seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        if whole < 120 { return "\(whole) s" }
        return whole < 7200 ? "\((whole + 59) / 60) min" : "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
