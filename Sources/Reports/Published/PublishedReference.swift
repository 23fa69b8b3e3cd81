import Studies

/// The published counterparts of a study's arms, and what keeps the study from being a repetition of them.
package struct PublishedReference: Sendable, Equatable {
    /// By arm; an arm without a published counterpart is not in it.
    package var curves: [String: [PublishedCurve]]
    /// One sentence each. Whatever stands here may be why a number differs.
    package var caveats: [String]
    var data: PublishedData

    package init(_ study: Study, in published: PublishedCurves = .clusteredInitialization) {
        data = PublishedData(study.data)
        curves = [:]
        for arm in study.arms {
            let found = published.curves(for: arm, of: study)
            if !found.isEmpty { curves[arm.name] = found }
        }
        caveats = study.departuresFromPublishedFigures
    }
}

extension PublishedData {
    /// In a footnote.
    var words: String {
        switch self {
        case .cifar100Pairs: "CIFAR-100 in full, 10 pairs of its own × 5 replicates"
        case .tinyImageNet: "Tiny ImageNet in full"
        }
    }

    /// The training images of a run's epoch.
    var trainingImages: Int {
        switch self {
        case .cifar100Pairs: 5_000
        case .tinyImageNet: 100_000
        }
    }
}

/// What was published of an arm at the epoch of a table.
package struct PublishedValue: Sendable, Equatable {
    package var curves: [PublishedCurve]
    /// Over all of `curves`; `nil` where they end before the epoch.
    package var point: PublishedPoint?
}

extension SummaryTable {
    /// The table with the published numbers beside its own, at the same epoch. Rows have to be arms: no others were published.
    ///
    /// `cells` say how many images a run was trained on, where the study does not: a small data set in CIFAR-100's layout is not CIFAR-100.
    package func compared(with reference: PublishedReference, cells: [CellResult]) -> SummaryTable {
        precondition(grouping == .arm && PublishedCurve.metrics.contains(metric))
        var table = self
        var reference = reference
        let counts = Set(cells.compactMap { $0.epochs.last?.images })
        if let least = counts.min(), let most = counts.max(), counts != [reference.data.trainingImages],
            !reference.caveats.contains(where: { $0.hasPrefix("data: ") })
        {
            let seen = least == most ? "\(least)" : "\(least) to \(most)"
            reference.caveats.append("data: \(seen) training images a run instead of \(reference.data.trainingImages)")
        }
        for index in table.rows.indices {
            guard let curves = reference.curves[table.rows[index].arm] else { continue }
            let points = PublishedPoint.joined(curves.map { $0.points(of: metric) })
            table.rows[index].published = PublishedValue(curves: curves, point: points.first { $0.epoch == epoch })
        }
        table.published = reference
        table.footnotes += table.publishedFootnotes
        return table
    }

    private var publishedFootnotes: [String] {
        guard let published else { return [] }
        var notes = [
            "published: protocol \(PublishedCurves.evaluationProtocol.rawValue), profile \(PublishedCurves.profile.rawValue), "
                + "\(published.data.words), epoch \(epoch), mean, least and greatest of its runs; ours: protocol "
                + "\(info.evaluationProtocol.rawValue), profile \(info.profile.rawValue); difference: ours minus published"
        ]
        notes +=
            published.caveats.isEmpty
            ? ["nothing that this study says differs from what produced the published figures"]
            : published.caveats.map { "not as published: \($0)" }
        for row in rows {
            guard let value = row.published else { continue }
            guard let point = value.point else {
                let last = value.curves.map(\.epochCount).min() ?? 0
                notes.append("\(row.arm): the published curve ends at epoch \(last)")
                continue
            }
            guard value.curves.count > 1 else { continue }
            let each = value.curves.map { "\($0.name): \(FixedPoint.text($0.points(of: metric)[point.epoch - 1].mean, digits: 2))" }
            notes.append("\(row.arm) was published \(value.curves.count) times, the table has the mean: " + each.joined(separator: "; "))
        }
        let missing = rows.filter { $0.published == nil }.map(\.arm)
        if !missing.isEmpty { notes.append("without a published counterpart: " + missing.joined(separator: ", ")) }
        return notes
    }

    var publishedHeaders: [String] {
        let ours = "\(info.evaluationProtocol.rawValue), \(info.profile.rawValue)"
        let theirs = "\(PublishedCurves.evaluationProtocol.rawValue), \(PublishedCurves.profile.rawValue)"
        return ["ours (\(ours))", "n", "published (\(theirs))", "min", "max", "difference", "published as"]
    }

    /// The fields under `publishedHeaders`, without the first two.
    func publishedFields(of row: Row, digits: Int) -> [String] {
        guard let value = row.published else { return ["n/a", "n/a", "n/a", "n/a", "not published"] }
        func text(_ number: Double?) -> String { number.map { FixedPoint.text($0, digits: digits) } ?? "n/a" }
        return [
            text(value.point?.mean), text(value.point?.min), text(value.point?.max),
            row.publishedDifference.map { SummaryTable.signed($0, digits: digits) } ?? "n/a",
            value.curves.count == 1 ? value.curves[0].name : "\(value.curves[0].arm), \(value.curves.count) curves",
        ]
    }
}

extension SummaryTable.Row {
    /// Mean minus published mean, where both are known.
    package var publishedDifference: Double? {
        guard let mean = statistics.mean, let published = published?.point?.mean else { return nil }
        return mean - published
    }
}
