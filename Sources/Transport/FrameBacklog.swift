/// Frames for which the queue to a peer has no room yet, in their order, up to a number of bytes.
package struct FrameBacklog {
    private var frames: [[UInt8]] = []
    /// How many of them have left.
    private var left = 0
    package private(set) var bytes = 0

    package init() {}

    package var isEmpty: Bool { left == frames.count }

    /// The oldest frame that waits.
    package var first: [UInt8]? { isEmpty ? nil : frames[left] }

    /// Adds a frame; `false`, and nothing is added, when more than `limit` bytes would wait then.
    @discardableResult package mutating func append(_ frame: [UInt8], limit: Int) -> Bool {
        guard bytes + frame.count <= limit else { return false }
        frames.append(frame)
        bytes += frame.count
        return true
    }

    package mutating func removeFirst() {
        bytes -= frames[left].count
        left += 1
        // What has left is given back now and then: moving the others costs as much as they are.
        guard left * 2 > frames.count else { return }
        frames.removeFirst(left)
        left = 0
    }
}
