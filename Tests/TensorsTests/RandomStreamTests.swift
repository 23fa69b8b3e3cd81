import Tensors
import Testing

@Suite struct RandomStreamTests {
    /// The known answers for philox4x32-10 in Random123's `kat_vectors`.
    @Test func `philox gives the published known answers`() {
        #expect(RandomStream.philox(counter: (0, 0, 0, 0), key: (0, 0)) == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = UInt32.max
        #expect(
            RandomStream.philox(counter: (ones, ones, ones, ones), key: (ones, ones))
                == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            RandomStream.philox(counter: (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: (0xa409_3822, 0x299f_31d0))
                == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func `a stream is a function of its seed and substream`() {
        var a = RandomStream(seed: 7, substream: 3)
        var b = RandomStream(seed: 7, substream: 3)
        var other = RandomStream(seed: 7, substream: 4)
        let first = (0..<9).map { _ in a.nextUInt32() }
        #expect(first == (0..<9).map { _ in b.nextUInt32() })
        #expect(first != (0..<9).map { _ in other.nextUInt32() })
    }

    @Test func `indices cover their range evenly`() {
        var stream = RandomStream(seed: 1)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[stream.index(below: 7)] += 1 }
        // Six standard deviations of a binomial count with n = 70 000, p = 1/7.
        for count in counts { #expect(abs(Double(count) - 10_000) < 6 * 92.6) }
    }

    @Test func `normal numbers have mean 0, variance 1 and kurtosis 3`() {
        var stream = RandomStream(seed: 2)
        let draws = (0..<200_000).map { _ in Double(stream.normal()) }
        let moments = (1...4).map { power in
            draws.reduce(0) { sum, x in sum + (0..<power).reduce(1) { product, _ in product * x } } / Double(draws.count)
        }
        #expect(abs(moments[0]) < 0.015)
        #expect(abs(moments[1] - 1) < 0.02)
        #expect(abs(moments[2]) < 0.04)
        #expect(abs(moments[3] - 3) < 0.15)
    }

    @Test func `a shuffle is a permutation and reaches every order`() {
        var stream = RandomStream(seed: 3)
        var seen: [[Int]: Int] = [:]
        for _ in 0..<6_000 {
            var elements = [0, 1, 2]
            stream.shuffle(&elements)
            #expect(elements.sorted() == [0, 1, 2])
            seen[elements, default: 0] += 1
        }
        #expect(seen.count == 6)
        for count in seen.values { #expect(abs(Double(count) - 1_000) < 6 * 28.9) }
    }
}
