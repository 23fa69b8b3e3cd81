/// Whether two classifiers that saw the same images are right equally often: of the images that just one of them classifies
/// correctly, each is the first's with probability ½. Exact, two-sided.
///
/// Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
/// Psychometrika 12 (1947), with the binomial distribution itself in place of its approximation.
package struct McNemarTest: Sendable, Equatable {
    /// Images that only the first, or only the second, classifies correctly.
    package var onlyFirst, onlySecond: Int
    /// 1 when there is no such image.
    package var pValue: Double

    package init(onlyFirst: Int, onlySecond: Int) {
        precondition(onlyFirst >= 0 && onlySecond >= 0)
        (self.onlyFirst, self.onlySecond) = (onlyFirst, onlySecond)
        pValue = min(1, 2 * Self.lowerTail(min(onlyFirst, onlySecond), of: onlyFirst + onlySecond))
    }

    /// P(X ≤ k) of n fair throws, k ≤ n/2. The largest term is C(n, k)/2ⁿ; halvings are taken in as the product grows, so that
    /// neither overflows nor vanishes before the result does. Cost: O(n).
    private static func lowerTail(_ k: Int, of n: Int) -> Double {
        var term = 1.0
        var halvings = n
        for factor in stride(from: 1, through: k, by: 1) {
            term *= Double(n - k + factor) / Double(factor)
            while term > 1, halvings > 0 {
                term /= 2
                halvings -= 1
            }
        }
        for _ in 0..<halvings { term /= 2 }
        var sum = term
        for index in stride(from: k, to: 0, by: -1) {
            term *= Double(index) / Double(n - index + 1)
            sum += term
        }
        return sum
    }
}
