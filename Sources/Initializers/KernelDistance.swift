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

    /// The features of kernels of side `side`, `[n][side·side]` in and out.
    package func features(of kernels: [Float], side: Int) -> [Float] {
        switch self {
        case .euclidean: kernels
        case .fourierMagnitude: Fourier2D(rows: side, columns: side).magnitudes(of: kernels)
        case .fourierReal: Fourier2D(rows: side, columns: side).realParts(of: kernels)
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
        case .fourierMagnitude:
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
