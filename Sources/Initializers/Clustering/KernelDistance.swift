import Tensors

/// The space in which 2-D kernels are compared.
///
/// Source: the clustered-initialization study, section 2.4.1 (its text names the magnitude of the spectrum, its code takes
/// the real part); features are flattened `[K, K]` planes.
package enum KernelDistance: String, Sendable, Hashable, Codable, CaseIterable {
    /// The kernels themselves; a centre is the mean of its members.
    case euclidean
    /// |fft2| of a kernel. A spectrum's magnitude alone is no kernel, so a centre is the mean of the cluster's member
    /// kernels (in space); the study's text leaves this open.
    case fourierMagnitude = "fourier-magnitude"
    /// The real part of fft2, as in the study's code. A centre is the real part of ifft2 of the mean feature: the mean
    /// member kernel made symmetric about its first element (indices modulo K), for the odd part has no real spectrum.
    case fourierReal = "fourier-real"
    /// The kernel's direction: the kernel divided by its Euclidean norm, so that the squared distance of two is 2(1 − cos).
    /// A kernel of zeros has no direction and stays zero: it is at distance 1 from every direction, while two at a right angle
    /// are √2 apart. A centre is the mean of the cluster's member kernels, lengths included, as for `fourierMagnitude`.
    ///
    /// As `normalize` and `KMeans` of scikit-learn do it. **Differs:** spherical k-means (Dhillon, Modha, "Concept
    /// decompositions for large sparse text data using clustering", Machine Learning 42, 2001) also gives its centres unit
    /// length after each iteration; here they are plain means, whose length says how alike the members are. The study's
    /// authors tried cosine similarity and left it out (section 2.4.1), without saying which of the two.
    case cosine

    /// The features of kernels of side `side`, `[n][side·side]` in and out.
    package func features(of kernels: [Float], side: Int) -> [Float] {
        switch self {
        case .euclidean: kernels
        case .fourierMagnitude: Fourier2D(rows: side, columns: side).magnitudes(of: kernels)
        case .fourierReal: Fourier2D(rows: side, columns: side).realParts(of: kernels)
        case .cosine: UnitVectors.of(kernels, dimension: side * side)
        }
    }

    /// The kernels that stand for the clusters of a clustering of these features; zeros for a cluster without members
    /// where a centre is a mean of members.
    func centreKernels(_ clustering: Clustering, kernels: [Float], side: Int) -> [Float] {
        switch self {
        case .euclidean:
            return clustering.centres
        case .fourierReal:
            return Fourier2D(rows: side, columns: side).realPartsOfInverse(of: clustering.centres)
        case .fourierMagnitude, .cosine:
            let area = side * side
            var sums = [Double](repeating: 0, count: clustering.counts.count * area)
            for (kernel, cluster) in clustering.assignments.enumerated() {
                for element in 0..<area {
                    sums[Int(cluster) * area + element] += Double(kernels[kernel * area + element])
                }
            }
            return sums.indices.map { Float(sums[$0] / Double(max(clustering.counts[$0 / area], 1))) }
        }
    }
}
