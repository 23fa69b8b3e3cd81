import Datasets
import Foundation
import Testing

@Suite struct ImageAssemblyTests {
    /// Made-up images `[C][H][W]`, each a function of its number.
    private struct Images {
        let size, channels: Int
        let pixels: [[UInt8]]

        init(size: Int, channels: Int, count: Int) {
            self.size = size
            self.channels = channels
            pixels = (0..<count).map { image in
                (0..<channels * size * size).map { UInt8(truncatingIfNeeded: ($0 * 37 + $0 / 5 * 11 + image * 53) % 251) }
            }
        }

        /// A whole batch, in one piece or in these; what is not written stays NaN.
        func filled(_ assembly: ImageAssembly, epoch: Int = 1, columns: [Range<Int>]? = nil) -> [Float] {
            let batch = pixels.count
            let count = assembly.imageSize * assembly.imageSize * channels * batch
            let images = UnsafeMutablePointer<Float>.allocate(capacity: count + 1)
            defer { images.deallocate() }
            images.initialize(repeating: .nan, count: count + 1)
            let cuts = columns ?? [0..<batch]
            nonisolated(unsafe) let target = images
            DispatchQueue.concurrentPerform(iterations: cuts.count) { cut in
                let storage = pixels.map { pixels in
                    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: pixels.count)
                    _ = copy.initialize(from: pixels)
                    return copy
                }
                assembly.fill(columns: cuts[cut], of: batch, epoch: epoch, images: target) { column in
                    ImageAssembly.StoredImage(pixels: storage[column].baseAddress!, index: column * 3)
                }
                for copy in storage { copy.deallocate() }
            }
            #expect(images[count].isNaN)
            return Array(UnsafeBufferPointer(start: images, count: count))
        }
    }

    private static func normalization(_ channels: Int) -> Normalization {
        channels == 3 ? .cifar100 : Normalization(mean: [0.1307], deviation: [0.3081])
    }

    private func assembly(
        _ stored: Int, _ channels: Int, _ size: Int, _ augmentation: Augmentation = .none, seed: UInt64 = 4
    ) throws -> ImageAssembly {
        try ImageAssembly(
            storedSize: stored, channels: channels, imageSize: size, normalization: Self.normalization(channels),
            augmentation: augmentation, seed: seed)
    }

    @Test func `bytes are normalized to the bits of torchvision`() throws {
        let reference = try ReferenceNumbers.load().normalization
        let ramp = (0..<768).map { UInt8($0 % 256) }
        var images = [Float](repeating: .nan, count: 768)
        let assembly = try assembly(16, 3, 16)
        ramp.withUnsafeBufferPointer { ramp in
            assembly.fill(columns: 0..<1, of: 1, epoch: 1, images: &images) { _ in
                ImageAssembly.StoredImage(pixels: ramp.baseAddress!, index: 0)
            }
        }
        for channel in 0..<3 {
            for byte in 0..<256 { #expect(images[byte * 3 + channel] == reference[channel * 256 + byte]) }
        }
    }

    @Test func `resized images are those of PyTorch`() throws {
        let resizes = try ReferenceNumbers.load().resizes
        #expect(resizes.map(\.size) == [64, 224, 28, 31, 9, 8, 3, 1])
        let plane = (0..<1024).map { position -> UInt8 in
            let y = position / 32, x = position % 32
            return UInt8((31 * y + 17 * x + (y * x % 7) * 29) % 256)
        }
        // The reference's image is the second channel of the second of three, beside others.
        let dark = [UInt8](repeating: 0, count: 3072), bright = [UInt8](repeating: 255, count: 1024)
        let stored = [dark, bright + plane + bright, dark].flatMap { $0 }
        for resize in resizes {
            let size = resize.size
            let assembly = try ImageAssembly(storedSize: 32, channels: 3, imageSize: size, normalization: .identity)
            var images = [Float](repeating: .nan, count: size * size * 9)
            stored.withUnsafeBufferPointer { stored in
                assembly.fill(columns: 0..<3, of: 3, epoch: 1, images: &images) { column in
                    ImageAssembly.StoredImage(pixels: stored.baseAddress! + column * 3072, index: column)
                }
            }
            for sample in resize.samples {
                let position = Int(sample[0]) * size + Int(sample[1])
                #expect(abs(Double(images[(position * 3 + 1) * 3 + 1]) * 255 - sample[2]) < 1e-4, "\(size): \(sample)")
            }
            // Constants stay constant, up to the rounding of the weights, and neighbours stay out.
            let positions = 0..<size * size
            #expect(positions.allSatisfy { abs(images[($0 * 3 + 2) * 3 + 1] - 1) < 1e-6 })
            #expect(positions.allSatisfy { images[($0 * 3 + 2) * 3] == 0 && images[($0 * 3 + 1) * 3 + 2] == 0 })
        }
    }

    @Test func `the weights of a resize sum to one and stay inside the image`() {
        let sizes = [(32, 224), (32, 28), (28, 32), (1, 5), (5, 1), (32, 33), (33, 32), (7, 7), (64, 1000), (1000, 64)]
        for (input, output) in sizes {
            let resampling = Resampling(from: input, to: output)
            #expect(resampling.first.count == output && resampling.weights.count == output * resampling.taps)
            #expect(resampling.first.allSatisfy { $0 >= 0 && Int($0) + resampling.taps <= input })
            for index in 0..<output {
                let weights = resampling.weights[(index * resampling.taps)...].prefix(resampling.taps)
                #expect(abs(weights.reduce(0, +) - 1) < 1e-6 && weights.allSatisfy { $0 >= 0 })
            }
        }
        #expect(Resampling(from: 7, to: 7).taps == 1)
        #expect(Resampling(from: 32, to: 64).taps == 2)
        #expect(Resampling(from: 32, to: 8).taps == 8)
    }

    @Test(arguments: [1, 3]) func `crops are cut from the padded image, then flipped`(channels: Int) throws {
        let images = Images(size: 20, channels: channels, count: 19)
        let assembly = try assembly(20, channels, 20, .flipAndCrop(padding: 7))
        let found = images.filled(assembly, epoch: 5)
        let normalization = Self.normalization(channels)
        var flipped = 0, black = 0
        for (n, pixels) in images.pixels.enumerated() {
            guard case .flipAndCrop(let flips, let top, let left)? = assembly.augmentation.draw(seed: 4, epoch: 5, index: n * 3)
            else { return #expect(Bool(false)) }
            if flips { flipped += 1 }
            for channel in 0..<channels {
                var padded = [UInt8](repeating: 0, count: 34 * 34)
                for row in 0..<20 {
                    for column in 0..<20 { padded[(row + 7) * 34 + column + 7] = pixels[(channel * 20 + row) * 20 + column] }
                }
                for row in 0..<20 {
                    let line = (0..<20).map { padded[(row + top + 7) * 34 + $0 + left + 7] }
                    for (column, byte) in (flips ? line.reversed() : line).enumerated() {
                        if byte == 0 { black += 1 }
                        let expected = (Float(byte) / 255 - normalization.mean[channel]) / normalization.deviation[channel]
                        if found[((row * 20 + column) * channels + channel) * 19 + n] != expected {
                            return #expect(Bool(false), "image \(n), channel \(channel), row \(row), column \(column)")
                        }
                    }
                }
            }
        }
        #expect((1..<19).contains(flipped) && black > 1000)
    }

    @Test(arguments: [Augmentation.flipAndRotation(degrees: 30), .flipAndCrop(padding: 6)], [1, 3])
    func `augmentation follows the resize`(augmentation: Augmentation, channels: Int) throws {
        for size in [24, 9] {
            let images = Images(size: 12, channels: channels, count: 18)
            let plain = images.filled(try assembly(12, channels, size))
            let found = images.filled(try assembly(12, channels, size, augmentation))
            #expect(plain != found)
            let normalization = Self.normalization(channels)
            let black = (0..<channels).map { -normalization.mean[$0] / normalization.deviation[$0] }
            var sources = [Int32](repeating: 0, count: size * size)
            for n in 0..<18 {
                let draw = try #require(augmentation.draw(seed: 4, epoch: 1, index: n * 3))
                SourceMap(draw, side: size).fill(rows: 0..<size, into: &sources)
                for (position, source) in sources.enumerated() {
                    for channel in 0..<channels {
                        let expected = source < 0 ? black[channel] : plain[(Int(source) * channels + channel) * 18 + n]
                        #expect(found[(position * channels + channel) * 18 + n] == expected)
                    }
                }
            }
        }
    }

    @Test(arguments: [Augmentation.none, .flipAndRotation(degrees: 15), .flipAndCrop(padding: 4)], [14, 20])
    func `columns filled by several threads are those filled by one`(augmentation: Augmentation, size: Int) throws {
        let images = Images(size: 14, channels: 3, count: 53)
        let assembly = try assembly(14, 3, size, augmentation)
        let whole = images.filled(assembly)
        #expect(whole.allSatisfy { $0.isFinite })
        for cuts in [[0..<16, 16..<32, 32..<48, 48..<53], [0..<1, 1..<30, 30..<30, 30..<53]] {
            #expect(images.filled(assembly, columns: cuts) == whole)
        }
        // Groups of every length leave the columns beside them alone.
        for columns in (0...18).map({ 5..<5 + $0 }) + [5..<40] {
            let part = images.filled(assembly, columns: [columns])
            let right = part.indices.allSatisfy { columns.contains($0 % 53) ? part[$0] == whole[$0] : part[$0].isNaN }
            #expect(right, "\(columns)")
        }
    }

    @Test func `sizes and paddings out of range are errors`() throws {
        for size in [0, -3, 1025, Int.max] {
            #expect(throws: DatasetError.invalidImageSize(size)) { try assembly(32, 3, size) }
            #expect(throws: DatasetError.invalidImageSize(size)) { try assembly(size, 3, 32) }
        }
        // The padding is that of the resized image.
        #expect(throws: DatasetError.invalidPadding(28, imageSize: 28)) { try assembly(32, 3, 28, .flipAndCrop(padding: 28)) }
        #expect(throws: Never.self) { try assembly(32, 3, 64, .flipAndCrop(padding: 63)) }
    }

    @Test func `a network that takes other images is an error`() throws {
        let grey = try assembly(28, 1, 28)
        #expect(throws: Never.self) { try grey.requireInput(channels: 1, imageSize: 28, from: "digits") }
        let channels = #expect(throws: DatasetError.self) { try grey.requireInput(channels: 3, imageSize: 28, from: "digits") }
        #expect(
            channels?.errorDescription
                == "The images of digits have 1 channel and 28×28 pixels, the network takes 3 channels and 28×28 pixels")
        #expect(
            channels?.recoverySuggestion == "Choose a model that takes 1 channel and 28×28 pixels, or data with 3 channels")
        let size = #expect(throws: DatasetError.self) { try grey.requireInput(channels: 1, imageSize: 32, from: "digits") }
        #expect(size?.recoverySuggestion == "Set the model's image size to 28")
    }
}
