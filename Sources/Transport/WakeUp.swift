import Foundation

/// Wakes a thread that waits in a `Poller`, from any other thread or task.
///
/// A pipe to itself: many signals before a drain are one wake-up, none is lost, and neither side ever waits. (Swift's Glibc
/// module declares neither eventfd nor pipe2.) Source: pipe(7).
package final class WakeUp: Sendable {
    /// The descriptor to watch for `.read`; owned by this object.
    package let fileDescriptor: Int32
    private let writeDescriptor: Int32

    /// A wake-up with nothing signalled; throws `.io` when the process has no file descriptors left.
    package init() throws(TransportError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .io(operation: "create a wake-up pipe", endpoint: nil, code: errno) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        fileDescriptor = ends[0]
        writeDescriptor = ends[1]
    }

    /// Makes the descriptor readable until the next drain; safe from any thread.
    package func signal() {
        var byte: UInt8 = 1
        // EAGAIN means that the pipe is full, so the descriptor is readable already.
        while write(writeDescriptor, &byte, 1) == -1, errno == EINTR {}
    }

    /// Forgets all signals so far; `true` if there was one. Drain first, then look for work: no signal is missed so.
    @discardableResult package func drain() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var signalled = false
        while true {
            let count = read(fileDescriptor, &buffer, buffer.count)
            if count > 0 {
                signalled = true
                // A short read emptied the pipe; what came since leaves it readable.
                if count < buffer.count { return true }
            } else if count == 0 || errno != EINTR {
                return signalled
            }
        }
    }

    deinit {
        close(fileDescriptor)
        close(writeDescriptor)
    }
}
