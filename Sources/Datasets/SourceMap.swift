import CKernels
import Foundation

/// Where each pixel of an augmented square image is taken from.
///
/// A rotation is that of torchvision on tensors: output pixel centres are rotated about the image's centre into the
/// source, and the nearest pixel is taken (ties to the even index) by the arithmetic of
/// `affine_grid`/`grid_sample(mode="nearest", padding_mode="zeros", align_corners=False)`, in single precision.
///
/// Differs: torchvision on PIL images, as in the published code, adds ½ and rounds down, so a source point exactly
/// between two pixels may fall on the other one; at the 16 angles of the tests all pixels are the same.
package struct SourceMap: Sendable {
    private enum Geometry {
        /// Of the angle, divided by half the side: torchvision's matrix, which gives coordinates in −1…1.
        case rotation(cosine: Float, sine: Float)
        case crop(top: Int, left: Int)
    }

    /// The height and width of the image, in pixels.
    package let side: Int
    private let flips: Bool
    private let geometry: Geometry

    /// The map of one draw for images of `side` pixels.
    package init(_ draw: Augmentation.Draw, side: Int) {
        self.side = side
        switch draw {
        case .flipAndRotation(let flips, let degrees):
            let angle = Double(degrees) * Double.pi / 180
            let half = Float(side) * 0.5
            self.flips = flips
            geometry = .rotation(cosine: Float(cos(angle)) / half, sine: Float(sin(angle)) / half)
        case .flipAndCrop(let flips, let top, let left):
            self.flips = flips
            geometry = .crop(top: top, left: left)
        }
    }

    /// Writes, for each pixel of `rows`, row by row, the index of the pixel it is taken from, or −1 for black.
    ///
    /// - Parameter sources: Room for `rows.count` · `side` numbers.
    package func fill(rows: Range<Int>, into sources: UnsafeMutablePointer<Int32>) {
        switch geometry {
        case .rotation(let cosine, let sine):
            sower_rotation_sources(side, rows.lowerBound, rows.count, cosine, sine, flips ? 1 : 0, sources)
        case .crop(let top, let left):
            sower_crop_sources(side, rows.lowerBound, rows.count, top, left, flips ? 1 : 0, sources)
        }
    }
}
