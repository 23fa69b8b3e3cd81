/// A dense array of 32-bit floats, row-major (the last index varies fastest): the form in which weights, filters and
/// codebooks travel between modules.
///
/// The training engine keeps its own layout (`[H][W][C][N]`) and converts at its edges.
package struct Tensor: Sendable, Equatable {
    /// The extent of each dimension; empty for a scalar.
    package let shape: [Int]
    /// The elements, `shape.reduce(1, *)` of them.
    package var values: [Float]

    package init(shape: [Int], values: [Float]) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values cannot have the shape \(shape)")
        self.shape = shape
        self.values = values
    }

    package init(zeros shape: [Int]) {
        self.init(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
    }

    package init(repeating value: Float, shape: [Int]) {
        self.init(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
    }

    /// The number of elements.
    package var count: Int { values.count }
}
