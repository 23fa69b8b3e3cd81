import Foundation

/// Student's t distribution with a whole number of degrees of freedom.
package enum StudentT {
    /// P(|T| ≤ t), by the finite series that exists for whole degrees of freedom.
    ///
    /// Cost: O(ν). Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4.
    package static func centralProbability(_ t: Double, degreesOfFreedom: Int) -> Double {
        precondition(degreesOfFreedom > 0 && t >= 0)
        let nu = Double(degreesOfFreedom)
        let hypotenuse = (nu + t * t).squareRoot()
        let (sine, cosine) = (t / hypotenuse, nu.squareRoot() / hypotenuse)
        let isOdd = degreesOfFreedom % 2 == 1
        var term = isOdd ? cosine : 1
        var sum = degreesOfFreedom == 1 ? 0 : term
        for exponent in stride(from: isOdd ? 3 : 2, through: degreesOfFreedom - 2, by: 2) {
            term *= cosine * cosine * Double(exponent - 1) / Double(exponent)
            sum += term
        }
        return isOdd ? 2 / Double.pi * (atan(t / nu.squareRoot()) + sine * sum) : sine * sum
    }

    /// The t with P(|T| ≤ t) = `confidence`, which must lie between 0 and 1, to about 1e-12, by bisection.
    package static func criticalValue(confidence: Double, degreesOfFreedom: Int) -> Double {
        precondition(confidence > 0 && confidence < 1)
        var low = 0.0, high = 1.0
        while centralProbability(high, degreesOfFreedom: degreesOfFreedom) < confidence { high *= 2 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if centralProbability(middle, degreesOfFreedom: degreesOfFreedom) < confidence { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// Critical values at a confidence of 95 % that were found before: the rows of a table mostly have as many cells each.
    package struct CriticalValues {
        private var known: [Int: Double] = [:]

        package init() {}

        mutating func value(degreesOfFreedom: Int) -> Double {
            if let value = known[degreesOfFreedom] { return value }
            let value = criticalValue(confidence: 0.95, degreesOfFreedom: degreesOfFreedom)
            known[degreesOfFreedom] = value
            return value
        }
    }
}
