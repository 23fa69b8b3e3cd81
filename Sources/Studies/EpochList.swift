/// The epochs of a training, ascending.
///
/// An array, but for the last, which lies in the list itself: most tables need no other, and ten thousands of arrays with one element
/// each cost more than reading them.
package struct EpochList: Sendable, Equatable {
    private var earlier: [EpochMetrics] = []
    private var latest: EpochMetrics?

    package init() {}

    package init(_ epochs: some Sequence<EpochMetrics>) {
        for epoch in epochs { append(epoch) }
    }

    package mutating func append(_ epoch: EpochMetrics) {
        if let latest { earlier.append(latest) }
        latest = epoch
    }
}

extension EpochList: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { earlier.count + (latest == nil ? 0 : 1) }

    package subscript(position: Int) -> EpochMetrics { position < earlier.count ? earlier[position] : latest! }

    package var last: EpochMetrics? { latest }

    /// The metrics of an epoch, counted from 1.
    package func epoch(_ number: Int) -> EpochMetrics? {
        latest?.epoch == number ? latest : earlier.first { $0.epoch == number }
    }
}

extension EpochList: ExpressibleByArrayLiteral {
    package init(arrayLiteral epochs: EpochMetrics...) { self.init(epochs) }
}
