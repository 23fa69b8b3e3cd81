/// One initialization under comparison: a column of the study's grid.
package struct Arm: Sendable, Equatable, Codable {
    /// Unique in the study; what tables print.
    package var name: String
    package var method: ArmMethod
    /// The network it is trained on where that is not the study's; `nil` for the study's.
    package var model: ModelSpec?
    /// What the hosts of its jobs must be called, beside what the study needs; `nil` for nothing more.
    package var needs: Labels?

    package init(name: String, method: ArmMethod, model: ModelSpec? = nil, needs: Labels? = nil) {
        self.name = name
        self.method = method
        self.model = model
        self.needs = needs
    }
}

/// How an arm's networks get their first weights. Whatever a method leaves untouched has the default start.
package enum ArmMethod: Sendable, Equatable, Codable {
    /// The architecture's default start.
    case random
    /// A randomly chosen pre-trained model; published with the head kept.
    case pretrained(head: HeadSpec)
    /// Gabor filters in the first `layers` layers.
    case gabor(layers: Int)
    /// Kernels drawn from the clustered kernels of pre-trained models.
    case clustered(Clustering)
    /// The mean of the aligned filters of pre-trained models.
    case aligned(Alignment)
    /// A `state_dict` from a file.
    case stateDict(StateDictStart)

    /// Whether the arm reads pre-trained models.
    package var needsPretraining: Bool {
        switch self {
        case .random, .gabor, .stateDict: false
        case .pretrained, .clustered, .aligned: true
        }
    }
}

/// The settings of a clustered arm.
package struct Clustering: Sendable, Equatable, Codable {
    package var distance: DistanceSpec
    /// How many pre-trained models give their kernels.
    package var models: Int
    /// Clusters a layer (k).
    package var clusters: Int
    /// The first `layers` layers are drawn from the codebook, 1 to the architecture's `initializableLayers`.
    package var layers: Int

    package init(distance: DistanceSpec, models: Int, clusters: Int, layers: Int) {
        self.distance = distance
        self.models = models
        self.clusters = clusters
        self.layers = layers
    }
}

/// The settings of an aligned arm.
package struct Alignment: Sendable, Equatable, Codable {
    /// How many pre-trained models are aligned, 2 or more.
    package var models: Int
    /// The first `layers` layers start from mean filters, 1 to the architecture's `alignableLayers`.
    package var layers: Int
    package var matching: MatchingSpec

    package init(models: Int, layers: Int, matching: MatchingSpec = .greedy) {
        self.models = models
        self.layers = layers
        self.matching = matching
    }
}

/// The settings of a state-dict arm: a safetensors file with the names and shapes of the study's architecture.
package struct StateDictStart: Sendable, Equatable, Codable {
    /// As declared; relative to the working directory. Says nothing about results.
    package var path: String
    package var head: HeadSpec
    /// What the file holds; `nil` until it has been read. A study is expanded only when every file has been.
    package var file: FileSpec?

    package init(path: String, head: HeadSpec, file: FileSpec? = nil) {
        self.path = path
        self.head = head
        self.file = file
    }
}
