import Studies

/// The 95 % interval of a mean by the bias-corrected and accelerated bootstrap: 10,000 resamples from a fixed seed.
///
/// Source: B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987).
package enum BootstrapInterval {
    static let resamples = 10_000
    /// With fewer values an interval says nothing.
    static let leastCount = 3
    /// With fewer its coverage falls short of 95 %: of normal values, by simulation, 91 % for 10 and 82 % for 5.
    static let trustedCount = 15

    /// `nil` for fewer than three values. `values` must be finite.
    package static func ofMean(_ values: [Double]) -> ClosedRange<Double>? {
        let n = values.count
        guard n >= leastCount else { return nil }
        let mean = values.reduce(0, +) / Double(n)
        guard values.contains(where: { $0 != values[0] }) else { return mean...mean }
        var numbers = SplitMix64(state: 1)
        let means = (0..<resamples).map { _ in
            (0..<n).reduce(0) { sum, _ in sum + values[Int(numbers.next() % UInt64(n))] } / Double(n)
        }.sorted()
        let below = Double(means.count { $0 < mean }), atMost = Double(means.count { $0 <= mean })
        // A mean that no resample is below, or above, would have no quantile.
        let share = min(max((below + atMost) / 2, 0.5), Double(resamples) - 0.5) / Double(resamples)
        let bias = NormalDistribution.quantile(share)
        let acceleration = acceleration(of: values, mean: mean)
        func end(_ tail: Double) -> Double {
            let z = bias + NormalDistribution.quantile(tail)
            return quantile(NormalDistribution.cumulative(bias + z / (1 - acceleration * z)), of: means)
        }
        let (low, high) = (end(0.025), end(0.975))
        return min(low, high)...max(low, high)
    }

    /// From the means without one value each.
    private static func acceleration(of values: [Double], mean: Double) -> Double {
        let n = Double(values.count)
        // The mean without a value is further from it, by 1/(n − 1) of the value's own distance.
        let deviations = values.map { ($0 - mean) / (n - 1) }
        let squares = deviations.reduce(0) { $0 + $1 * $1 }
        let cubes = deviations.reduce(0) { $0 + $1 * $1 * $1 }
        return cubes / (6 * squares * squares.squareRoot())
    }

    /// Between the two nearest of the sorted values, in proportion.
    private static func quantile(_ probability: Double, of sorted: [Double]) -> Double {
        let place = min(max(probability, 0), 1) * Double(sorted.count - 1)
        let index = min(Int(place), sorted.count - 2)
        return sorted[index] + (sorted[index + 1] - sorted[index]) * (place - Double(index))
    }
}
