/// Whether two classifiers that saw the same images give every class equally often: marginal homogeneity of the square table that
/// counts how often class i by the first meets class j by the second.
///
/// With d the differences of the margins and S their covariance under homogeneity, the statistic is dᵀS⁻¹d over all classes but one,
/// χ² with as many degrees of freedom. It does not ask who is right: see ``McNemarTest``.
///
/// Source: A. Stuart, "A test for homogeneity of the marginal distributions in a two-way classification", Biometrika 42 (1955);
/// A. E. Maxwell, "Comparing the classification of subjects by two independent judges", Brit. J. Psychiatry 116 (1970).
/// **Differs:** S is singular when classes, or groups of them, are never confused with the others. Such groups are tested one by
/// one and their statistics added, each with its classes less one; a class that both give to the very same images (or to none)
/// is such a group of its own and adds nothing. Where S can be inverted this is the usual statistic.
package struct StuartMaxwellTest: Sendable, Equatable {
    /// 0 when no image is classified differently.
    package var statistic: Double
    /// 0 when no image is classified differently: then there is nothing to test.
    package var degreesOfFreedom: Int
    /// 1 when there is nothing to test.
    package var pValue: Double

    /// - Parameter table: square; row i, column j: the images that are i to the first and j to the second.
    package init(_ table: [[Int]]) {
        precondition(table.allSatisfy { $0.count == table.count && $0.allSatisfy { $0 >= 0 } })
        statistic = 0
        degreesOfFreedom = 0
        for group in Self.confusedGroups(table) where group.count > 1 {
            statistic += Self.statistic(table, of: group)
            degreesOfFreedom += group.count - 1
        }
        pValue = degreesOfFreedom == 0 ? 1 : ChiSquare.survival(statistic, degreesOfFreedom: degreesOfFreedom)
    }

    /// The classes in groups that no image leads out of, each ascending.
    private static func confusedGroups(_ table: [[Int]]) -> [[Int]] {
        var isFree = [Bool](repeating: true, count: table.count)
        var groups: [[Int]] = []
        for start in table.indices where isFree[start] {
            isFree[start] = false
            var group = [start]
            var next = 0
            while next < group.count {
                let here = group[next]
                for other in table.indices where isFree[other] && table[here][other] + table[other][here] > 0 {
                    isFree[other] = false
                    group.append(other)
                }
                next += 1
            }
            groups.append(group.sorted())
        }
        return groups
    }

    /// dᵀS⁻¹d over all classes of a group but its last: there S is positive definite, being the Laplacian of a connected graph
    /// without one of its nodes. By Cholesky's factors L: the squared length of the solution of L y = d.
    private static func statistic(_ table: [[Int]], of group: [Int]) -> Double {
        let kept = Array(group.dropLast())
        var factor: [[Double]] = []
        var squared = 0.0
        var solution: [Double] = []
        for (row, i) in kept.enumerated() {
            var line: [Double] = []
            for column in 0...row {
                let j = kept[column]
                var value =
                    i == j
                    ? group.reduce(0.0) { $0 + ($1 == i ? 0 : Double(table[i][$1] + table[$1][i])) } : -Double(table[i][j] + table[j][i])
                for k in 0..<column { value -= line[k] * (column == row ? line[k] : factor[column][k]) }
                line.append(column == row ? value.squareRoot() : value / factor[column][column])
            }
            var value = group.reduce(0.0) { $0 + Double(table[i][$1] - table[$1][i]) }
            for k in 0..<row { value -= line[k] * solution[k] }
            value /= line[row]
            solution.append(value)
            squared += value * value
            factor.append(line)
        }
        return squared
    }
}
