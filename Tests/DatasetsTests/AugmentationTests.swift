import Datasets
import Foundation
import Testing

@Suite struct AugmentationTests {
    private struct Reference: Decodable {
        struct Case: Decodable {
            var degrees: Float
            var sources: [Int16]
        }
        var side: Int
        var cases: [Case]
    }

    private func sources(_ draw: Augmentation.Draw) -> [Int16] {
        var result = [Int16](repeating: 0, count: 1024)
        draw.fillSources(side: 32, into: &result)
        return result
    }

    @Test func `rotations take the pixels torchvision takes`() throws {
        let url = try #require(Bundle.module.url(forResource: "rotation", withExtension: "json", subdirectory: "Fixtures"))
        let reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
        #expect(reference.cases.count == 16)
        for rotation in reference.cases {
            let found = sources(Augmentation.Draw(flips: false, degrees: rotation.degrees))
            let different = zip(found, rotation.sources).count { $0 != $1 }
            #expect(different == 0, "\(different) pixels at \(rotation.degrees) degrees")
        }
    }

    @Test func `a flip mirrors the image before it is rotated`() {
        #expect(sources(Augmentation.Draw(flips: false, degrees: 0)) == (0..<1024).map { Int16($0) })
        for degrees: Float in [0, 9.5, -14] {
            let plain = sources(Augmentation.Draw(flips: false, degrees: degrees))
            let mirrored = sources(Augmentation.Draw(flips: true, degrees: degrees))
            for (a, b) in zip(plain, mirrored) { #expect(a < 0 ? b < 0 : a / 32 == b / 32 && a % 32 == 31 - b % 32) }
        }
    }

    @Test func `half of the images are flipped and angles fill their range`() {
        let augmentation = Augmentation.flipAndRotation(degrees: 15)
        let draws = (0..<20_000).map { augmentation.draw(seed: 3, epoch: 1 + $0 % 7, index: $0)! }
        let flips = draws.count { $0.flips }
        #expect(abs(flips - 10_000) < 6 * 71)
        let mean = draws.reduce(0) { $0 + Double($1.degrees) } / 20_000
        let variance = draws.reduce(0) { $0 + Double($1.degrees * $1.degrees) } / 20_000
        #expect(abs(mean) < 0.37)
        #expect(abs(variance - 75) < 3)
        #expect(draws.allSatisfy { abs($0.degrees) <= 15 })
    }

    @Test func `a draw is a function of seed, epoch and image`() {
        let augmentation = Augmentation.flipAndRotation(degrees: 15)
        let draw = augmentation.draw(seed: 1, epoch: 2, index: 3)
        #expect(draw == augmentation.draw(seed: 1, epoch: 2, index: 3))
        #expect(draw != augmentation.draw(seed: 2, epoch: 2, index: 3))
        #expect(draw != augmentation.draw(seed: 1, epoch: 3, index: 2))
        #expect(Augmentation.none.draw(seed: 1, epoch: 2, index: 3) == nil)
    }

    @Test func `augmentations and normalizations survive JSON`() throws {
        for value in [Augmentation.none, .flipAndRotation(degrees: 15)] {
            #expect(try JSONDecoder().decode(Augmentation.self, from: JSONEncoder().encode(value)) == value)
        }
        #expect(try JSONDecoder().decode(Normalization.self, from: JSONEncoder().encode(Normalization.cifar100)) == .cifar100)
    }
}
