import CZeroMQ
import Foundation

/// A socket that a `Poller` can wait for.
package protocol PollableSocket: AnyObject {
    /// libzmq's handle of the open socket.
    var pollPointer: UnsafeMutableRawPointer { get }
}

/// What to wait for, and what happened.
package struct PollEvents: OptionSet, Sendable, Hashable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    /// A frame or bytes can be read; for a descriptor also the end of file.
    package static var read: PollEvents { PollEvents(rawValue: 1) }
    /// A frame or bytes can be written. A ROUTER is always writable, whatever its peers' queues.
    package static var write: PollEvents { PollEvents(rawValue: 2) }
    /// Only as a result, only for a descriptor: the other end is closed, or the descriptor failed.
    ///
    /// `read` comes with it when it was asked for: the next read says which it is, after what is still buffered.
    package static var hangUp: PollEvents { PollEvents(rawValue: 4) }
}

/// What a `Poller` waits for, by position: all of it that does not depend on the keys.
struct PollItems {
    private var items: [zmq_pollitem_t] = []
    private var sockets: [(any PollableSocket)?] = []

    init() {}

    mutating func append(_ socket: (any PollableSocket)?, fileDescriptor: Int32, _ events: PollEvents) {
        items.append(Self.item(fileDescriptor, events))
        sockets.append(socket)
    }

    mutating func replace(at position: Int, by socket: (any PollableSocket)?, fileDescriptor: Int32, _ events: PollEvents) {
        items[position] = Self.item(fileDescriptor, events)
        sockets[position] = socket
    }

    mutating func remove(at position: Int) {
        items.remove(at: position)
        sockets.remove(at: position)
    }

    /// Whether something is ready.
    mutating func wait(timeoutMilliseconds: Int) throws(TransportError) -> Bool {
        for position in sockets.indices {
            if let socket = sockets[position] { items[position].socket = socket.pollPointer }
        }
        let timeout = max(-1, timeoutMilliseconds)
        let readyCount = items.withUnsafeMutableBufferPointer { zmq_poll($0.baseAddress, Int32($0.count), timeout) }
        if readyCount < 0 {
            if zmq_errno() == EINTR { return false }
            throw .last("wait for frames")
        }
        return readyCount > 0
    }

    /// What was ready there when the last wait found something.
    func events(at position: Int) -> PollEvents {
        let item = items[position]
        var events: Int16 = 0
        if item.revents & Int16(ZMQ_POLLIN) != 0 { events |= PollEvents.read.rawValue }
        if item.revents & Int16(ZMQ_POLLOUT) != 0 { events |= PollEvents.write.rawValue }
        // zmq_poll reports POLLHUP, POLLERR and POLLNVAL of a descriptor all as ZMQ_POLLERR.
        if item.revents & Int16(ZMQ_POLLERR) != 0 {
            events |= PollEvents.hangUp.rawValue
            if item.events & Int16(ZMQ_POLLIN) != 0 { events |= PollEvents.read.rawValue }
        }
        return PollEvents(rawValue: events)
    }

    private static func item(_ fileDescriptor: Int32, _ events: PollEvents) -> zmq_pollitem_t {
        var mask: Int16 = 0
        if events.contains(.read) { mask |= Int16(ZMQ_POLLIN) }
        if events.contains(.write) { mask |= Int16(ZMQ_POLLOUT) }
        return zmq_pollitem_t(socket: nil, fd: fileDescriptor, events: mask, revents: 0)
    }
}
