/// What two networks take the same images for, compared in one cell of the grid.
package struct PredictionComparison: Sendable, Equatable {
    package var pair: [Int]
    package var replicate: Int
    /// Images.
    package var n: Int
    /// Percent.
    package var firstAccuracy, secondAccuracy: Double
    /// Percent of the images that both take for the same class, right or wrong.
    package var agreement: Double
    package var correctness: McNemarTest
    package var classes: StuartMaxwellTest
    /// Holm's, over the table's cells, for each test by itself.
    package var adjustedCorrectnessP, adjustedClassesP: Double

    /// - Parameters: the predicted classes and the labels of the same images in the same order, all in `0..<classCount`.
    package init(pair: [Int], replicate: Int, first: [UInt8], second: [UInt8], labels: [UInt8], classCount: Int) {
        precondition(first.count == labels.count && second.count == labels.count && !labels.isEmpty)
        var table = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
        var (bothRight, onlyFirst, onlySecond, equal) = (0, 0, 0, 0)
        for ((a, b), label) in zip(zip(first, second), labels) {
            table[Int(a)][Int(b)] += 1
            if a == b { equal += 1 }
            switch (a == label, b == label) {
            case (true, true): bothRight += 1
            case (true, false): onlyFirst += 1
            case (false, true): onlySecond += 1
            case (false, false): break
            }
        }
        self.pair = pair
        self.replicate = replicate
        n = labels.count
        func percent(_ count: Int) -> Double { 100 * Double(count) / Double(labels.count) }
        firstAccuracy = percent(bothRight + onlyFirst)
        secondAccuracy = percent(bothRight + onlySecond)
        agreement = percent(equal)
        correctness = McNemarTest(onlyFirst: onlyFirst, onlySecond: onlySecond)
        classes = StuartMaxwellTest(table)
        adjustedCorrectnessP = correctness.pValue
        adjustedClassesP = classes.pValue
    }
}
