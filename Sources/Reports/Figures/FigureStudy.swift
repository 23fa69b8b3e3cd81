import Studies

/// What figures need to know of a study beside its cells.
package struct FigureStudy: Sendable, Equatable {
    /// An arm with the network it trains.
    package struct FigureArm: Sendable, Equatable {
        package var name: String
        package var method: ArmMethod
        package var model: ModelSpec
    }

    package var info: TableInfo
    package var arms: [FigureArm]
    package var data: PublishedData

    package init(_ study: Study) {
        info = TableInfo(study)
        arms = study.arms.map { FigureArm(name: $0.name, method: $0.method, model: study.model(of: $0)) }
        data = PublishedData(study.data)
    }

    /// The arm that stands at a figure's place, if the study has it.
    func arm(for curve: FigureDefinition.Curve, of definition: FigureDefinition) -> FigureArm? {
        if let name = curve.arm { return arms.first { $0.name == name } }
        return arms.first { $0.model.architecture == definition.architecture.rawValue && curve.methods.contains($0.method) }
    }
}
