import Tensors

/// A learned tensor: where its values, gradient and momentum lie in the flat buffers of a ``ParameterStore``.
package struct Parameter {
    let description: ParameterDescription
    let layout: WeightLayout
    /// Values, gradients and momentum of the learned elements, in the order of ``layout``.
    package let values: UnsafeMutablePointer<Float>
    package let gradients: UnsafeMutablePointer<Float>
    let momentum: UnsafeMutablePointer<Float>
    let count: Int
    /// The start of what never gets a gradient: see ``WeightLayout``.
    let dormant: UnsafeMutablePointer<Float>
    let dormantCount: Int
    /// For grouped positions, the groups' mean weights at the start; else empty.
    let dormantMeans: UnsafeMutablePointer<Float>
    let dormantMeansCount: Int

    /// Takes values in torch's order.
    package func load(_ tensor: Tensor) {
        tensor.values.withUnsafeBufferPointer { source in
            if case .groupedPositions(let groups) = layout, dormantCount > 0 {
                load(source, groups)
            } else {
                layout.forEachElement(count: source.count) { torch, isLearned, place in
                    if isLearned { values[place] = source[torch] } else { dormant[place] = source[torch] }
                }
            }
        }
    }

    private func load(_ source: UnsafeBufferPointer<Float>, _ groups: PositionGroups) {
        let positions = groups.groupOfPosition.count
        var sums = [Double](repeating: 0, count: groups.sizes.count)
        for row in 0..<source.count / positions {
            for group in sums.indices { sums[group] = 0 }
            for (position, group) in groups.groupOfPosition.enumerated() {
                sums[group] += Double(source[row * positions + position])
                dormant[row * positions + position] = source[row * positions + position]
            }
            for (group, sum) in sums.enumerated() {
                let place = groups.place(row: row, group: group)
                values[place] = Float(sum / Double(groups.sizes[group]))
                dormantMeans[place] = values[place]
            }
        }
    }

    /// The values in torch's order.
    package func tensor(_ decay: DormantDecay) -> Tensor {
        var values: [Float] = []
        values.reserveCapacity(description.count)
        forEachPiece(decay) { values.append(contentsOf: $0) }
        return Tensor(shape: description.shape, values: values)
    }

    /// The values in torch's order, in pieces: the largest layers would not fit in memory twice.
    func forEachPiece(_ decay: DormantDecay, _ body: (UnsafeBufferPointer<Float>) -> Void) {
        var piece: [Float] = []
        guard case .groupedPositions(let groups) = layout, dormantCount > 0 else {
            piece = [Float](repeating: 0, count: description.count)
            piece.withUnsafeMutableBufferPointer { target in
                layout.forEachElement(count: target.count) { torch, isLearned, place in
                    target[torch] = isLearned ? values[place] : Float(decay.value * Double(dormant[place]))
                }
            }
            piece.withUnsafeBufferPointer(body)
            return
        }
        let positions = groups.groupOfPosition.count
        let (rows, rowsAtOnce) = (description.count / positions, 1 << 14)
        for first in stride(from: 0, to: rows, by: rowsAtOnce) {
            piece.removeAll(keepingCapacity: true)
            for row in first..<min(first + rowsAtOnce, rows) {
                for (position, group) in groups.groupOfPosition.enumerated() {
                    // The group's mean, and how far the position was from it, decayed since.
                    let place = groups.place(row: row, group: group)
                    let moved = Double(values[place]) - decay.value * Double(dormantMeans[place])
                    piece.append(Float(decay.value * Double(dormant[row * positions + position]) + moved))
                }
            }
            piece.withUnsafeBufferPointer(body)
        }
    }

    /// The gradient in torch's order; zero at dormant elements.
    package func gradientTensor() -> Tensor {
        var tensor = Tensor(zeros: description.shape)
        tensor.values.withUnsafeMutableBufferPointer { target in
            layout.forEachElement(count: target.count) { torch, isLearned, place in
                target[torch] = isLearned ? gradients[place] : 0
            }
        }
        return tensor
    }
}

extension PositionGroups {
    /// Where the mean weight of a group lies; `row` counts torch's rows of positions, `[O][C]`.
    fileprivate func place(row: Int, group: Int) -> Int {
        (row / channels * sizes.count + group) * channels + row % channels
    }
}

/// A tensor that is part of the state but not learned: running statistics.
package struct StateBuffer {
    let description: ParameterDescription
    package let values: UnsafeMutablePointer<Float>
}
