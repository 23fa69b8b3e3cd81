import Foundation

/// The standard normal distribution.
package enum NormalDistribution {
    /// P(Z ≤ z).
    package static func cumulative(_ z: Double) -> Double { erfc(-z / 2.0.squareRoot()) / 2 }

    /// The z with P(Z ≤ z) = `probability`, which must lie between 0 and 1, by bisection to about 1e-12.
    package static func quantile(_ probability: Double) -> Double {
        precondition(probability > 0 && probability < 1)
        var low = -40.0, high = 40.0
        for _ in 0..<64 {
            let middle = (low + high) / 2
            if cumulative(middle) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
