import CZeroMQ

/// The libzmq context of this process: its I/O threads and the sockets made from it.
///
/// Make one a process, and never fork without exec after it: libzmq's I/O threads do not survive a fork. A context may
/// be shared between threads; its sockets may not. Each socket keeps its context alive, so the last release ends it.
///
/// Ending blocks until every socket is closed; with `LINGER` 0, which every socket here has, that is a moment.
///
/// Source: zmq_ctx_term(3): "shall block until … all sockets open within context have been closed".
package final class ZeroMQContext: @unchecked Sendable {
    /// libzmq's own handle; contexts are thread safe (zmq_ctx_new(3)), hence the unchecked conformance.
    let pointer: UnsafeMutableRawPointer

    /// A context with `ioThreads` threads that move bytes; libzmq's rule of thumb is one a gigabyte a second.
    ///
    /// Throws `.io` when the process has no file descriptors left for the threads' mailboxes.
    package init(ioThreads: Int = 1) throws(TransportError) {
        precondition(ioThreads >= 1, "a context needs an I/O thread")
        guard let pointer = zmq_ctx_new() else {
            throw TransportError.io(operation: "create the ZeroMQ context", endpoint: nil, code: zmq_errno())
        }
        self.pointer = pointer
        zmq_ctx_set(pointer, ZMQ_IO_THREADS, Int32(clamping: ioThreads))
    }

    /// Makes every call on this context's sockets throw `.contextTerminated` from now on; they still have to be closed.
    ///
    /// May be called from any thread, more than once: it is how one thread tells a polling one to leave.
    package func shutdown() {
        zmq_ctx_shutdown(pointer)
    }

    deinit {
        while zmq_ctx_term(pointer) == -1, zmq_errno() == EINTR {}
    }

    /// The linked libzmq, for example "4.3.4".
    package static var libraryVersion: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
