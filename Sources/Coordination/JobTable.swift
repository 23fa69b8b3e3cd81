import Studies

/// The dispatcher's jobs by id, in dense rows: a dictionary of whole jobs leaves half of its memory unused, and a sweep may have a
/// million of them. Jobs are added and changed, never removed; they come in the order in which they were added.
struct JobTable: Sequence, Sendable {
    private var positions: [JobID: Int32] = [:]
    /// Optional so that a job can be changed in place through the subscript; no row is ever `nil`.
    private var rows: [Dispatcher.Job?] = []
    /// How many jobs are in each state, kept by the subscript: counting them would copy every job.
    private(set) var counts: [JobState: Int] = [:]

    mutating func reserveCapacity(_ count: Int) {
        positions.reserveCapacity(count)
        rows.reserveCapacity(count)
    }

    subscript(id: JobID) -> Dispatcher.Job? {
        get { positions[id].flatMap { rows[Int($0)] } }
        _modify {
            if let position = positions[id].map(Int.init) {
                let old = rows[position]?.phase.state
                yield &rows[position]
                let new = rows[position]?.phase.state
                guard old != new else { return }
                if let old { counts[old, default: 0] -= 1 }
                if let new { counts[new, default: 0] += 1 }
            } else {
                var added: Dispatcher.Job?
                yield &added
                guard let state = added?.phase.state else { return }
                counts[state, default: 0] += 1
                positions[id] = Int32(rows.count)
                rows.append(added)
            }
        }
    }

    func count(_ state: JobState) -> Int { counts[state] ?? 0 }

    var values: some Sequence<Dispatcher.Job> { rows.lazy.compactMap { $0 } }

    func makeIterator() -> AnyIterator<(id: JobID, job: Dispatcher.Job)> {
        var jobs = values.makeIterator()
        return AnyIterator { jobs.next().map { ($0.entry.id, $0) } }
    }
}
