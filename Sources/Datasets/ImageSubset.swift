/// The images of some superclasses in one split, or of all classes, as a classification problem of its own.
///
/// Labels are re-mapped to `0..<classes` in ascending order; the map comes from the whole data set, so the training and
/// the test subset of the same superclasses agree. Images keep the order of their file.
///
/// Errors: ``DatasetError/emptySelection(file:superclass:)`` when the split has no image of a superclass, and those of
/// ``ImageAssembly``.
package struct ImageSubset: Sendable {
    /// The split the images come from.
    package let split: ImageSplit
    /// The superclasses selected, ascending; none for all classes.
    package let superclasses: [Int]
    /// The label in the data set of each class of this problem, ascending.
    package let fineLabels: [Int]
    /// How stored images become a batch.
    package let assembly: ImageAssembly

    private let images: StoredImages
    private let records: [Int32]
    private let classOfRecord: [UInt16]

    /// Selects the images of `superclasses` (any order, duplicates ignored; none for all classes) in a split of `data`.
    ///
    /// - Parameters:
    ///   - imageSize: The height and width of the images in a batch; stored images of another size are resized.
    ///   - normalization: That of the data set where none is given.
    ///   - augmentation: What is drawn for each image, from `seed`, the epoch and the image's number in its split.
    package init(
        _ data: some ImageDataset, split: ImageSplit, superclasses: [Int], imageSize: Int? = nil,
        normalization: Normalization? = nil, augmentation: Augmentation = .none, seed: UInt64 = 0
    ) throws(DatasetError) {
        assembly = try ImageAssembly(
            storedSize: data.imageSize, channels: data.channels, imageSize: imageSize ?? data.imageSize,
            normalization: normalization ?? data.normalization, augmentation: augmentation, seed: seed)
        self.split = split
        self.superclasses = Set(superclasses).sorted()
        images = data.images(of: split)

        let labels = data.labels
        fineLabels = self.superclasses.isEmpty ? labels : self.superclasses.flatMap { data.labels(ofSuperclass: $0) }.sorted()
        var classOfLabel = [UInt16?](repeating: nil, count: (labels.last ?? -1) + 1)
        for (index, label) in fineLabels.enumerated() { classOfLabel[label] = UInt16(index) }

        var records: [Int32] = []
        var classes: [UInt16] = []
        var found = [Bool](repeating: false, count: classOfLabel.count)
        for record in 0..<images.count {
            let label = images.label(at: record)
            guard let place = classOfLabel[label] else { continue }
            found[label] = true
            records.append(Int32(record))
            classes.append(place)
        }
        for superclass in self.superclasses where !data.labels(ofSuperclass: superclass).contains(where: { found[$0] }) {
            throw .emptySelection(file: images.path, superclass: superclass)
        }
        self.records = records
        classOfRecord = classes
    }

    /// The number of images.
    package var count: Int { records.count }

    /// The number of classes: the fine labels of the superclasses.
    package var classes: Int { fineLabels.count }

    /// The channels of every image.
    package var channels: Int { assembly.channels }

    /// The height and width of the images in a batch, in pixels.
    package var imageSize: Int { assembly.imageSize }

    /// The class of image `index`.
    package func label(of index: Int) -> Int { Int(classOfRecord[index]) }

    /// The number of image `index` in its split.
    package func record(of index: Int) -> Int { Int(records[index]) }

    /// Throws unless a network that takes images of so many channels and pixels can be fed from here.
    ///
    /// Errors: ``DatasetError/inputMismatch(source:channels:imageSize:expectedChannels:expectedImageSize:)``.
    package func requireInput(channels: Int, imageSize: Int) throws(DatasetError) {
        try assembly.requireInput(channels: channels, imageSize: imageSize, from: images.path)
    }

    /// Writes the images `indices`, resized, augmented and normalized, as `[H][W][C][N]` with N = `indices.count`, and a
    /// label for each.
    ///
    /// - Parameters:
    ///   - epoch: The 1-based epoch, which augmentation depends on.
    ///   - images: Room for `imageSize`² · `channels` · N numbers.
    ///   - labels: Room for N numbers.
    package func fill(
        _ indices: ArraySlice<Int>, epoch: Int, images: UnsafeMutablePointer<Float>,
        labels: UnsafeMutablePointer<Int32>
    ) {
        fill(indices, columns: 0..<indices.count, epoch: epoch, images: images, labels: labels)
    }

    /// Writes only `columns`, in `0..<N`, of the same batch.
    ///
    /// Several threads may fill disjoint columns of one batch at once; the bits do not depend on the cut.
    package func fill(
        _ indices: ArraySlice<Int>, columns: Range<Int>, epoch: Int, images batch: UnsafeMutablePointer<Float>,
        labels: UnsafeMutablePointer<Int32>
    ) {
        images.withPixels { pixels in
            assembly.fill(columns: columns, of: indices.count, epoch: epoch, images: batch) { column in
                let index = indices[indices.startIndex + column]
                labels[column] = Int32(classOfRecord[index])
                let record = Int(records[index])
                return ImageAssembly.StoredImage(pixels: pixels + record * self.images.pixelStride, index: record)
            }
        }
    }
}
