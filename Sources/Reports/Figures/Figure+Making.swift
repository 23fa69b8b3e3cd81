import Studies

extension Figure {
    /// The figure of a definition from what a study has; `published` curves are drawn beside those of its arms.
    package static func make(
        _ definition: FigureDefinition, of study: FigureStudy, series measured: EpochSeries, bands: FigureBands = .interval,
        published: PublishedCurves?
    ) -> Outcome {
        guard definition.data == study.data else {
            return .skipped(reason: "it needs \(definition.subjects); this study has other data")
        }
        var gathering = FigureGathering(definition: definition, study: study, measured: measured, published: published)
        let panels = definition.panels.compactMap { gathering.panel($0) }
        guard gathering.subjects >= definition.leastSubjects else {
            let some = definition.leastSubjects > 1 ? "at least \(definition.leastSubjects) of these: " : ""
            let count = gathering.empty.count
            let waiting = count == 0 ? "" : "; \(count) arm\(count == 1 ? " is" : "s are") in this study without a value yet"
            return .skipped(reason: "it needs \(some)\(definition.subjects)\(waiting)")
        }
        let arms = panels.flatMap { $0.series.filter { !$0.isPublished }.compactMap(\.arm) }
        var figure = Figure(
            // The paper's own metric needs no word in a file's name.
            name: definition.name + (measured.metric == .validationAccuracy ? "" : "-\(measured.metric.rawValue)"),
            title: definition.title, metric: measured.metric, bands: bands, panels: panels, notes: [],
            arms: study.info.arms.filter(arms.contains), origin: study.info)
        figure.notes = FigureNotes.text(of: figure, study: study, missing: gathering.missing, empty: gathering.empty)
        return .figure(figure)
    }

    /// Everything that a study's figures can be made of: those of the paper, or all arms when it has none of them.
    package static func all(
        of study: FigureStudy, series: EpochSeries, bands: FigureBands = .interval, published: PublishedCurves?
    ) -> [(name: String, outcome: Outcome)] {
        let outcomes = FigureDefinition.published.map { definition in
            (name: definition.name, outcome: make(definition, of: study, series: series, bands: bands, published: published))
        }
        let hasAny = outcomes.contains { if case .figure = $0.outcome { true } else { false } }
        guard !hasAny else { return outcomes }
        let arms = FigureDefinition.allArms(of: study)
        return outcomes + [(name: arms.name, outcome: make(arms, of: study, series: series, bands: bands, published: published))]
    }
}

/// Looks for a figure's curves in a study, panel by panel.
private struct FigureGathering {
    let definition: FigureDefinition
    let study: FigureStudy
    let measured: EpochSeries
    let published: PublishedCurves?
    /// Curves without an arm, and arms without a value, by their labels.
    var missing: [String] = []
    var empty: [String] = []
    /// Of the panel that has most: one curve in each of two panels is no comparison.
    var subjects = 0

    /// `nil` when there is nothing in the panel that the figure is about.
    mutating func panel(_ panel: FigureDefinition.Panel) -> Figure.Panel? {
        var series: [Figure.Series] = []
        var missingHere: [String] = []
        var subjectsHere = 0
        for curve in panel.curves {
            let label = panel.title.map { "\($0), \(curve.label)" } ?? curve.label
            guard let arm = study.arm(for: curve, of: definition) else {
                missingHere.append(label)
                continue
            }
            series += publishedSeries(of: arm, curve)
            if let own = measured.series(arm: arm.name, label: curve.label, style: curve.style) {
                series.append(own)
                if curve.isSubject { subjectsHere += 1 }
            } else {
                empty.append(label)
            }
        }
        subjects = max(subjects, subjectsHere)
        if subjectsHere > 0 || !panel.isExtra { missing += missingHere }
        return subjectsHere > 0 ? Figure.Panel(title: panel.title, series: series) : nil
    }

    /// Up to the study's last epoch: a longer published run says nothing about these.
    private func publishedSeries(of arm: FigureStudy.FigureArm, _ curve: FigureDefinition.Curve) -> [Figure.Series] {
        guard let published else { return [] }
        let points = published.curve(for: arm.method, of: arm.model, on: study.data, metric: measured.metric)
            .filter { $0.epoch <= study.info.epochs }
            .map { Figure.Point(epoch: $0.epoch, n: 0, mean: $0.mean, min: $0.min, max: $0.max, interval: nil) }
        guard !points.isEmpty else { return [] }
        return [Figure.Series(label: curve.label, arm: arm.name, isPublished: true, style: curve.style, expected: nil, points: points)]
    }
}
