/// The images of some superclasses in one split, as a classification problem of its own.
///
/// Fine labels are re-mapped to `0..<classes` in ascending order; the map comes from the whole folder, so the training
/// and the test subset of the same superclasses agree. Images keep the order of their file.
///
/// Errors: ``DatasetError/emptySelection(file:superclass:)`` when the split has no record of a superclass.
package struct ImageSubset: Sendable {
    /// The split the images come from.
    package let split: CIFAR100Folder.Split
    /// The superclasses selected, ascending.
    package let superclasses: [Int]
    /// The fine label of each class of this problem, ascending.
    package let fineLabels: [Int]
    /// What is drawn for each image, from ``seed``, the epoch and the image's record number in its file.
    package let augmentation: Augmentation
    /// The seed of augmentation.
    package let seed: UInt64

    private let file: MappedFile
    private let records: [Int32]
    private let classOfRecord: [UInt8]
    private let table: [Float]

    /// Selects the records of `superclasses` (any order, duplicates ignored) in a split of `folder`.
    package init(
        _ folder: CIFAR100Folder, split: CIFAR100Folder.Split, superclasses: [Int], normalization: Normalization = .cifar100,
        augmentation: Augmentation = .none, seed: UInt64 = 0
    ) throws(DatasetError) {
        self.split = split
        self.superclasses = Set(superclasses).sorted()
        self.augmentation = augmentation
        self.seed = seed
        table = normalization.table
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

    /// The class of image `index`.
    package func label(of index: Int) -> Int { Int(classOfRecord[index]) }

    /// The record number of image `index` in its file.
    package func record(of index: Int) -> Int { Int(records[index]) }

    /// Writes the images `indices`, augmented and normalized, as `[H][W][C][N]` with N = `indices.count`, and a label
    /// for each.
    ///
    /// - Parameters:
    ///   - epoch: The 1-based epoch, which augmentation depends on.
    ///   - images: Room for 32·32·3·N numbers.
    ///   - labels: Room for N numbers.
    package func fill(
        _ indices: ArraySlice<Int>, epoch: Int, images: UnsafeMutablePointer<Float>,
        labels: UnsafeMutablePointer<Int32>
    ) {
        let count = indices.count
        let group = 16  // images converted together: 16 floats fill a cache line
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: group * CIFAR100Folder.pixelBytes) { staged in
            for start in stride(from: 0, to: count, by: group) {
                let length = min(group, count - start)
                for offset in 0..<length {
                    let index = indices[indices.startIndex + start + offset]
                    labels[start + offset] = Int32(classOfRecord[index])
                    stage(index, epoch: epoch, into: staged.baseAddress! + offset * CIFAR100Folder.pixelBytes)
                }
                spread(staged.baseAddress!, length, into: images + start, stride: count)
            }
        }
    }
}

extension ImageSubset {
    /// Writes an image's augmented bytes as `[C][H][W]`.
    private func stage(_ index: Int, epoch: Int, into output: UnsafeMutablePointer<UInt8>) {
        withExtendedLifetime(file) {
            let record = Int(records[index])
            let pixels = file.bytes.baseAddress! + (record * CIFAR100Folder.recordBytes + 2)
            guard let draw = augmentation.draw(seed: seed, epoch: epoch, index: record) else {
                output.update(from: pixels.assumingMemoryBound(to: UInt8.self), count: CIFAR100Folder.pixelBytes)
                return
            }
            let area = CIFAR100Folder.side * CIFAR100Folder.side
            withUnsafeTemporaryAllocation(of: Int16.self, capacity: area) { sources in
                draw.fillSources(side: CIFAR100Folder.side, into: sources.baseAddress!)
                for channel in 0..<CIFAR100Folder.channels {
                    let plane = pixels.assumingMemoryBound(to: UInt8.self) + channel * area
                    let target = output + channel * area
                    for position in 0..<area {
                        let source = Int(sources[position])
                        target[position] = source < 0 ? 0 : plane[source]
                    }
                }
            }
        }
    }

    /// Normalizes `length` staged images and writes them side by side, `stride` floats from one pixel to the next.
    private func spread(
        _ staged: UnsafePointer<UInt8>, _ length: Int, into images: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let area = CIFAR100Folder.side * CIFAR100Folder.side
        table.withUnsafeBufferPointer { table in
            for position in 0..<area {
                for channel in 0..<CIFAR100Folder.channels {
                    let values = table.baseAddress! + channel * 256
                    let source = staged + (channel * area + position)
                    let target = images + (position * CIFAR100Folder.channels + channel) * stride
                    for image in 0..<length {
                        target[image] = values[Int(source[image * CIFAR100Folder.pixelBytes])]
                    }
                }
            }
        }
    }
}
