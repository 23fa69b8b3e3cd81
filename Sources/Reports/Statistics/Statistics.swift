/// The numbers that summarize a list of values. Everything is a function of the values *and their order*.
///
/// Sums run in the order given, so callers sort their cells first: then the bytes of a table do not depend on the order
/// in which jobs finished.
package struct Statistics: Sendable, Equatable {
    package var n: Int
    /// `nil` for no values.
    package var mean: Double?
    /// The sample standard deviation, divisor n − 1; `nil` for fewer than two values, where it does not exist.
    package var std: Double?
    /// The standard error of the mean, std/√n.
    package var sem: Double?
    /// The 95 % interval of the mean by Student's t with n − 1 degrees of freedom: values taken as independent.
    package var interval: ClosedRange<Double>?
    package var median: Double?
    package var min: Double?
    package var max: Double?

    /// `values` must be finite. Cost: O(n log n), and O(n) a bisection step for the interval, once for each n among those that share
    /// `criticalValues`.
    package init(_ values: [Double], _ criticalValues: inout StudentT.CriticalValues) {
        n = values.count
        guard n > 0 else { return }
        let mean = values.reduce(0, +) / Double(n)
        self.mean = mean
        let sorted = values.sorted()
        min = sorted.first
        max = sorted.last
        median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2
        guard n > 1 else { return }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let std = (squares / Double(n - 1)).squareRoot()
        let sem = std / Double(n).squareRoot()
        self.std = std
        self.sem = sem
        let reach = sem * criticalValues.value(degreesOfFreedom: n - 1)
        interval = (mean - reach)...(mean + reach)
    }

    package init(_ values: [Double]) {
        var criticalValues = StudentT.CriticalValues()
        self.init(values, &criticalValues)
    }
}
