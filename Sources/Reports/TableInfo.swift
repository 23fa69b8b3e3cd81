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
    /// The evaluation pairs, sorted.
    package var pairs: [[Int]]
    package var replicates: Int
    /// The last epoch of an evaluation.
    package var epochs: Int

    package init(
        study: String, studyDigest: String, profile: Profile, evaluationProtocol: EvaluationProtocol, deviations: [String],
        arms: [String], pairs: [[Int]], replicates: Int, epochs: Int
    ) {
        self.study = study
        self.studyDigest = studyDigest
        self.profile = profile
        self.evaluationProtocol = evaluationProtocol
        self.deviations = deviations
        self.arms = arms
        self.pairs = pairs
        self.replicates = replicates
        self.epochs = epochs
    }

    package init(_ study: Study) {
        self.init(
            study: study.name, studyDigest: "\(study.digest)", profile: study.profile,
            evaluationProtocol: study.evaluationProtocol, deviations: study.deviations, arms: study.arms.map(\.name),
            pairs: study.evaluationPairs, replicates: study.evaluation.replicates, epochs: study.evaluation.recipe.epochs)
    }
}
