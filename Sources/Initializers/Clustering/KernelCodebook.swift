import Tensors

/// The typical 2-D kernels of one layer and how common each is.
package struct KernelCodebook: Sendable, Equatable {
    /// The centres, `[k, K, K]`.
    package let centres: Tensor
    /// The number of kernels each centre stands for; a centre that stands for none is never drawn.
    package let counts: [Int]

    /// A codebook as it was stored.
    ///
    /// Errors: ``InitializerError/wrongShape(what:actual:expected:)`` unless the centres are `[k, K, K]` with a count of
    /// 0 or more each, ``InitializerError/clusterCount(actual:limit:)`` unless k is 1…256,
    /// ``InitializerError/emptyCodebook`` when all counts are 0.
    package init(centres: Tensor, counts: [Int]) throws(InitializerError) {
        guard centres.shape.count == 3, centres.shape[1] == centres.shape[2], centres.shape[1] > 0 else {
            throw .wrongShape(what: "the tensor of centres", actual: centres.shape, expected: "[k, K, K]")
        }
        guard (1...KMeans.clusterLimit).contains(centres.shape[0]) else {
            throw .clusterCount(actual: centres.shape[0], limit: KMeans.clusterLimit)
        }
        guard counts.count == centres.shape[0], counts.allSatisfy({ $0 >= 0 }) else {
            throw .wrongShape(
                what: "the list of counts", actual: [counts.count], expected: "[\(centres.shape[0])], none negative")
        }
        guard counts.contains(where: { $0 > 0 }) else { throw .emptyCodebook }
        self.centres = centres
        self.counts = counts
    }

    /// Clusters the kernels `[n, K, K]` of a layer, of all source models together, into k centres. Threads change no bit.
    ///
    /// Errors: those of ``KMeans/cluster(_:dimension:seed:threads:)`` and ``InitializerError/wrongShape(what:actual:expected:)``.
    ///
    /// Source: the clustered-initialization study, section 2.4.1.
    package static func cluster(
        kernels: Tensor, distance: KernelDistance, k: Int, seed: UInt64, maximumIterations: Int = 300, threads: Int = 1
    ) throws(InitializerError) -> KernelCodebook {
        guard kernels.shape.count == 3, kernels.shape[1] == kernels.shape[2], kernels.shape[1] > 0 else {
            throw .wrongShape(what: "the tensor of kernels", actual: kernels.shape, expected: "[n, K, K]")
        }
        let side = kernels.shape[1]
        let clustering = try KMeans(clusters: k, maximumIterations: maximumIterations).cluster(
            distance.features(of: kernels.values, side: side), dimension: side * side, seed: seed, threads: threads)
        return try KernelCodebook(
            centres: Tensor(
                shape: [k, side, side], values: distance.centreKernels(clustering, kernels: kernels.values, side: side)),
            counts: clustering.counts)
    }
}
