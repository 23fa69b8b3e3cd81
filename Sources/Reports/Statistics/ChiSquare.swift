import Foundation

/// The χ² distribution with a whole number of degrees of freedom.
package enum ChiSquare {
    /// P(X ≥ x): the regularized incomplete gamma function Q(ν/2, x/2), by the finite series of positive terms that it is for whole ν,
    /// so that small probabilities keep their digits.
    ///
    /// Cost: O(ν). Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.4.4 and 26.4.5.
    package static func survival(_ x: Double, degreesOfFreedom: Int) -> Double {
        precondition(degreesOfFreedom > 0 && x >= 0)
        guard x > 0 else { return 1 }
        let half = x / 2
        let isOdd = degreesOfFreedom % 2 == 1
        // The exponents of x/2: 0, 1, 2, … or ½, 1½, …, all below ν/2.
        let first = isOdd ? 0.5 : 0
        var sum = isOdd ? erfc(half.squareRoot()) : 0
        var term = isOdd ? 2 * (half / .pi).squareRoot() * exp(-half) : exp(-half)
        for index in 0..<degreesOfFreedom / 2 {
            let exponent = first + Double(index)
            if half > 700 {
                // e^(−x/2) alone would be zero.
                term = exp(exponent * log(half) - half - lgamma(exponent + 1))
            } else if index > 0 {
                term *= half / exponent
            }
            sum += term
        }
        return min(1, sum)
    }
}
