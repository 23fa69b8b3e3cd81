import Coordination

/// The results on a worker's disk. Writing returns when they are durable; a removal may be undone by a power failure.
struct SimulatedOutbox {
    /// What the disk gives back when it is read now.
    private(set) var results: [AttemptResult] = []
    private var unsyncedWrites: [AttemptResult] = []
    private var unsyncedRemovals: [AttemptResult] = []

    var isEmpty: Bool { results.isEmpty }

    func contains(_ result: AttemptResult) -> Bool { results.contains(result) && !unsyncedWrites.contains(result) }

    mutating func write(_ result: AttemptResult, synced: Bool) {
        results.append(result)
        if !synced { unsyncedWrites.append(result) }
    }

    mutating func remove(_ attempt: AttemptID) {
        unsyncedRemovals += results.filter { $0.attempt == attempt }
        results.removeAll { $0.attempt == attempt }
    }

    /// The system has brought everything to the disk by now.
    mutating func sync() {
        unsyncedWrites = []
        unsyncedRemovals = []
    }

    mutating func losePower() {
        results = results.filter { !unsyncedWrites.contains($0) } + unsyncedRemovals.filter { !results.contains($0) }
        sync()
    }
}
