import Coordination

/// What is going to happen in virtual time; what happens at one instant happens in the order in which it was put in.
///
/// A binary heap of small keys; the events themselves lie still, so that a large one costs no more than a small one.
struct EventQueue<Event> {
    private struct Key {
        var time: Double
        var order: UInt64
        var place: Int32

        static func < (a: Key, b: Key) -> Bool { a.time < b.time || (a.time == b.time && a.order < b.order) }
    }

    private var keys: [Key] = []
    private var events: [Event?] = []
    private var freePlaces: [Int32] = []
    private var inserted: UInt64 = 0

    mutating func insert(_ event: Event, at time: Instant) {
        let place: Int32
        if let free = freePlaces.popLast() {
            place = free
            events[Int(place)] = event
        } else {
            place = Int32(events.count)
            events.append(event)
        }
        inserted += 1
        let key = Key(time: time.seconds, order: inserted, place: place)
        keys.append(key)
        var child = keys.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard key < keys[parent] else { break }
            keys[child] = keys[parent]
            child = parent
        }
        keys[child] = key
    }

    /// The next event and its time; `nil` when nothing is going to happen any more.
    mutating func popFirst() -> (time: Instant, event: Event)? {
        guard let first = keys.first, let event = events[Int(first.place)] else { return nil }
        events[Int(first.place)] = nil
        freePlaces.append(first.place)
        let last = keys.removeLast()
        guard !keys.isEmpty else { return (Instant(seconds: first.time), event) }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < keys.count else { break }
            if child + 1 < keys.count, keys[child + 1] < keys[child] { child += 1 }
            guard keys[child] < last else { break }
            keys[parent] = keys[child]
            parent = child
        }
        keys[parent] = last
        return (Instant(seconds: first.time), event)
    }
}
