import CKernels

/// Turns stored images into columns of a batch `[H][W][C][N]`: resizes, augments and normalizes, in this order.
///
/// A stored image is square, `[C][H][W]` bytes, grey or red, green, blue. Augmentation sees the image at the size the
/// network gets. Black is byte 0 before normalization.
///
/// Differs: a resized image stays in single precision, where torchvision on PIL images and bytes rounds to bytes.
///
/// Immutable, so any number of threads may fill disjoint columns of one batch at once; a column's bits depend on its
/// image, the seed and the epoch, not on the batch or on how it is cut. Cuts at multiples of 16 columns are fastest.
package struct ImageAssembly: Sendable {
    /// The largest image size that can be asked for, in pixels.
    package static let maximumImageSize = 1024

    /// The height and width of the stored images, in pixels.
    package let storedSize: Int
    /// The channels of every image: 1 or 3.
    package let channels: Int
    /// The height and width of the images in the batch, in pixels.
    package let imageSize: Int
    /// How bytes become the network's input, a channel each.
    package let normalization: Normalization
    /// What is drawn for each image, from ``seed``, the epoch and the image's index.
    package let augmentation: Augmentation
    /// The seed of augmentation.
    package let seed: UInt64
    private let resampling: Resampling?

    /// A stored image.
    package struct StoredImage {
        /// `[C][H][W]` bytes.
        package var pixels: UnsafePointer<UInt8>
        /// The number that augmentation knows the image by.
        package var index: Int

        package init(pixels: UnsafePointer<UInt8>, index: Int) {
            self.pixels = pixels
            self.index = index
        }
    }

    /// Errors: ``DatasetError/invalidImageSize(_:)``, ``DatasetError/invalidRotation(degrees:)``,
    /// ``DatasetError/invalidPadding(_:imageSize:)``.
    package init(
        storedSize: Int, channels: Int, imageSize: Int, normalization: Normalization, augmentation: Augmentation = .none,
        seed: UInt64 = 0
    ) throws(DatasetError) {
        precondition(channels == 1 || channels == 3)
        precondition(normalization.mean.count == channels && normalization.deviation.count == channels)
        for size in [storedSize, imageSize] {
            guard (1...ImageAssembly.maximumImageSize).contains(size) else { throw .invalidImageSize(size) }
        }
        try augmentation.validate(imageSize: imageSize)
        self.storedSize = storedSize
        self.channels = channels
        self.imageSize = imageSize
        self.normalization = normalization
        self.augmentation = augmentation
        self.seed = seed
        resampling = imageSize == storedSize ? nil : Resampling(from: storedSize, to: imageSize)
    }

    /// Writes `columns` of a batch of `batch` images.
    ///
    /// - Parameters:
    ///   - epoch: The 1-based epoch, which augmentation depends on.
    ///   - images: The whole batch: room for `imageSize`² · `channels` · `batch` numbers.
    ///   - stored: The image of a column; its pixels must live until this returns.
    package func fill(
        columns: Range<Int>, of batch: Int, epoch: Int, images: UnsafeMutablePointer<Float>,
        stored: (Int) -> StoredImage
    ) {
        precondition(columns.lowerBound >= 0 && columns.upperBound <= batch)
        guard !columns.isEmpty else { return }
        withScratch { scratch in
            for start in stride(from: columns.lowerBound, to: columns.upperBound, by: Scratch.lanes) {
                let group = (start..<min(start + Scratch.lanes, columns.upperBound)).map(stored)
                let maps = group.map { image in
                    augmentation.draw(seed: seed, epoch: epoch, index: image.index).map { SourceMap($0, side: imageSize) }
                }
                if let resampling {
                    resampling.withKernel { resize(group, maps, by: $0, into: images + start, batch: batch, scratch) }
                } else {
                    copy(group, maps, into: images + start, batch: batch, scratch)
                }
            }
        }
    }

    /// Throws unless a network that takes images of so many channels and pixels can be fed from `source`.
    ///
    /// Errors: ``DatasetError/inputMismatch(source:channels:imageSize:expectedChannels:expectedImageSize:)``.
    package func requireInput(channels: Int, imageSize: Int, from source: String) throws(DatasetError) {
        guard channels == self.channels, imageSize == self.imageSize else {
            throw .inputMismatch(
                source: source, channels: self.channels, imageSize: self.imageSize, expectedChannels: channels,
                expectedImageSize: imageSize)
        }
    }
}

extension ImageAssembly {
    /// One group's working memory, all zero at first. Where maps are applied, a zero for black lies before the pixels.
    private struct Scratch {
        /// The images handled together: 16 floats fill a cache line.
        static let lanes = 16
        /// Without a resize, `[lanes][lanes + H·W]` packed pixels, each image after its zero; with one, the packed pixels
        /// of one image.
        let pixels: UnsafeMutablePointer<UInt32>
        /// The packed pixels of stored images to be resized, `[H·W][lanes]`.
        let stored: UnsafeMutablePointer<UInt32>
        /// A channel of them, rows resized: `[H][imageSize][lanes]`.
        let middle: UnsafeMutablePointer<Float>
        /// The same, columns too, for maps: `[1 + imageSize²][lanes]`.
        let resized: UnsafeMutablePointer<Float>
        /// Some rows of the augmented images: packed pixels or a channel's values, `[rows · imageSize][lanes]`.
        let block: UnsafeMutableRawPointer
        /// The map of these rows for one image.
        let sources: UnsafeMutablePointer<Int32>
    }

    /// The rows handled together: 256 positions are 16 KB, a third of a first-level cache.
    private var blockRows: Int { max(256 / imageSize, 1) }

    private func withScratch(_ body: (Scratch) -> Void) {
        let lanes = Scratch.lanes, storedArea = storedSize * storedSize
        let resizes = resampling != nil, augments = augmentation != .none
        let words = [
            resizes ? storedArea : lanes * (lanes + storedArea),
            resizes ? storedArea * lanes : 0,
            resizes ? storedSize * imageSize * lanes : 0,
            resizes && augments ? (1 + imageSize * imageSize) * lanes : 0,
            blockRows * imageSize * lanes,
            blockRows * imageSize,
        ].map { ($0 + lanes - 1) / lanes * lanes }
        withUnsafeTemporaryAllocation(byteCount: 4 * words.reduce(0, +), alignment: 64) { memory in
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            var next = memory.baseAddress!
            func part<Element>(_ index: Int, as type: Element.Type) -> UnsafeMutablePointer<Element> {
                defer { next += 4 * words[index] }
                return next.bindMemory(to: type, capacity: words[index])
            }
            body(
                Scratch(
                    pixels: part(0, as: UInt32.self), stored: part(1, as: UInt32.self), middle: part(2, as: Float.self),
                    resized: part(3, as: Float.self), block: UnsafeMutableRawPointer(part(4, as: UInt32.self)),
                    sources: part(5, as: Int32.self)))
        }
    }

    /// The rows of the image, some at a time.
    private func forEachBlock(_ body: (Range<Int>) -> Void) {
        for row in stride(from: 0, to: imageSize, by: blockRows) { body(row..<min(row + blockRows, imageSize)) }
    }

    /// Writes `rows` of one augmented image to a lane of the block, from pixels `stride` words apart.
    private func gather(
        _ rows: Range<Int>, _ map: SourceMap?, from pixels: UnsafeRawPointer, stride: Int, lane: Int, _ scratch: Scratch
    ) {
        let target = scratch.block + 4 * lane
        if let map {
            map.fill(rows: rows, into: scratch.sources)
            sower_gather_lane(pixels, stride, scratch.sources, rows.count * imageSize, target)
        } else {
            sower_gather_lane(
                pixels + 4 * stride * rows.lowerBound * imageSize, stride, nil, rows.count * imageSize, target)
        }
    }

    /// Assembles a group at its stored size.
    private func copy(
        _ group: [StoredImage], _ maps: [SourceMap?], into images: UnsafeMutablePointer<Float>, batch: Int,
        _ scratch: Scratch
    ) {
        let lanes = Scratch.lanes, area = storedSize * storedSize
        for (lane, image) in group.enumerated() {
            sower_pack_pixels(image.pixels, channels, area, scratch.pixels + (lane * (lanes + area) + lanes))
        }
        forEachBlock { rows in
            for lane in group.indices {
                let pixels = scratch.pixels + (lane * (lanes + area) + lanes)
                gather(rows, maps[lane], from: pixels, stride: 1, lane: lane, scratch)
            }
            sower_normalize_pixels(
                scratch.block.assumingMemoryBound(to: UInt32.self), rows.count * imageSize, channels, normalization.mean,
                normalization.deviation, images + rows.lowerBound * imageSize * channels * batch, batch, group.count)
        }
    }

    /// Assembles a group at another size than stored.
    private func resize(
        _ group: [StoredImage], _ maps: [SourceMap?], by resampling: UnsafePointer<sower_resampling>,
        into images: UnsafeMutablePointer<Float>, batch: Int, _ scratch: Scratch
    ) {
        let area = storedSize * storedSize
        let block = scratch.block.assumingMemoryBound(to: Float.self)
        for (lane, image) in group.enumerated() {
            sower_pack_pixels(image.pixels, channels, area, scratch.pixels)
            sower_gather_lane(scratch.pixels, 1, nil, area, scratch.stored + lane)
        }
        for channel in 0..<channels {
            sower_resample_columns(scratch.stored, storedSize, storedSize, channel, resampling, scratch.middle)
            let resized = scratch.resized + Scratch.lanes
            if augmentation != .none {
                sower_resample_rows(scratch.middle, imageSize, 0, imageSize, resampling, resized)
            }
            forEachBlock { rows in
                if augmentation == .none {
                    sower_resample_rows(scratch.middle, imageSize, rows.lowerBound, rows.count, resampling, block)
                } else {
                    for lane in group.indices {
                        gather(rows, maps[lane], from: resized + lane, stride: Scratch.lanes, lane: lane, scratch)
                    }
                }
                sower_normalize_values(
                    block, rows.count * imageSize, normalization.mean[channel], normalization.deviation[channel],
                    images + (rows.lowerBound * imageSize * channels + channel) * batch, channels * batch, group.count)
            }
        }
    }
}
