import CKernels
import Networks
import Testing

@Suite struct LayoutTests {
    @Test(arguments: [(1, 1, 1), (3, 3, 64), (17, 1, 33), (104, 3, 25)])
    func `Images go to [H][W][C][N] and back`(n: Int, channels: Int, positions: Int) {
        let x = numbers(n * channels * positions, stream: 1)
        let (xs, y, back) = (FloatBuffer(x), FloatBuffer(zeros: x.count), FloatBuffer(zeros: x.count))
        sower_nchw_to_hwcn(xs.pointer, y.pointer, n, channels, positions)
        for i in 0..<n {
            for c in 0..<channels {
                for p in 0..<positions {
                    #expect(y.pointer[(p * channels + c) * n + i] == x[(i * channels + c) * positions + p])
                }
            }
        }
        sower_hwcn_to_nchw(y.pointer, back.pointer, n, channels, positions)
        #expect(back.doubles == x.doubles)
    }

    @Test func `Bytes are gathered by index and normalized per channel`() {
        let images = (0..<5 * 3 * 20).map { UInt8(truncatingIfNeeded: splitmix(stream: 1, index: $0)) }
        let indices = [4, 0, 4]
        let y = FloatBuffer(zeros: 3 * 3 * 20)
        sower_gather_bytes(images, indices, 3, 3, 20, [1, 0.5, 2], [0, 1, -1], y.pointer)
        for (n, index) in indices.enumerated() {
            for c in 0..<3 {
                for p in 0..<20 {
                    let byte = Float(images[(index * 3 + c) * 20 + p])
                    #expect(y.pointer[(p * 3 + c) * 3 + n] == byte * [1, 0.5, 2][c] + [0, 1, -1][c])
                }
            }
        }
    }
}
