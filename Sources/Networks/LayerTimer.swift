/// The kinds of work a training step is made of, for profiles.
package enum LayerKind: String, Sendable, CaseIterable {
    /// With the statistics of the batch norm behind it, which are taken while its output is in cache.
    case convolutionForward
    case convolutionBackward, normalization, pooling, head, update
}

/// Adds up the time of each kind of layer when given a clock; costs nothing without one.
package final class LayerTimer {
    private let now: (() -> Duration)?
    private(set) var totals: [LayerKind: Duration] = [:]

    package init(now: (() -> Duration)? = nil) { self.now = now }

    @inline(__always)
    func measure<Result>(_ kind: LayerKind, _ body: () -> Result) -> Result {
        guard let now else { return body() }
        let start = now()
        let result = body()
        totals[kind, default: .zero] += now() - start
        return result
    }
}
