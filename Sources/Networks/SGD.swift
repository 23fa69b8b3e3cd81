/// Stochastic gradient descent as torch.optim.SGD does it: v ← momentum·v + (g + weightDecay·w), w ← w − rate·v.
package struct SGDSettings: Sendable, Equatable, Codable {
    /// The first learning rate; a ``LearningRateSchedule`` may lower it.
    package var learningRate: Double
    package var momentum: Double
    /// Added to the gradient of every parameter, batch norm and biases included, as torch does.
    package var weightDecay: Double

    package init(learningRate: Double, momentum: Double, weightDecay: Double) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
    }
}

/// One SGD step of a weight without gradient, as a 2×2 matrix on (value, momentum).
///
/// Taps of a 3×3 kernel that see nothing but padding (eight of nine on a 1×1 map) change by decay alone. A power of this
/// matrix makes all steps of an epoch at once; equal to the plain loop up to rounding.
package struct DeadTapRecurrence {
    /// Row by row.
    package typealias Matrix = (Double, Double, Double, Double)
    package let step: Matrix

    package init(settings: SGDSettings, learningRate: Double) {
        let (decay, momentum) = (settings.weightDecay, settings.momentum)
        step = (1 - learningRate * decay, -learningRate * momentum, decay, momentum)
    }

    package func power(_ steps: Int) -> Matrix {
        func product(_ a: Matrix, _ b: Matrix) -> Matrix {
            (a.0 * b.0 + a.1 * b.2, a.0 * b.1 + a.1 * b.3, a.2 * b.0 + a.3 * b.2, a.2 * b.1 + a.3 * b.3)
        }
        var result: Matrix = (1, 0, 0, 1)
        var square = step
        var remaining = steps
        while remaining > 0 {
            if remaining & 1 == 1 { result = product(result, square) }
            square = product(square, square)
            remaining >>= 1
        }
        return result
    }
}
