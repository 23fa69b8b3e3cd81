/// The epochs of a training, ascending.
///
/// An array, but for the last, which lies in the list itself: most tables need no other, and ten thousands of arrays with one element
/// each cost more than reading them.
package struct EpochList: Sendable, Equatable {
    private var earlier: [EpochMetrics] = []
    package private(set) var last: EpochMetrics?

    package init() {}

    package init(_ epochs: some Sequence<EpochMetrics>) {
        for epoch in epochs { append(epoch) }
    }

    package mutating func append(_ epoch: EpochMetrics) {
        if let last { earlier.append(last) }
        last = epoch
    }
}

extension EpochList: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { earlier.count + (last == nil ? 0 : 1) }

    package subscript(position: Int) -> EpochMetrics { position < earlier.count ? earlier[position] : last! }

    /// The metrics of an epoch, counted from 1.
    package func epoch(_ number: Int) -> EpochMetrics? {
        last?.epoch == number ? last : earlier.first { $0.epoch == number }
    }
}

extension EpochList: ExpressibleByArrayLiteral {
    package init(arrayLiteral epochs: EpochMetrics...) { self.init(epochs) }
}
