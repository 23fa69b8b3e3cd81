import CZeroMQ
import Foundation

/// A socket that a `Poller` can wait for.
package protocol PollableSocket: AnyObject {
    /// libzmq's handle of the open socket.
    var pollPointer: UnsafeMutableRawPointer { get }
}

/// Waits for any mix of sockets and file descriptors, each under a key of the caller's choosing.
///
/// `Key` is best an enum, so that a loop's `switch` over what is ready is complete. Level-triggered: what is not dealt with
/// is ready again at the next wait. Belongs to the thread of its sockets. A wait costs one `poll(2)`, linear in the items.
package struct Poller<Key: Hashable> {
    /// What to wait for, and what happened.
    package struct Events: OptionSet, Sendable, Hashable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }

        /// A frame or bytes can be read; for a descriptor also the end of file.
        package static var read: Events { Events(rawValue: 1) }
        /// A frame or bytes can be written. A ROUTER is always writable, whatever its peers' queues.
        package static var write: Events { Events(rawValue: 2) }
        /// Only as a result, only for a descriptor: the other end is closed, or the descriptor failed.
        ///
        /// `read` comes with it when it was asked for: the next read says which it is, after what is still buffered.
        package static var hangUp: Events { Events(rawValue: 4) }
    }

    /// One item that is ready.
    package struct Ready {
        package let key: Key
        package let events: Events
    }

    private var keys: [Key] = []
    private var items: [zmq_pollitem_t] = []
    private var sockets: [(any PollableSocket)?] = []
    private var positions: [Key: Int] = [:]

    package init() {}

    /// How many items are watched.
    package var count: Int { keys.count }

    /// Waits for a socket from now on, in place of anything under the same key; forget it before it is closed.
    package mutating func watch(_ socket: any PollableSocket, as key: Key, for events: Events) {
        set(key, socket, zmq_pollitem_t(socket: nil, fd: -1, events: Self.mask(events), revents: 0))
    }

    /// Waits for a file descriptor from now on, in place of anything under the same key; forget it before it is closed.
    package mutating func watch(fileDescriptor: Int32, as key: Key, for events: Events) {
        precondition(fileDescriptor >= 0, "a file descriptor is not negative")
        set(key, nil, zmq_pollitem_t(socket: nil, fd: fileDescriptor, events: Self.mask(events), revents: 0))
    }

    /// Stops waiting for the item under `key`, if there is one.
    package mutating func forget(_ key: Key) {
        guard let position = positions.removeValue(forKey: key) else { return }
        keys.remove(at: position)
        items.remove(at: position)
        sockets.remove(at: position)
        for later in position..<keys.count { positions[keys[later]] = later }
    }

    /// Waits until something is ready, at most `timeoutMilliseconds` (0: not at all, negative: without end).
    ///
    /// The result is in the order of watching, and empty when the time is over *or a signal arrived* (`EINTR`), so that a
    /// loop looks at its signal flags soon. Throws `.contextTerminated` or `.io`.
    package mutating func wait(timeoutMilliseconds: Int) throws(TransportError) -> [Ready] {
        for (position, socket) in sockets.enumerated() {
            if let socket { items[position].socket = socket.pollPointer }
        }
        let timeout = max(-1, timeoutMilliseconds)
        let readyCount = items.withUnsafeMutableBufferPointer { zmq_poll($0.baseAddress, Int32($0.count), timeout) }
        if readyCount < 0 {
            if zmq_errno() == EINTR { return [] }
            throw .last("wait for frames")
        }
        guard readyCount > 0 else { return [] }
        return items.indices.compactMap { position in
            let item = items[position]
            var events: Events = []
            if item.revents & Int16(ZMQ_POLLIN) != 0 { events.insert(.read) }
            if item.revents & Int16(ZMQ_POLLOUT) != 0 { events.insert(.write) }
            // zmq_poll reports POLLHUP, POLLERR and POLLNVAL of a descriptor all as ZMQ_POLLERR.
            if item.revents & Int16(ZMQ_POLLERR) != 0 {
                events.insert(.hangUp)
                if item.events & Int16(ZMQ_POLLIN) != 0 { events.insert(.read) }
            }
            return events.isEmpty ? nil : Ready(key: keys[position], events: events)
        }
    }

    private mutating func set(_ key: Key, _ socket: (any PollableSocket)?, _ item: zmq_pollitem_t) {
        if let position = positions[key] {
            items[position] = item
            sockets[position] = socket
        } else {
            positions[key] = keys.count
            keys.append(key)
            items.append(item)
            sockets.append(socket)
        }
    }

    private static func mask(_ events: Events) -> Int16 {
        var mask: Int16 = 0
        if events.contains(.read) { mask |= Int16(ZMQ_POLLIN) }
        if events.contains(.write) { mask |= Int16(ZMQ_POLLOUT) }
        return mask
    }
}

extension Poller.Ready: Sendable where Key: Sendable {}
