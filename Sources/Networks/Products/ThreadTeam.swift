import Dispatch

/// Splits the work of a layer over threads, by channels: each channel is computed by one thread exactly as it would be
/// alone, so the number of threads changes the speed and never a bit.
package struct ThreadTeam: Sendable {
    /// The number of threads, 1 or more.
    package let count: Int

    package init(count: Int = 1) {
        precondition(count > 0)
        self.count = count
    }

    /// Calls `body` with consecutive ranges that cover `0..<total`, one a thread, with the number of the thread.
    ///
    /// Ranges begin at multiples of `grain` (a register tile's rows), so that no thread works on a torn tile.
    @inline(__always)
    func split(_ total: Int, grain: Int = 8, _ body: (_ range: Range<Int>, _ thread: Int) -> Void) {
        let grains = (total + grain - 1) / grain
        guard count > 1, grains > 1 else {
            body(0..<total, 0)
            return
        }
        let parts = min(count, grains)
        withoutActuallyEscaping(body) { body in
            // Each call works on channels of its own, and all have returned before this does.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                let first = grains * part / parts * grain
                let last = min(grains * (part + 1) / parts * grain, total)
                body(first..<last, part)
            }
        }
    }
}
