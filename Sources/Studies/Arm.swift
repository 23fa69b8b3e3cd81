/// One initialization under comparison: a column of the study's grid.
package struct Arm: Sendable, Equatable, Codable {
    /// Unique in the study; what tables print.
    package var name: String
    package var method: ArmMethod

    package init(name: String, method: ArmMethod) {
        self.name = name
        self.method = method
    }
}

/// How an arm's networks get their first weights. Whatever a method leaves untouched has the default start.
package enum ArmMethod: Sendable, Equatable, Codable {
    /// torchvision's default start.
    case random
    /// A randomly chosen pre-trained model, head kept.
    case pretrained
    /// Gabor filters in the first `layers` layers.
    case gabor(layers: Int)
    /// Kernels drawn from the clustered kernels of pre-trained models.
    case clustered(Clustering)

    /// Whether the arm reads pre-trained models.
    package var needsPretraining: Bool {
        switch self {
        case .random, .gabor: false
        case .pretrained, .clustered: true
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
    /// The first `layers` layers are drawn from the codebook, 1…17 for ResNet-18.
    package var layers: Int

    package init(distance: DistanceSpec, models: Int, clusters: Int, layers: Int) {
        self.distance = distance
        self.models = models
        self.clusters = clusters
        self.layers = layers
    }
}
