import Studies

/// A seeded source of choices. The same seed makes the same choices in every process and on every machine.
package struct SeededChoices: RandomNumberGenerator, Sendable {
    private var numbers: SplitMix64

    package init(seed: UInt64) { numbers = SplitMix64(state: seed &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03) }

    package mutating func next() -> UInt64 { numbers.next() }

    /// A number from 0 to `bound` - 1; `bound` is at least 1.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    package mutating func chance(_ probability: Double) -> Bool { seconds(0, 1) < probability }

    /// A number from `from` up to `to`.
    package mutating func seconds(_ from: Double, _ to: Double) -> Double {
        from + (to - from) * Double(next() >> 11) / Double(1 << 53)
    }
}
