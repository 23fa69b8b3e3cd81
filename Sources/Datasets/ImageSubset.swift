/// The images of some superclasses in one split, as a classification problem of its own.
///
/// Fine labels are re-mapped to `0..<classes` in ascending order; the map comes from the whole folder, so the training
/// and the test subset of the same superclasses agree. Images keep the order of their file.
///
/// Errors: ``DatasetError/emptySelection(file:superclass:)`` when the split has no record of a superclass, and those of
/// ``ImageAssembly``.
package struct ImageSubset: Sendable {
    /// The split the images come from.
    package let split: CIFAR100Folder.Split
    /// The superclasses selected, ascending.
    package let superclasses: [Int]
    /// The fine label of each class of this problem, ascending.
    package let fineLabels: [Int]
    /// How stored images become a batch.
    package let assembly: ImageAssembly

    private let file: MappedFile
    private let records: [Int32]
    private let classOfRecord: [UInt8]

    /// Selects the records of `superclasses` (any order, duplicates ignored) in a split of `folder`.
    ///
    /// - Parameters:
    ///   - imageSize: The height and width of the images in a batch; stored images of another size are resized.
    ///   - augmentation: What is drawn for each image, from `seed`, the epoch and the image's record number in its file.
    package init(
        _ folder: CIFAR100Folder, split: CIFAR100Folder.Split, superclasses: [Int], imageSize: Int = CIFAR100Folder.side,
        normalization: Normalization = .cifar100, augmentation: Augmentation = .none, seed: UInt64 = 0
    ) throws(DatasetError) {
        assembly = try ImageAssembly(
            storedSize: CIFAR100Folder.side, channels: CIFAR100Folder.channels, imageSize: imageSize,
            normalization: normalization, augmentation: augmentation, seed: seed)
        self.split = split
        self.superclasses = Set(superclasses).sorted()
        file = folder.file(of: split)

        var selected = [Bool](repeating: false, count: CIFAR100Folder.superclassLimit)
        for superclass in self.superclasses {
            guard selected.indices.contains(superclass), !folder.fineLabels[superclass].isEmpty else {
                throw .emptySelection(file: file.path, superclass: superclass)
            }
            selected[superclass] = true
        }
        fineLabels = self.superclasses.flatMap { folder.fineLabels[$0] }.sorted()
        var classOfFine = [UInt8](repeating: 0, count: CIFAR100Folder.fineLimit)
        for (index, fine) in fineLabels.enumerated() { classOfFine[fine] = UInt8(index) }

        var records: [Int32] = []
        var classes: [UInt8] = []
        var found = Set<Int>()
        let bytes = file.bytes
        for record in 0..<file.count / CIFAR100Folder.recordBytes {
            let start = record * CIFAR100Folder.recordBytes
            let coarse = Int(bytes[start])
            guard selected[coarse] else { continue }
            found.insert(coarse)
            records.append(Int32(record))
            classes.append(classOfFine[Int(bytes[start + 1])])
        }
        for superclass in self.superclasses where !found.contains(superclass) {
            throw .emptySelection(file: file.path, superclass: superclass)
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

    /// The record number of image `index` in its file.
    package func record(of index: Int) -> Int { Int(records[index]) }

    /// Throws unless a network that takes images of so many channels and pixels can be fed from here.
    ///
    /// Errors: ``DatasetError/inputMismatch(source:channels:imageSize:expectedChannels:expectedImageSize:)``.
    package func requireInput(channels: Int, imageSize: Int) throws(DatasetError) {
        try assembly.requireInput(channels: channels, imageSize: imageSize, from: file.path)
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
        _ indices: ArraySlice<Int>, columns: Range<Int>, epoch: Int, images: UnsafeMutablePointer<Float>,
        labels: UnsafeMutablePointer<Int32>
    ) {
        withExtendedLifetime(file) {
            let bytes = file.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
            assembly.fill(columns: columns, of: indices.count, epoch: epoch, images: images) { column in
                let index = indices[indices.startIndex + column]
                labels[column] = Int32(classOfRecord[index])
                let record = Int(records[index])
                return ImageAssembly.StoredImage(
                    pixels: bytes + (record * CIFAR100Folder.recordBytes + 2), index: record)
            }
        }
    }
}
