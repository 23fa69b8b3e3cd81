import Testing
import Transport

@Suite struct FrameBacklogTests {
    @Test func `frames leave in the order in which they came, and bytes are counted`() {
        var backlog = FrameBacklog()
        var (next, expected) = (0, 0)
        func frame(_ number: Int) -> [UInt8] { Array("\(number)".utf8) }
        for (added, removed) in [(1, 1), (5, 2), (1000, 10), (3, 900), (200, 250)] {
            for _ in 0..<added {
                backlog.append(frame(next), limit: 1 << 20)
                next += 1
            }
            for _ in 0..<removed {
                #expect(backlog.first == frame(expected))
                backlog.removeFirst()
                expected += 1
            }
            #expect(backlog.bytes == (expected..<next).reduce(0) { $0 + frame($1).count })
            #expect(backlog.isEmpty == (expected == next))
        }
        while backlog.first != nil { backlog.removeFirst() }
        #expect(backlog.isEmpty && backlog.bytes == 0)
    }

    @Test func `what is over the limit is dropped, and what is shorter still finds room`() {
        var backlog = FrameBacklog()
        for frame in [[1, 1, 1], [2, 2], [3], [4, 4, 4, 4]] as [[UInt8]] { backlog.append(frame, limit: 4) }
        #expect(backlog.bytes == 4)
        backlog.append([5], limit: 5)
        var left: [[UInt8]] = []
        while let frame = backlog.first {
            left.append(frame)
            backlog.removeFirst()
        }
        #expect(left == [[1, 1, 1], [3], [5]])
    }
}
