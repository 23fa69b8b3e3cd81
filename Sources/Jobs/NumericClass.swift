import Networks

/// Which results are equal to the bit: those of one class.
package enum NumericClass {
    /// Raised with every change that changes a bit of any result.
    package static let engineVersion = "2"

    /// The class of this process: engine version and arithmetic.
    package static var current: String { "engine-\(engineVersion)/\(SegmentProduct.best.numericClass)" }
}
