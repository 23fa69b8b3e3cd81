import Tensors

/// Which filters of several networks stand for the same thing: clusters with one filter of each network.
///
/// Filters are 3-D and compared whole. Two are as far apart as the real parts of the one-dimensional Fourier transforms of their
/// flattened values, each filter divided by its Euclidean norm first, in Euclidean distance; a filter of zeros stays zero. A filter
/// is as far from a cluster as the sum of its distances from the members.
///
/// The first network's filters open the clusters, in their order. Then one network after another deals its filters out to the
/// clusters as they are, one to each; what has been dealt stays. So the result depends on the order of the networks, and with
/// `optimal` each step is the best there is, not all of them together: that is the multidimensional assignment problem, which is
/// NP-hard for three networks already.
///
/// Source: the clustered-initialization study, section 2.4.2, "a simple greedy approach"; distance, norms and order of the clusters
/// are from its code (final_experiments.ipynb of <https://github.com/janulm/deep-learning-advanced-initialization>). `optimal` is
/// not in the study.
package enum FilterMatching: String, Sendable, Hashable, Codable, CaseIterable {
    /// Cluster by cluster, each takes the nearest filter that is left, of equally near ones the first.
    case greedy
    /// The sum of the distances of all filters of the network from their clusters is the least there is.
    case optimal

    /// For each network the place of the filter that it has in each cluster: `[network][cluster]`.
    ///
    /// `networks`: one layer's filters `[O, C, K, K]` of each. Time: O²·n² distances of C·K·K numbers for n networks; `optimal`
    /// O³·n more.
    ///
    /// Errors: ``InitializerError/noPoints`` without networks or filters, ``InitializerError/wrongShape(what:actual:expected:)``
    /// unless all have one shape, ``InitializerError/notFinite(point:coordinate:)``, the point being the filter's number.
    package func orders(of networks: [Tensor]) throws(InitializerError) -> [[Int]] {
        guard let shape = networks.first?.shape, let count = shape.first, networks[0].count > 0 else { throw .noPoints }
        let size = networks[0].count / count
        let transform = Fourier2D(rows: 1, columns: size)
        var spectra: [[Float]] = []
        for network in networks {
            guard network.shape == shape else {
                throw .wrongShape(what: "a layer's filters", actual: network.shape, expected: "\(shape), as in the first network")
            }
            if let place = network.values.firstIndex(where: { !$0.isFinite }) {
                throw .notFinite(point: place / size, coordinate: place % size)
            }
            spectra.append(transform.realParts(of: UnitVectors.of(network.values, dimension: size)))
        }
        var orders = [Array(0..<count)]
        for newcomer in spectra.indices.dropFirst() {
            var costs = [Double](repeating: 0, count: count * count)
            for member in 0..<newcomer {
                for cluster in 0..<count {
                    for filter in 0..<count {
                        costs[cluster * count + filter] += Self.distance(
                            spectra[member], orders[member][cluster], spectra[newcomer], filter, size: size)
                    }
                }
            }
            orders.append(assign(costs, count: count))
        }
        return orders
    }

    /// The filter of each cluster, for distances `[cluster][filter]`.
    package func assign(_ costs: [Double], count: Int) -> [Int] {
        switch self {
        case .optimal: return LinearAssignment.minimize(costs, count: count)
        case .greedy:
            var isLeft = [Bool](repeating: true, count: count)
            return (0..<count).map { cluster in
                let left = (0..<count).filter { isLeft[$0] }
                // `min` gives the first of equals.
                let nearest = left.min { costs[cluster * count + $0] < costs[cluster * count + $1] }!
                isLeft[nearest] = false
                return nearest
            }
        }
    }

    private static func distance(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int, size: Int) -> Double {
        var sum = 0.0
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                for element in 0..<size {
                    let difference = Double(a[i * size + element]) - Double(b[j * size + element])
                    sum += difference * difference
                }
            }
        }
        return sum.squareRoot()
    }
}

/// The mean of aligned filters.
package enum MeanFilters {
    /// The mean of one layer's filters `[O, C, K, K]` of several networks, place by place; sums in double precision.
    ///
    /// With `unitLength` each filter is divided by its Euclidean norm first, as the study's code does; its text takes "the mean of the
    /// aligned filter weights".
    ///
    /// Errors: ``InitializerError/noPoints``, ``InitializerError/wrongShape(what:actual:expected:)``.
    package static func of(_ networks: [Tensor], unitLength: Bool) throws(InitializerError) -> Tensor {
        guard let first = networks.first, first.count > 0 else { throw .noPoints }
        var sums = [Double](repeating: 0, count: first.count)
        for network in networks {
            guard network.shape == first.shape else {
                throw .wrongShape(what: "a layer's filters", actual: network.shape, expected: "\(first.shape), as in the first network")
            }
            let values = unitLength ? UnitVectors.of(network.values, dimension: first.count / first.shape[0]) : network.values
            for (index, value) in values.enumerated() { sums[index] += Double(value) }
        }
        return Tensor(shape: first.shape, values: sums.map { Float($0 / Double(networks.count)) })
    }
}
