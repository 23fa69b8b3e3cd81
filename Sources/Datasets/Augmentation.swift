import Foundation
import Tensors

/// What is done to a training image before normalization, at the size the network gets.
package enum Augmentation: Sendable, Hashable, Codable {
    /// Nothing.
    case none
    /// A horizontal flip with probability ½, then a rotation by an angle uniform in ±`degrees`: the nearest pixel, black
    /// where the source lies outside the image. The published code of the clustered-initialization study uses 15°.
    ///
    /// Source: torchvision's `RandomHorizontalFlip` and `RandomRotation`.
    case flipAndRotation(degrees: Float)
    /// A crop of the image's own size at a uniformly drawn place of the image with `padding` black pixels on each side,
    /// then a horizontal flip with probability ½. The usual recipe for CIFAR has 4 pixels.
    ///
    /// Source: torchvision's `RandomCrop(size, padding)` and `RandomHorizontalFlip`.
    case flipAndCrop(padding: Int)

    /// What one image gets in one epoch.
    package enum Draw: Sendable, Equatable {
        /// Whether the image is mirrored left to right, and then its rotation in degrees, counter-clockwise as seen.
        case flipAndRotation(flips: Bool, degrees: Float)
        /// The row and column of the image that the crop's top left pixel shows, each in −padding…padding, and whether
        /// the crop is then mirrored left to right.
        case flipAndCrop(flips: Bool, top: Int, left: Int)
    }

    /// The draw for image `index` of a split in `epoch`: a function of the three numbers alone, so that batches, threads
    /// and interruptions change nothing. Both numbers must lie in 0…2³²−1. Nil when there is nothing to do.
    package func draw(seed: UInt64, epoch: Int, index: Int) -> Draw? {
        precondition(epoch >= 0 && epoch <= UInt32.max && index >= 0 && index <= UInt32.max)
        var stream = RandomStream(seed: seed, substream: UInt64(epoch) << 32 | UInt64(index))
        switch self {
        case .none:
            return nil
        case .flipAndRotation(let degrees):
            let flips = stream.uniform() < 0.5
            return .flipAndRotation(flips: flips, degrees: stream.uniform(in: -degrees...degrees))
        case .flipAndCrop(let padding):
            let flips = stream.uniform() < 0.5
            let top = stream.index(below: 2 * padding + 1) - padding
            let left = stream.index(below: 2 * padding + 1) - padding
            return .flipAndCrop(flips: flips, top: top, left: left)
        }
    }

    /// Checks the numbers for images of `imageSize` pixels: an angle in 0°…180°, a padding below the size.
    ///
    /// Errors: ``DatasetError/invalidRotation(degrees:)``, ``DatasetError/invalidPadding(_:imageSize:)``.
    package func validate(imageSize: Int) throws(DatasetError) {
        switch self {
        case .none: break
        case .flipAndRotation(let degrees):
            guard degrees >= 0, degrees <= 180 else { throw .invalidRotation(degrees: degrees) }
        case .flipAndCrop(let padding):
            guard padding >= 0, padding < imageSize else { throw .invalidPadding(padding, imageSize: imageSize) }
        }
    }
}
