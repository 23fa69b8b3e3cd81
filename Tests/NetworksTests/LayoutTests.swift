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
}
