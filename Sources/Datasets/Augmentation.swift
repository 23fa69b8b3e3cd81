import Foundation
import Tensors

/// What is done to a training image before normalization.
package enum Augmentation: Sendable, Hashable, Codable {
    /// Nothing.
    case none
    /// A horizontal flip with probability ½, then a rotation by an angle uniform in ±`degrees`: the nearest pixel, black
    /// where the source lies outside the image. The published code of the clustered-initialization study uses 15°.
    ///
    /// Source: torchvision's `RandomHorizontalFlip` and `RandomRotation`.
    case flipAndRotation(degrees: Float)

    /// What one image gets in one epoch.
    package struct Draw: Sendable, Equatable {
        /// Whether the image is mirrored left to right, before the rotation.
        package var flips: Bool
        /// The rotation in degrees, counter-clockwise as seen.
        package var degrees: Float

        package init(flips: Bool, degrees: Float) {
            self.flips = flips
            self.degrees = degrees
        }
    }

    /// The draw for image `index` of a split in `epoch`: a function of the three numbers alone, so that batches, threads
    /// and interruptions change nothing. Both numbers must lie in 0…2³²−1. Nil when there is nothing to do.
    package func draw(seed: UInt64, epoch: Int, index: Int) -> Draw? {
        guard case .flipAndRotation(let degrees) = self else { return nil }
        precondition(epoch >= 0 && epoch <= UInt32.max && index >= 0 && index <= UInt32.max)
        var stream = RandomStream(seed: seed, substream: UInt64(epoch) << 32 | UInt64(index))
        let flips = stream.uniform() < 0.5
        return Draw(flips: flips, degrees: stream.uniform(in: -degrees...degrees))
    }
}

extension Augmentation.Draw {
    /// Writes, for each pixel of a square image of `side` pixels, row by row, the index of the pixel it is taken from,
    /// or −1 for black.
    ///
    /// The rotation is that of torchvision on tensors: output pixel centres are rotated about the image's centre into
    /// the source, and the nearest pixel is taken (ties to the even index) by the arithmetic of
    /// `affine_grid`/`grid_sample(mode="nearest", padding_mode="zeros", align_corners=False)`, in single precision.
    ///
    /// Differs: torchvision on PIL images, as in the published code, adds ½ and rounds down, so a source point exactly
    /// between two pixels may fall on the other one; at the 16 angles of the tests all pixels are the same.
    package func fillSources(side: Int, into sources: UnsafeMutablePointer<Int16>) {
        let angle = Double(degrees) * Double.pi / 180
        // torchvision divides the matrix by half the side, which gives coordinates in −1…1.
        let half = Float(side) * 0.5
        let cosine = Float(cos(angle)) / half
        let sine = Float(sin(angle)) / half
        let limit = Float(side) - 0.5
        // Adding and subtracting 1.5·2²³ rounds to the nearest integer, ties to even.
        let rounder: Float = 12_582_912
        for row in 0..<side {
            let y = Float(row) - half + 0.5
            for column in 0..<side {
                let x = Float(column) - half + 0.5
                let sourceX = ((x * cosine - y * sine + 1) * Float(side) - 1) * 0.5
                let sourceY = ((x * sine + y * cosine + 1) * Float(side) - 1) * 0.5
                let output = row * side + column
                guard sourceX > -1, sourceX < limit + 1, sourceY > -1, sourceY < limit + 1 else {
                    sources[output] = -1
                    continue
                }
                let nearestX = Int((sourceX + rounder) - rounder), nearestY = Int((sourceY + rounder) - rounder)
                guard nearestX >= 0, nearestX < side, nearestY >= 0, nearestY < side else {
                    sources[output] = -1
                    continue
                }
                sources[output] = Int16(truncatingIfNeeded: nearestY * side + (flips ? side - 1 - nearestX : nearestX))
            }
        }
    }
}
