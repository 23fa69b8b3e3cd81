/// Stochastic gradient descent as torch.optim.SGD does it, dampening 0: d = g + weightDecay·w, v ← momentum·v + d,
/// w ← w − rate·v, or with Nesterov's momentum w ← w − rate·(d + momentum·v).
package struct SGDSettings: Sendable, Equatable, Codable {
    /// The first learning rate; a ``LearningRateSchedule`` may lower it.
    package var learningRate: Double
    package var momentum: Double
    /// Added to the gradient of every parameter, batch norm and biases included, as torch does.
    package var weightDecay: Double
    package var nesterov: Bool

    package init(learningRate: Double, momentum: Double, weightDecay: Double, nesterov: Bool = false) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.nesterov = nesterov
    }
}
