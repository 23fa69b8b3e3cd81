import Studies

/// Whether paired differences could be zero in truth: the share of all ways to flip their signs that give a mean at least as far from
/// zero, two-sided.
///
/// Exact while all 2ⁿ ways can be gone through (n ≤ 20), else from 100,000 ways drawn at random from a fixed seed, with the
/// observed one counted among them. Source: R. A. Fisher, *The Design of Experiments*, section 21; B. Phipson, G. K. Smyth,
/// "Permutation p-values should never be zero", SAGMB 9 (2010), for the drawn ones.
package struct PermutationTest: Sendable, Equatable {
    package static let largestExactCount = 20
    static let draws = 100_000

    package var pValue: Double
    package var isExact: Bool
    /// The least p that so many differences can give: 2/2ⁿ, or 1 among the draws.
    package var smallestP: Double

    /// - Parameter differences: finite, at least one.
    package init(_ differences: [Double]) {
        precondition(!differences.isEmpty)
        let observed = abs(differences.reduce(0, +))
        // Sums in another order differ in their last bits; what is equal up to those is as extreme.
        let enough = observed - 1e-9 * differences.reduce(0) { $0 + abs($1) }
        isExact = differences.count <= Self.largestExactCount
        if isExact {
            let ways = 1 << differences.count
            // Half of the ways are the other half with all signs flipped.
            pValue = Double(2 * Self.countExtreme(differences, atLeast: enough)) / Double(ways)
            smallestP = 2 / Double(ways)
        } else {
            var numbers = SplitMix64(state: 1)
            var extreme = 1
            for _ in 0..<Self.draws / Sums.scalarCount {
                let sums = Self.flippedSums(differences, &numbers)
                for lane in sums.indices where abs(sums[lane]) >= enough { extreme += 1 }
            }
            pValue = Double(extreme) / Double(Self.draws + 1)
            smallestP = 1 / Double(Self.draws + 1)
        }
    }

    package var name: String {
        isExact ? "exact sign-flip permutation" : "sign-flip permutation (\(Self.draws) draws)"
    }

    /// Goes through all ways in which the last sign stays, each from the one before by one flip (a Gray code).
    private static func countExtreme(_ differences: [Double], atLeast enough: Double) -> Int {
        var signs = [Double](repeating: 1, count: differences.count)
        var sum = differences.reduce(0, +)
        var extreme = abs(sum) >= enough ? 1 : 0
        for way in 1..<max(1, 1 << (differences.count - 1)) {
            let flipped = way.trailingZeroBitCount
            signs[flipped] = -signs[flipped]
            sum += 2 * signs[flipped] * differences[flipped]
            if abs(sum) >= enough { extreme += 1 }
        }
        return extreme
    }

    /// Several draws side by side, each a sum in the order of the differences; the number of draws is a multiple.
    private typealias Sums = SIMD8<Double>

    /// The next draws: each takes a number for 64 differences at a time, one draw after the other.
    private static func flippedSums(_ differences: [Double], _ numbers: inout SplitMix64) -> Sums {
        let words = (differences.count + 63) / 64
        var bits = [SIMD8<UInt64>](repeating: .zero, count: words)
        for draw in bits[0].indices {
            for word in 0..<words { bits[word][draw] = numbers.next() }
        }
        var sums = Sums.zero
        for (index, difference) in differences.enumerated() {
            // A set bit turns the sign.
            let signs = (bits[index / 64] &>> UInt64(index % 64)) &<< 63
            sums += unsafeBitCast(SIMD8(repeating: difference.bitPattern) ^ signs, to: Sums.self)
        }
        return sums
    }
}
