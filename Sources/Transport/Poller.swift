/// Waits for any mix of sockets and file descriptors, each under a key of the caller's choosing.
///
/// `Key` is best an enum, so that a loop's `switch` over what is ready is complete. Level-triggered: what is not dealt with
/// is ready again at the next wait. Belongs to the thread of its sockets. A wait costs one `poll(2)`, linear in the items.
///
/// What can do without the keys stands in `PollItems`: other modules run generic code as it is, unspecialized, and a loop that waits
/// for every message would spend a tenth of its time there.
package struct Poller<Key: Hashable> {
    /// One item that is ready.
    package struct Ready {
        package let key: Key
        package let events: PollEvents
    }

    private var keys: [Key] = []
    private var items = PollItems()
    private var positions: [Key: Int] = [:]

    package init() {}

    /// How many items are watched.
    package var count: Int { keys.count }

    /// Waits for a socket from now on, in place of anything under the same key; forget it before it is closed.
    package mutating func watch(_ socket: any PollableSocket, as key: Key, for events: PollEvents) {
        set(key, socket, fileDescriptor: -1, events)
    }

    /// Waits for a file descriptor from now on, in place of anything under the same key; forget it before it is closed.
    package mutating func watch(fileDescriptor: Int32, as key: Key, for events: PollEvents) {
        precondition(fileDescriptor >= 0, "a file descriptor is not negative")
        set(key, nil, fileDescriptor: fileDescriptor, events)
    }

    /// Stops waiting for the item under `key`, if there is one.
    package mutating func forget(_ key: Key) {
        guard let position = positions.removeValue(forKey: key) else { return }
        keys.remove(at: position)
        items.remove(at: position)
        for later in position..<keys.count { positions[keys[later]] = later }
    }

    /// Waits until something is ready, at most `timeoutMilliseconds` (0: not at all, negative: without end).
    ///
    /// The result is in the order of watching, and empty when the time is over *or a signal arrived* (`EINTR`), so that a
    /// loop looks at its signal flags soon. Throws `.contextTerminated` or `.io`.
    package mutating func wait(timeoutMilliseconds: Int) throws(TransportError) -> [Ready] {
        guard try items.wait(timeoutMilliseconds: timeoutMilliseconds) else { return [] }
        var ready: [Ready] = []
        for position in keys.indices {
            let events = items.events(at: position)
            if events.rawValue != 0 { ready.append(Ready(key: keys[position], events: events)) }
        }
        return ready
    }

    private mutating func set(_ key: Key, _ socket: (any PollableSocket)?, fileDescriptor: Int32, _ events: PollEvents) {
        if let position = positions[key] {
            items.replace(at: position, by: socket, fileDescriptor: fileDescriptor, events)
        } else {
            positions[key] = keys.count
            keys.append(key)
            items.append(socket, fileDescriptor: fileDescriptor, events)
        }
    }
}

extension Poller.Ready: Sendable where Key: Sendable {}
