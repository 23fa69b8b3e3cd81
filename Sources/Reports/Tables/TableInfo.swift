import Studies

/// What a table says about the study it comes from, and the grid its rows are measured against.
package struct TableInfo: Sendable, Equatable {
    package var study: String
    /// The study's digest in hexadecimal.
    package var studyDigest: String
    package var profile: Profile
    package var evaluationProtocol: EvaluationProtocol
    /// Where the study departs from what its profile published.
    package var deviations: [String]
    /// Arm names in the order of the rows.
    package var arms: [String]
    /// The study's network.
    package var network: String
    /// The networks of the arms that have another.
    package var otherNetworks: [String: String]
    /// The evaluation pairs, sorted.
    package var pairs: [[Int]]
    package var replicates: Int
    /// The last epoch of an evaluation.
    package var epochs: Int

    package init(
        study: String, studyDigest: String, profile: Profile, evaluationProtocol: EvaluationProtocol, deviations: [String],
        arms: [String], network: String = "resnet18", otherNetworks: [String: String] = [:], pairs: [[Int]], replicates: Int, epochs: Int
    ) {
        self.study = study
        self.studyDigest = studyDigest
        self.profile = profile
        self.evaluationProtocol = evaluationProtocol
        self.deviations = deviations
        self.arms = arms
        self.network = network
        self.otherNetworks = otherNetworks
        self.pairs = pairs
        self.replicates = replicates
        self.epochs = epochs
    }

    /// Whether there are pairs at all: data without superclasses have one task, the empty pair.
    var hasPairs: Bool { pairs != [[]] }

    package init(_ study: Study) {
        self.init(
            study: study.name, studyDigest: "\(study.digest)", profile: study.profile,
            evaluationProtocol: study.evaluationProtocol, deviations: study.deviations, arms: study.arms.map(\.name),
            network: study.model.architecture,
            otherNetworks: Dictionary(
                study.arms.compactMap { arm in arm.model.map { (arm.name, $0.architecture) } }, uniquingKeysWith: { first, _ in first }),
            pairs: study.evaluationPairs, replicates: study.evaluation.replicates, epochs: study.evaluation.recipe.epochs)
    }
}
