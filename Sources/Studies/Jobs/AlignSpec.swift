/// The filters of trained networks matched with each other, layer by layer, and their means: the start of a new network.
///
/// Nothing in it is drawn by lot: networks, their order and the settings decide the result.
package struct AlignSpec: Sendable, Equatable, Codable {
    /// The trainings whose filters are aligned. The first one's filters keep their order; the others join in this order.
    package var sources: [JobID]
    package var model: ModelSpec
    /// Layers 1…`layers` get mean filters.
    package var layers: Int
    package var matching: MatchingSpec
    package var mean: MeanSpec

    package init(sources: [JobID], model: ModelSpec, layers: Int, matching: MatchingSpec, mean: MeanSpec) {
        self.sources = sources
        self.model = model
        self.layers = layers
        self.matching = matching
        self.mean = mean
    }
}

/// How the filters of one more network are dealt out to the clusters so far, one to each.
package enum MatchingSpec: String, Sendable, Equatable, Codable, CaseIterable {
    /// Cluster by cluster, each takes the nearest filter that is left.
    case greedy
    /// The sum of all distances is the least there is.
    case optimal
}

/// What the mean of a cluster is taken of.
package enum MeanSpec: String, Sendable, Equatable, Codable, CaseIterable {
    /// The filters as they are.
    case filters
    /// The filters, each divided by its Euclidean norm.
    case unitFilters = "unit-filters"
}
