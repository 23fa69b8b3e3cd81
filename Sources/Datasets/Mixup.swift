import CKernels
import Foundation
import Tensors

/// Mixup: every image of a batch is mixed with a partner of the same batch, and so are their losses.
///
/// Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018, arXiv:1710.09412;
/// as in the authors' code, one λ for each batch and partners by a random permutation.
package struct Mixup: Sendable, Hashable {
    /// What α may be: below, λ is 0 or 1, above, ½, in single precision.
    package static let alphas = 1e-6...1e6

    /// The parameter of λ ~ Beta(α, α).
    package let alpha: Double
    /// A seed of mixup's own: streams of one seed repeat what other users of it draw.
    package let seed: UInt64

    /// Errors: ``DatasetError/invalidMixup(alpha:)`` unless `alpha` is in ``alphas``.
    package init(alpha: Double, seed: UInt64) throws(DatasetError) {
        guard Mixup.alphas.contains(alpha) else { throw .invalidMixup(alpha: alpha) }
        self.alpha = alpha
        self.seed = seed
    }

    /// The weight λ in 0…1 of each image, and the partner, of weight 1 − λ, of each of `count` images: a function of the
    /// seed and the arguments alone. `epoch` and `batch` must lie in 0…2³²−1.
    package func draw(epoch: Int, batch: Int, count: Int) -> (lambda: Double, partner: [Int]) {
        precondition(epoch >= 0 && epoch <= UInt32.max && batch >= 0 && batch <= UInt32.max)
        var stream = RandomStream(seed: seed, substream: UInt64(epoch) << 32 | UInt64(batch))
        // X / (X + Y) with X, Y ~ Gamma(α), from logarithms: for small α both are often below the least Double.
        let x = Mixup.logGamma(alpha, &stream), y = Mixup.logGamma(alpha, &stream)
        var partner = Array(0..<count)
        stream.shuffle(&partner)
        return (1 / (1 + exp(y - x)), partner)
    }

    /// Draws for batch number `batch` and mixes its `count` images in place, `[rows][count]`. Returns the share λ of each
    /// image itself and its partner.
    package func mix(
        _ images: UnsafeMutablePointer<Float>, rows: Int, count: Int, epoch: Int, batch: Int
    ) -> (share: Float, partners: [Int]) {
        let (lambda, partner) = draw(epoch: epoch, batch: batch, count: count)
        Mixup.mix(images, rows: rows, partner: partner, lambda: lambda)
        return (Float(lambda), partner)
    }

    /// Mixes rows of `partner.count` numbers in place: `x[i] = λ·x[i] + (1 − λ)·x[partner[i]]`, in single precision.
    ///
    /// Rows are independent, so threads may mix disjoint rows of one batch at once.
    ///
    /// - Parameters:
    ///   - values: `[rows][N]`, such as a batch `[H][W][C][N]`, with N = `partner.count`.
    ///   - partner: For each column, the column it is mixed with, in `0..<N`.
    package static func mix(_ values: UnsafeMutablePointer<Float>, rows: Int, partner: [Int], lambda: Double) {
        precondition(partner.allSatisfy { partner.indices.contains($0) })
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(partner.count, 1)) { scratch in
            sower_mix_rows(
                values, rows, partner.count, partner.map { Int32($0) }, Float(lambda), Float(1 - lambda),
                scratch.baseAddress!)
        }
    }

    /// The logarithm of a Gamma(shape, 1) number.
    ///
    /// Source: Marsaglia, Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000,
    /// <https://doi.org/10.1145/358407.358414>; below 1, Gamma(shape + 1) · U^(1/shape), as they say.
    private static func logGamma(_ shape: Double, _ stream: inout RandomStream) -> Double {
        if shape < 1 {
            return logGamma(shape + 1, &stream) + log(1 - stream.uniformDouble()) / shape
        }
        let d = shape - 1.0 / 3, c = 1 / (9 * d).squareRoot()
        while true {
            let normal = Double(stream.normal())
            let root = 1 + c * normal
            guard root > 0 else { continue }
            let v = root * root * root
            if log(1 - stream.uniformDouble()) < 0.5 * normal * normal + d - d * v + d * log(v) { return log(d) + log(v) }
        }
    }
}
