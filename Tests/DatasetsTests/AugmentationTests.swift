import Datasets
import Foundation
import Tensors
import Testing

@Suite struct AugmentationTests {
    private struct Reference: Decodable {
        struct Case: Decodable {
            var degrees: Float
            var sources: [Int32]
        }
        var side: Int
        var cases: [Case]
    }

    /// The whole map of a draw; numbers beside it must stay as they are.
    private func sources(_ draw: Augmentation.Draw, side: Int = 32) -> [Int32] {
        var result = [Int32](repeating: -7, count: side * side + 16)
        SourceMap(draw, side: side).fill(rows: 0..<side, into: &result)
        #expect(result[(side * side)...].allSatisfy { $0 == -7 })
        return Array(result[..<(side * side)])
    }

    @Test func `rotations take the pixels torchvision takes`() throws {
        let url = try #require(Bundle.module.url(forResource: "rotation", withExtension: "json", subdirectory: "Fixtures"))
        let reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
        #expect(reference.cases.count == 16)
        for rotation in reference.cases {
            let found = sources(.flipAndRotation(flips: false, degrees: rotation.degrees))
            let different = zip(found, rotation.sources).count { $0 != $1 }
            #expect(different == 0, "\(different) pixels at \(rotation.degrees) degrees")
        }
    }

    @Test(arguments: [32, 28, 5]) func `a flip mirrors the image before it is rotated`(side: Int) {
        #expect(
            sources(.flipAndRotation(flips: false, degrees: 0), side: side) == (0..<side * side).map { Int32($0) })
        let width = Int32(side)
        for degrees: Float in [0, 9.5, -14] {
            let plain = sources(.flipAndRotation(flips: false, degrees: degrees), side: side)
            let mirrored = sources(.flipAndRotation(flips: true, degrees: degrees), side: side)
            for (a, b) in zip(plain, mirrored) {
                #expect(a < 0 ? b < 0 : a / width == b / width && a % width == width - 1 - b % width)
            }
        }
    }

    @Test func `crops take the pixels torchvision takes`() throws {
        let crops = try ReferenceNumbers.load().crops
        #expect(crops.count == 11)
        for crop in crops {
            // torchvision counts from the padded image's corner.
            let draw = Augmentation.Draw.flipAndCrop(
                flips: crop.flips, top: crop.top - crop.padding, left: crop.left - crop.padding)
            #expect(sources(draw, side: crop.side) == crop.sources, "\(draw), \(crop.side) pixels")
        }
    }

    @Test func `a map is the same in parts`() {
        for draw: Augmentation.Draw in [
            .flipAndRotation(flips: true, degrees: 11), .flipAndCrop(flips: true, top: -3, left: 2),
        ] {
            let whole = sources(draw, side: 21)
            var part = [Int32](repeating: 0, count: 4 * 21)
            SourceMap(draw, side: 21).fill(rows: 9..<13, into: &part)
            #expect(part == Array(whole[(9 * 21)..<(13 * 21)]))
        }
    }

    @Test func `half of the images are flipped and angles fill their range`() throws {
        let augmentation = Augmentation.flipAndRotation(degrees: 15)
        var flips = 0, sum = 0.0, squares = 0.0
        for index in 0..<20_000 {
            guard case .flipAndRotation(let flipped, let degrees) = augmentation.draw(seed: 3, epoch: 1 + index % 7, index: index)
            else { throw DrawError() }
            if flipped { flips += 1 }
            sum += Double(degrees)
            squares += Double(degrees * degrees)
            #expect(abs(degrees) <= 15)
        }
        #expect(abs(flips - 10_000) < 6 * 71)
        #expect(abs(sum / 20_000) < 0.37)
        #expect(abs(squares / 20_000 - 75) < 3)
    }

    @Test func `half of the crops are flipped and every offset is equally frequent`() throws {
        var counts = [Int](repeating: 0, count: 2 * 9 * 9)
        let draws = 162 * 400
        for index in 0..<draws {
            guard
                case .flipAndCrop(let flips, let top, let left) =
                    Augmentation.flipAndCrop(padding: 4).draw(seed: 5, epoch: 1 + index % 3, index: index)
            else { throw DrawError() }
            let inside = abs(top) <= 4 && abs(left) <= 4
            try #require(inside)
            counts[((flips ? 1 : 0) * 9 + top + 4) * 9 + left + 4] += 1
        }
        // Pearson's statistic: mean 161, standard deviation 17.9.
        let statistic = counts.reduce(0.0) { $0 + pow(Double($1) - 400, 2) / 400 }
        #expect(abs(statistic - 161) < 5 * 17.9)
    }

    @Test func `a draw is a function of seed, epoch and image`() {
        for augmentation in [Augmentation.flipAndRotation(degrees: 15), .flipAndCrop(padding: 12)] {
            let draw = augmentation.draw(seed: 1, epoch: 2, index: 3)
            #expect(draw == augmentation.draw(seed: 1, epoch: 2, index: 3))
            #expect(draw != augmentation.draw(seed: 2, epoch: 2, index: 3))
            #expect(draw != augmentation.draw(seed: 1, epoch: 3, index: 2))
        }
        #expect(Augmentation.none.draw(seed: 1, epoch: 2, index: 3) == nil)
        #expect(Augmentation.flipAndCrop(padding: 0).draw(seed: 1, epoch: 2, index: 3) != nil)
    }

    @Test func `a draw is the first numbers of the image's own stream`() {
        for index in 0..<20 {
            var stream = RandomStream(seed: 11, substream: 4 << 32 | UInt64(index))
            let flips = stream.uniform() < 0.5
            let rotation = Augmentation.Draw.flipAndRotation(flips: flips, degrees: stream.uniform(in: -15...15))
            #expect(Augmentation.flipAndRotation(degrees: 15).draw(seed: 11, epoch: 4, index: index) == rotation)
        }
    }

    @Test func `numbers out of range are errors`() throws {
        for degrees: Float in [-1, 180.5, .nan, .infinity] {
            #expect { try Augmentation.flipAndRotation(degrees: degrees).validate(imageSize: 32) } throws: {
                guard case .invalidRotation? = $0 as? DatasetError else { return false }
                return true
            }
        }
        for padding in [-1, 32, Int.max] {
            #expect(throws: DatasetError.invalidPadding(padding, imageSize: 32)) {
                try Augmentation.flipAndCrop(padding: padding).validate(imageSize: 32)
            }
        }
        for augmentation in [
            Augmentation.none, .flipAndRotation(degrees: 0), .flipAndRotation(degrees: 180), .flipAndCrop(padding: 0),
            .flipAndCrop(padding: 31),
        ] {
            #expect(throws: Never.self) { try augmentation.validate(imageSize: 32) }
        }
    }

    @Test func `augmentations and normalizations survive JSON`() throws {
        for value in [Augmentation.none, .flipAndRotation(degrees: 15), .flipAndCrop(padding: 4)] {
            #expect(try JSONDecoder().decode(Augmentation.self, from: JSONEncoder().encode(value)) == value)
        }
        #expect(try JSONDecoder().decode(Normalization.self, from: JSONEncoder().encode(Normalization.cifar100)) == .cifar100)
    }
}

/// A draw of another kind than asked for.
private struct DrawError: Error {}
