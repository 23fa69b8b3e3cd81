/// Where a trainer gets its images from.
package protocol ImageSource {
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
