import Studies

/// An arm's settings as columns; `nil` for one that its method does not have.
package struct ArmSettings: Sendable, Equatable {
    /// As study files name it.
    package var method: String
    package var distance: String?
    package var models: Int?
    package var clusters: Int?
    package var layers: Int?
    package var head: String?
    package var matching: String?

    /// The architecture it is trained on.
    package var network: String

    /// `network` is the study's architecture, for an arm without one of its own.
    package init(_ arm: Arm, network: String) {
        self.network = arm.model?.architecture ?? network
        switch arm.method {
        case .random: self.method = "random"
        case .pretrained(let head):
            self.method = "pretrained"
            self.head = head.rawValue
        case .gabor(let layers):
            self.method = "gabor"
            self.layers = layers
        case .clustered(let settings):
            self.method = "clustered"
            distance = settings.distance.rawValue
            models = settings.models
            clusters = settings.clusters
            layers = settings.layers
        case .aligned(let settings):
            self.method = "aligned"
            models = settings.models
            layers = settings.layers
            matching = settings.matching.rawValue
        case .stateDict(let start):
            self.method = "state-dict"
            head = start.head.rawValue
        }
    }
}
