/// A seeded source of choices: SplitMix64. The same seed makes the same choices in every process and on every machine.
///
/// Source: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
package struct SeededChoices: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03 }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SeededChoices.mix(state)
    }

    /// A number from 0 to `bound` - 1; `bound` is at least 1.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    package mutating func chance(_ probability: Double) -> Bool { seconds(0, 1) < probability }

    /// A number from `from` up to `to`.
    package mutating func seconds(_ from: Double, _ to: Double) -> Double {
        from + (to - from) * Double(next() >> 11) / Double(1 << 53)
    }

    /// The generator's finalizer: spreads every bit of its argument over all bits of the value.
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
