import Foundation

/// A reproducible stream of random numbers: Philox4x32-10, keyed by a 64-bit seed.
///
/// Counter-based, so a stream is its seed and nothing else: two streams with different seeds are independent whatever
/// the order in which they are used, and the same seed gives the same numbers on every machine. Uniform and integer
/// draws use only integer arithmetic and one multiplication; `normal()` also uses `log`, `cos` and `sin` of the C
/// library in double precision, rounded to `Float` at the end.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
/// <https://doi.org/10.1145/2063384.2063405>; checked against the known answers of the Random123 library.
package struct RandomStream: Sendable {
    private let key: (UInt32, UInt32)
    private let substream: UInt64
    private var block: UInt64 = 0
    private var buffer: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var used = 4
    private var spareNormal: Double?

    /// The stream of a seed; `substream` selects one of 2⁶⁴ independent streams of the same seed (an epoch, an image).
    package init(seed: UInt64, substream: UInt64 = 0) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.substream = substream
    }

    package mutating func nextUInt32() -> UInt32 {
        if used == 4 {
            buffer = RandomStream.philox(
                counter: (
                    UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32),
                    UInt32(truncatingIfNeeded: substream), UInt32(truncatingIfNeeded: substream >> 32)
                ), key: key)
            block += 1
            used = 0
        }
        defer { used += 1 }
        switch used {
        case 0: return buffer.0
        case 1: return buffer.1
        case 2: return buffer.2
        default: return buffer.3
        }
    }

    package mutating func nextUInt64() -> UInt64 {
        let low = UInt64(nextUInt32())
        return low | UInt64(nextUInt32()) << 32
    }

    /// A number in [0, 1) with 24 random bits.
    package mutating func uniform() -> Float { Float(nextUInt32() >> 8) * 0x1p-24 }

    /// A number in [0, 1) with 53 random bits.
    package mutating func uniformDouble() -> Double { Double(nextUInt64() >> 11) * 0x1p-53 }

    /// A number between the bounds of `range`.
    package mutating func uniform(in range: ClosedRange<Float>) -> Float {
        min(range.lowerBound + (range.upperBound - range.lowerBound) * uniform(), range.upperBound)
    }

    /// A standard normal number (Box–Muller; the second of each pair is kept for the next call).
    package mutating func normal() -> Float {
        if let spare = spareNormal {
            spareNormal = nil
            return Float(spare)
        }
        let radius = (-2 * log(1 - uniformDouble())).squareRoot()
        let angle = 2 * Double.pi * uniformDouble()
        spareNormal = radius * sin(angle)
        return Float(radius * cos(angle))
    }

    /// An index in `0..<count`, without bias (Lemire's method with rejection). `count` must be positive.
    package mutating func index(below count: Int) -> Int {
        precondition(count > 0)
        let bound = UInt64(count)
        var product = nextUInt64().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = nextUInt64().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// Puts `elements` in random order (Fisher–Yates, from the last element down).
    package mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for last in stride(from: elements.count - 1, through: 1, by: -1) {
            elements.swapAt(last, index(below: last + 1))
        }
    }

    /// One Philox4x32 block of ten rounds.
    package static func philox(
        counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var (c0, c1, c2, c3) = counter
        var (k0, k1) = key
        for _ in 0..<10 {
            let a = UInt64(c0) * 0xD251_1F53
            let b = UInt64(c2) * 0xCD9E_8D57
            let next = (
                UInt32(truncatingIfNeeded: b >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: a)
            )
            (c0, c1, c2, c3) = next
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (c0, c1, c2, c3)
    }
}
