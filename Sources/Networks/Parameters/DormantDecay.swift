/// What SGD does to weights that never get a gradient, from the start on: weight decay and momentum alone.
///
/// Taps of a 3×3 kernel that see nothing but padding (eight of nine on a 1×1 map) are such weights, and so are the
/// differences between weights that share one input. A step is linear in (value, momentum), and momentum starts at
/// zero, so after any number of steps every such weight is the same multiple `value` of what it was at the start, and its
/// momentum the multiple `momentum`. Two numbers stand for all of them; equal to the plain loop up to rounding.
package struct DormantDecay: Sendable, Equatable {
    /// Today's weights as a multiple of the start's.
    package private(set) var value = 1.0
    /// Their momenta, likewise.
    package private(set) var momentum = 0.0

    package init(value: Double = 1, momentum: Double = 0) {
        self.value = value
        self.momentum = momentum
    }

    /// One step of ``SGDSettings`` with this rate.
    package mutating func step(_ settings: SGDSettings, learningRate: Double) {
        let decay = settings.weightDecay * value
        momentum = settings.momentum * momentum + decay
        value -= learningRate * (settings.nesterov ? decay + settings.momentum * momentum : momentum)
    }

    package mutating func clearMomentum() { momentum = 0 }
}
