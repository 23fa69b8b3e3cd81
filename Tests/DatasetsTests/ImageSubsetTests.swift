import Datasets
import Foundation
import Testing

@Suite struct ImageSubsetTests {
    private let files: TemporaryFolder
    private let data: CIFAR100Folder

    init() throws {
        files = try TemporaryFolder()
        try files.write(labels: [(3, 40), (0, 7), (3, 12), (5, 1), (0, 7), (3, 90)], as: "train.bin")
        try files.write(labels: [(3, 5), (0, 7), (3, 90)], as: "test.bin")
        data = try CIFAR100Folder(path: files.path)
    }

    private func filled(_ subset: ImageSubset, _ indices: [Int], epoch: Int = 1) -> (images: [Float], labels: [Int32]) {
        var images = [Float](repeating: .nan, count: indices.count * 3072 + 1)
        var labels = [Int32](repeating: -1, count: indices.count + 1)
        subset.fill(indices[...], epoch: epoch, images: &images, labels: &labels)
        #expect(images.removeLast().isNaN)
        #expect(labels.removeLast() == -1)
        return (images, labels)
    }

    @Test func `labels are renumbered in ascending order of the fine labels of both splits`() throws {
        let training = try ImageSubset(data, split: .training, superclasses: [3, 0, 3])
        #expect(training.superclasses == [0, 3])
        #expect(training.fineLabels == [5, 7, 12, 40, 90])
        #expect(training.classes == 5)
        #expect(training.count == 5)
        #expect((0..<5).map { training.record(of: $0) } == [0, 1, 2, 4, 5])
        #expect((0..<5).map { training.label(of: $0) } == [3, 1, 2, 1, 4])
        let test = try ImageSubset(data, split: .test, superclasses: [0, 3])
        #expect(test.fineLabels == training.fineLabels)
        #expect((0..<3).map { test.label(of: $0) } == [0, 1, 4])
    }

    @Test func `a superclass without records is an error`() throws {
        for superclass in [-1, 1, 20] {
            #expect(throws: DatasetError.emptySelection(file: files.file("train.bin"), superclass: superclass)) {
                try ImageSubset(data, split: .training, superclasses: [3, superclass])
            }
        }
        let error = #expect(throws: DatasetError.self) { try ImageSubset(data, split: .test, superclasses: [5]) }
        #expect(error?.errorDescription == "\(files.file("test.bin")) has no record of superclass 5")
    }

    @Test func `images are normalized and written batch innermost`() throws {
        let normalization = Normalization(mean: [0.1, 0.2, 0.3], deviation: [0.5, 0.25, 2])
        let subset = try ImageSubset(data, split: .training, superclasses: [0, 3, 5], normalization: normalization)
        // More than two groups of sixteen, images repeated, last group partial.
        let indices = (0..<37).map { $0 * 5 % 6 }
        let (images, labels) = filled(subset, indices)
        for (n, index) in indices.enumerated() {
            #expect(Int(labels[n]) == subset.label(of: index))
            let pixels = TemporaryFolder.pixels(of: index)
            for channel in 0..<3 {
                for position in 0..<1024 {
                    let brightness = Float(pixels[channel * 1024 + position]) / 255
                    let expected = (brightness - normalization.mean[channel]) / normalization.deviation[channel]
                    if images[(position * 3 + channel) * indices.count + n] != expected {
                        Issue.record("image \(n), channel \(channel), position \(position)")
                        return
                    }
                }
            }
        }
    }

    @Test func `identity normalization maps bytes to 0…1`() throws {
        let subset = try ImageSubset(data, split: .training, superclasses: [3], normalization: .identity)
        let images = filled(subset, [0]).images
        let pixels = TemporaryFolder.pixels(of: 0)
        #expect((0..<3072).allSatisfy { images[$0] == Float(pixels[$0 % 3 * 1024 + $0 / 3]) / 255 })
    }

    @Test func `augmented images are flipped, rotated copies with black corners before normalization`() throws {
        let subset = try ImageSubset(
            data, split: .training, superclasses: [3], normalization: .cifar100, augmentation: .flipAndRotation(degrees: 15),
            seed: 9)
        let (images, _) = filled(subset, [2, 0], epoch: 4)
        var black = 0
        for (n, index) in [2, 0].enumerated() {
            let record = subset.record(of: index)
            let draw = try #require(subset.assembly.augmentation.draw(seed: 9, epoch: 4, index: record))
            var sources = [Int32](repeating: 0, count: 1024)
            SourceMap(draw, side: 32).fill(rows: 0..<32, into: &sources)
            let pixels = TemporaryFolder.pixels(of: record)
            for channel in 0..<3 {
                for position in 0..<1024 {
                    let source = Int(sources[position])
                    if source < 0 { black += 1 }
                    let brightness = Float(source < 0 ? 0 : pixels[channel * 1024 + source]) / 255
                    let expected = (brightness - Normalization.cifar100.mean[channel]) / Normalization.cifar100.deviation[channel]
                    #expect(images[(position * 3 + channel) * 2 + n] == expected)
                }
            }
        }
        #expect(black > 0)
    }

    @Test(arguments: [Augmentation.flipAndRotation(degrees: 15), .flipAndCrop(padding: 4)])
    func `an augmented image does not depend on its batch, but on epoch and seed`(augmentation: Augmentation) throws {
        let subset = try ImageSubset(data, split: .training, superclasses: [0, 3, 5], augmentation: augmentation, seed: 1)
        let all = filled(subset, Array(0..<6)).images
        for index in 0..<6 {
            let alone = filled(subset, [index]).images
            #expect((0..<3072).allSatisfy { alone[$0] == all[$0 * 6 + index] })
        }
        #expect(filled(subset, Array(0..<6), epoch: 2).images != all)
        let other = try ImageSubset(data, split: .training, superclasses: [0, 3, 5], augmentation: augmentation, seed: 2)
        #expect(filled(other, Array(0..<6)).images != all)
    }

    @Test func `columns of a batch can be filled one by one`() throws {
        let subset = try ImageSubset(data, split: .training, superclasses: [0, 3, 5], augmentation: .flipAndCrop(padding: 4))
        let indices = [4, 0, 5, 2, 2]
        let (whole, wholeLabels) = filled(subset, indices)
        var images = [Float](repeating: .nan, count: 5 * 3072), labels = [Int32](repeating: -1, count: 5)
        for column in [3, 0, 4, 1, 2] {
            subset.fill(indices[...], columns: column..<column + 1, epoch: 1, images: &images, labels: &labels)
        }
        #expect(images == whole && labels == wholeLabels)
    }

    @Test func `another image size is a resize`() throws {
        let subset = try ImageSubset(data, split: .training, superclasses: [3], imageSize: 16, normalization: .identity)
        #expect(subset.channels == 3 && subset.imageSize == 16)
        var images = [Float](repeating: .nan, count: 16 * 16 * 3), labels: [Int32] = [-1]
        subset.fill([1], epoch: 1, images: &images, labels: &labels)
        // Halving takes four pixels each way, weights 1 3 3 1, fewer at the edge; record 2, output row 5, column 9.
        let pixels = TemporaryFolder.pixels(of: subset.record(of: 1))
        let weights: [Float] = [0.125, 0.375, 0.375, 0.125]
        for channel in 0..<3 {
            var expected: Float = 0
            for (y, down) in weights.enumerated() {
                for (x, across) in weights.enumerated() {
                    expected += down * across * Float(pixels[channel * 1024 + (9 + y) * 32 + 17 + x])
                }
            }
            #expect(abs(images[(5 * 16 + 9) * 3 + channel] - expected / 255) < 1e-6)
        }
        #expect(throws: DatasetError.invalidImageSize(0)) {
            try ImageSubset(data, split: .training, superclasses: [3], imageSize: 0)
        }
        #expect(throws: Never.self) { try subset.requireInput(channels: 3, imageSize: 16) }
        let error = DatasetError.inputMismatch(
            source: files.file("train.bin"), channels: 3, imageSize: 16, expectedChannels: 1, expectedImageSize: 16)
        #expect(throws: error) { try subset.requireInput(channels: 1, imageSize: 16) }
    }

    @Test func `no image is no work`() throws {
        let subset = try ImageSubset(data, split: .training, superclasses: [3])
        #expect(filled(subset, []).images.isEmpty)
    }

    @Test(.enabled(if: realData("natural100-small") != nil))
    func `a pair of superclasses of the natural images is a ten-class problem`() throws {
        let data = try CIFAR100Folder(path: try #require(realData("natural100-small")))
        for split in ImageSplit.allCases {
            let subset = try ImageSubset(data, split: split, superclasses: [2, 11])
            #expect(subset.classes == 10)
            #expect(subset.count == (split == .training ? 1000 : 500))
            for index in 0..<subset.count {
                let labels = data.labels(of: split, at: subset.record(of: index))
                #expect(labels.coarse == 2 || labels.coarse == 11)
                #expect(subset.fineLabels[subset.label(of: index)] == labels.fine)
            }
        }
    }
}
