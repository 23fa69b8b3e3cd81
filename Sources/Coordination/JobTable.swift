import Studies

/// The dispatcher's jobs by id, in dense rows: a dictionary of whole jobs leaves half of its memory unused, and a sweep may have a
/// million of them. Jobs are added and changed, never removed; they come in the order in which they were added.
struct JobTable: Sequence, Sendable {
    private var positions: [JobID: Int32] = [:]
    /// Optional so that a job can be changed in place through the subscript; no row is ever `nil`.
    private var rows: [Dispatcher.Job?] = []

    mutating func reserveCapacity(_ count: Int) {
        positions.reserveCapacity(count)
        rows.reserveCapacity(count)
    }

    subscript(id: JobID) -> Dispatcher.Job? {
        get { positions[id].flatMap { rows[Int($0)] } }
        _modify {
            if let position = positions[id] {
                yield &rows[Int(position)]
            } else {
                var added: Dispatcher.Job?
                yield &added
                guard added != nil else { return }
                positions[id] = Int32(rows.count)
                rows.append(added)
            }
        }
    }

    var values: some Sequence<Dispatcher.Job> { rows.lazy.compactMap { $0 } }

    func makeIterator() -> AnyIterator<(id: JobID, job: Dispatcher.Job)> {
        var jobs = values.makeIterator()
        return AnyIterator { jobs.next().map { ($0.entry.id, $0) } }
    }
}
