import Studies

/// The sentences under a figure.
package enum FigureNotes {
    static func text(of figure: Figure, study figureStudy: FigureStudy, missing: [String], empty: [String]) -> [String] {
        let study = figureStudy.info
        func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
        let means = "mean over " + (study.hasPairs ? "\(count(study.pairs.count, "pair")) × " : "") + count(study.replicates, "replicate")
        let protocolWords =
            switch study.evaluationProtocol {
            case .independent: "independent (every run starts from its initialization)"
            case .chained: "chained (one network a replicate goes through the pairs in order)"
            }
        let band =
            switch figure.bands {
            case .none: ""
            case .interval: "; band: its 95% interval (Student's t, cells taken as independent, although they share pairs and replicates)"
            case .minmax: "; band: least to greatest cell"
            }
        var notes = [
            "Study \(study.study): profile \(study.profile.rawValue), protocol \(protocolWords); \(means)\(band)."
        ]
        if figure.hasPublished {
            notes.append(
                "Dashed: the published means (profile \(PublishedCurves.profile.rawValue), protocol "
                    + "\(PublishedCurves.evaluationProtocol.rawValue), "
                    + (figureStudy.data == .tinyImageNet ? "Tiny ImageNet)." : "all of CIFAR-100)."))
        }
        notes += deviations(of: study, drawing: figure.arms)
        let partial = figure.panels.flatMap(\.series).contains { $0.n < $0.expected ?? 0 }
        if partial { notes.append("* (n/N): only n of the N cells have a value; the others are in no mean.") }
        if !empty.isEmpty { notes.append("No cell has a value yet: \(empty.joined(separator: "; ")).") }
        if !missing.isEmpty { notes.append("Not arms of this study: \(missing.joined(separator: "; ")).") }
        return notes
    }

    /// None where the study is what was published; what is said of other arms than these is left out.
    private static func deviations(of study: TableInfo, drawing arms: [String]? = nil) -> [String] {
        let others = study.arms.filter { arms?.contains($0) == false }
        let deviations = study.deviations.filter { deviation in !others.contains { deviation.hasPrefix("arm \($0): ") } }
        return deviations.isEmpty ? [] : ["Not as published: " + deviations.joined(separator: "; ") + "."]
    }

    /// For a picture of what a study's networks start from.
    package static func origin(of study: TableInfo) -> [String] {
        ["Study \(study.study): profile \(study.profile.rawValue), protocol \(study.evaluationProtocol.rawValue)."] + deviations(of: study)
    }
}
