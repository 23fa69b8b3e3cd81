import Dispatch

/// Puts batches together ahead of the network, on a thread of its own, so that a step waits for images only when
/// assembly is slower than training.
final class BatchAssembler: Sendable {
    /// What a pass over images is: which, in which order, cut how.
    struct Pass: Sendable {
        var source: any ImageSource
        var mixing: (any BatchMixing)?
        var order: [Int]
        var batchSize: Int
        /// 1-based; augmentation depends on it.
        var epoch: Int

        var batches: Int { (order.count + batchSize - 1) / batchSize }
    }

    private let shape: NetworkShape
    private let slots: [Batch]
    private let queue = DispatchQueue(label: "sower.batches", qos: .userInitiated)

    init(shape: NetworkShape, batchSize: Int) {
        self.shape = shape
        slots = (0..<2).map { _ in Batch(shape: shape, capacity: batchSize) }
    }

    /// Hands `body` the batches of a pass in order, each valid until `body` returns; stops early when `body` returns false.
    func run(_ pass: Pass, _ body: (_ batch: Batch, _ number: Int) -> Bool) {
        guard pass.batches > 0 else { return }
        let assembled = DispatchSemaphore(value: 0)
        func assemble(_ number: Int) {
            let slot = slots[number % slots.count]
            queue.async {
                Self.fill(slot, pass, number)
                assembled.signal()
            }
        }
        assemble(0)
        for number in 0..<pass.batches {
            assembled.wait()
            let hasNext = number + 1 < pass.batches
            if hasNext { assemble(number + 1) }
            guard body(slots[number % slots.count], number) else {
                // The next one is under way: its slot must be quiet before it is used again.
                if hasNext { assembled.wait() }
                return
            }
        }
    }

    private static func fill(_ slot: Batch, _ pass: Pass, _ number: Int) {
        let first = number * pass.batchSize
        let indices = pass.order[first..<min(first + pass.batchSize, pass.order.count)]
        slot.count = indices.count
        slot.share = 1
        pass.source.fill(indices, epoch: pass.epoch, images: slot.images, labels: slot.labels)
        guard let mixing = pass.mixing else { return }
        let rows = slot.shape.imageSize * slot.shape.imageSize * slot.shape.channels
        let (share, partners) = mixing.mix(
            slot.images, rows: rows, count: slot.count, epoch: pass.epoch, batch: number)
        slot.share = share
        for (index, partner) in partners.enumerated() { slot.secondLabels[index] = slot.labels[partner] }
    }
}
