/// What the layers of one network share: the backend of their products, its threads, and memory no two use at the same
/// time.
package final class Workspace {
    package let product: SegmentProduct
    package let threads: ThreadTeam
    /// An activation with channels innermost, `[H][W][N][C]`.
    private(set) var transposed = FloatBuffer(count: 0)

    package init(product: SegmentProduct = .best, threads: ThreadTeam = ThreadTeam()) {
        self.product = product
        self.threads = threads
    }

    /// Makes ``transposed`` hold at least `count` floats; pointers into it taken before are invalid.
    func reserve(transposed count: Int) {
        if transposed.count < count { transposed = FloatBuffer(count: count) }
    }
}
