import Tensors

/// Draws the kernels of a new layer from a codebook: each independently, a centre with the probability of its share.
///
/// Source: the clustered-initialization study, section 2.4.1.
package struct KernelSampler: Sendable {
    package let codebook: KernelCodebook

    package init(_ codebook: KernelCodebook) { self.codebook = codebook }

    /// The centre of each kernel of a layer, `[outputs·inputs]`, the input varying fastest.
    package func sample(outputs: Int, inputs: Int, seed: UInt64) -> [UInt8] {
        precondition(outputs >= 0 && inputs >= 0)
        var ends: [Int] = []
        for count in codebook.counts { ends.append((ends.last ?? 0) + count) }
        var stream = RandomStream(seed: seed)
        return (0..<outputs * inputs).map { _ in
            let member = stream.index(below: ends.last!)
            return UInt8(ends.firstIndex { member < $0 }!)
        }
    }

    /// The weights `[O, C, K, K]` that assignments stand for.
    ///
    /// Errors: ``InitializerError/wrongShape(what:actual:expected:)`` unless there are O·C assignments and the kernels
    /// are as large as the codebook's, ``InitializerError/unknownCentre(index:centres:)``.
    package func expand(_ assignments: [UInt8], shape: [Int]) throws(InitializerError) -> Tensor {
        let side = codebook.centres.shape[1], area = side * side
        guard shape.count == 4, shape[2] == side, shape[3] == side else {
            throw .wrongShape(
                what: "the layer", actual: shape, expected: "[O, C, \(side), \(side)], as the codebook's kernels")
        }
        guard assignments.count == shape[0] * shape[1] else {
            throw .wrongShape(
                what: "the list of assignments", actual: [assignments.count],
                expected: "[\(shape[0] * shape[1])], one a kernel")
        }
        var values: [Float] = []
        values.reserveCapacity(assignments.count * area)
        for assignment in assignments {
            guard Int(assignment) < codebook.counts.count else {
                throw .unknownCentre(index: Int(assignment), centres: codebook.counts.count)
            }
            values.append(contentsOf: codebook.centres.values[Int(assignment) * area..<(Int(assignment) + 1) * area])
        }
        return Tensor(shape: shape, values: values)
    }
}
