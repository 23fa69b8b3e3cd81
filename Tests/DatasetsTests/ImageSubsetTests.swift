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

    @Test func `identity normalization maps bytes to 0…1`() {
        let table = Normalization.identity.table
        #expect(table.count == 768)
        #expect((0..<768).allSatisfy { table[$0] == Float($0 % 256) / 255 })
    }

    @Test func `augmented images are flipped, rotated copies with black corners before normalization`() throws {
        let subset = try ImageSubset(
            data, split: .training, superclasses: [3], normalization: .cifar100, augmentation: .flipAndRotation(degrees: 15), seed: 9)
        let table = Normalization.cifar100.table
        let (images, _) = filled(subset, [2, 0], epoch: 4)
        var black = 0
        for (n, index) in [2, 0].enumerated() {
            let record = subset.record(of: index)
            let draw = try #require(subset.augmentation.draw(seed: 9, epoch: 4, index: record))
            var sources = [Int16](repeating: 0, count: 1024)
            draw.fillSources(side: 32, into: &sources)
            let pixels = TemporaryFolder.pixels(of: record)
            for channel in 0..<3 {
                for position in 0..<1024 {
                    let source = Int(sources[position])
                    if source < 0 { black += 1 }
                    let byte = source < 0 ? 0 : Int(pixels[channel * 1024 + source])
                    #expect(images[(position * 3 + channel) * 2 + n] == table[channel * 256 + byte])
                }
            }
        }
        #expect(black > 0)
    }

    @Test func `an augmented image does not depend on its batch, but on epoch and seed`() throws {
        let augmentation = Augmentation.flipAndRotation(degrees: 15)
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

    @Test func `no image is no work`() throws {
        let subset = try ImageSubset(data, split: .training, superclasses: [3])
        #expect(filled(subset, []).images.isEmpty)
    }

    @Test(.enabled(if: realData("natural100-small") != nil))
    func `a pair of superclasses of the natural images is a ten-class problem`() throws {
        let data = try CIFAR100Folder(path: try #require(realData("natural100-small")))
        for split in CIFAR100Folder.Split.allCases {
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
