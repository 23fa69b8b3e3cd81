/// Where a trainer gets its images from. Batches are filled on a thread of their own.
package protocol ImageSource: Sendable {
    /// The number of images.
    var count: Int { get }
    /// The number of classes; labels are in `0..<classes`.
    var classes: Int { get }

    /// Writes the images `indices`, normalized and, for training, augmented, as `[H][W][C][N]` with N = `indices.count`,
    /// and a label for each. What augmentation draws may depend on `epoch` (1-based) and the index alone, so that the
    /// numbers do not depend on how batches are cut.
    func fill(
        _ indices: ArraySlice<Int>, epoch: Int, images: UnsafeMutablePointer<Float>,
        labels: UnsafeMutablePointer<Int32>)
}

/// Mixes the images of a batch with each other: mixup (Zhang et al. 2018, arXiv:1710.09412).
package protocol BatchMixing: Sendable {
    /// Replaces each image by share·itself + (1 − share)·its partner, in place, `[rows][count]`. Returns the share of
    /// the image itself and the partner of each. What it draws may depend on the epoch and the batch's number alone.
    func mix(
        _ images: UnsafeMutablePointer<Float>, rows: Int, count: Int, epoch: Int, batch: Int
    ) -> (share: Float, partners: [Int])
}
