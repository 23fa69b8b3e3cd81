import Studies

/// Two arms' predictions compared, a row a cell of the grid.
///
/// A pure function of what it is made from; a cell without predictions in both arms is counted and named, never dropped silently.
package struct PredictionTable: Sendable, Equatable {
    /// A cell that cannot be compared.
    package struct Missing: Sendable, Equatable {
        package var pair: [Int]
        package var replicate: Int
        /// Why, in words.
        package var reason: String

        package init(pair: [Int], replicate: Int, reason: String) {
            self.pair = pair
            self.replicate = replicate
            self.reason = reason
        }
    }

    package var info: TableInfo
    package var first, second: String
    package var rows: [PredictionComparison]
    package var missing: [Missing]

    /// Adjusts the p values by Holm's procedure over `rows`, each test a family of its own.
    package init(info: TableInfo, first: String, second: String, rows: [PredictionComparison], missing: [Missing]) {
        self.info = info
        self.first = first
        self.second = second
        self.rows = rows
        self.missing = missing
        let correctness = PairedComparison.holm(rows.map(\.correctness.pValue))
        let classes = PairedComparison.holm(rows.map(\.classes.pValue))
        for index in rows.indices {
            self.rows[index].adjustedCorrectnessP = correctness[index]
            self.rows[index].adjustedClassesP = classes[index]
        }
    }

    package var title: String { "\(info.study): predictions of \(first) (A) and \(second) (B) after epoch \(info.epochs)" }

    /// How many missing cells are named one by one.
    private static let namedCells = 5

    package var footnotes: [String] {
        var notes = [
            "protocol: \(info.evaluationProtocol.rawValue); profile: \(info.profile.rawValue)"
        ]
        notes += info.deviations
        notes += [
            "accuracy, difference (A minus B) and agreement (same class for both, right or wrong): percent of the n test images",
            "McNemar: are A and B right equally often? exact two-sided binomial test over the images that only one classifies correctly",
            "Stuart-Maxwell: do A and B give every class equally often, right or wrong? chi-square; df: classes that are confused less "
                + "their groups, 0 when every prediction is the same",
            "p (Holm): adjusted over the table's \(rows.count) cells, for each test by itself",
            "each row compares two trained networks on one draw of test images; whether the initializations differ over pairs and "
                + "replicates is what `sower table --baseline` tests",
        ]
        if !missing.isEmpty {
            notes.append("* \(missing.count) of \(rows.count + missing.count) cells have no predictions in both arms")
            notes += missing.prefix(Self.namedCells).map { "* \(Study.name(of: $0.pair)) replicate \($0.replicate): \($0.reason)" }
            if missing.count > Self.namedCells { notes.append("* and \(missing.count - Self.namedCells) more") }
        }
        return notes
    }
}

/// The columns of the machine-readable formats, in their order; new ones are added at the end.
package enum PredictionColumn: String, Sendable, CaseIterable {
    case first = "arm_a"
    case second = "arm_b"
    case pair, replicate, epoch, n
    case firstAccuracy = "accuracy_a"
    case secondAccuracy = "accuracy_b"
    case difference = "accuracy_diff"
    case agreement
    case onlyFirst = "n_only_a_correct"
    case onlySecond = "n_only_b_correct"
    case correctnessP = "mcnemar_p"
    case adjustedCorrectnessP = "mcnemar_p_adjusted"
    case statistic = "stuart_maxwell"
    case degreesOfFreedom = "stuart_maxwell_df"
    case classesP = "stuart_maxwell_p"
    case adjustedClassesP = "stuart_maxwell_p_adjusted"
    case evaluationProtocol = "protocol"
    case profile
    /// Where the study departs from what its profile published, apart by semicolons.
    case deviations

    package func value(of row: PredictionComparison, in table: PredictionTable) -> TableColumn.Value {
        switch self {
        case .first: .text(table.first)
        case .second: .text(table.second)
        case .pair: .text(Study.name(of: row.pair))
        case .replicate: .count(row.replicate)
        case .epoch: .count(table.info.epochs)
        case .n: .count(row.n)
        case .firstAccuracy: .number(row.firstAccuracy)
        case .secondAccuracy: .number(row.secondAccuracy)
        case .difference: .number(row.firstAccuracy - row.secondAccuracy)
        case .agreement: .number(row.agreement)
        case .onlyFirst: .count(row.correctness.onlyFirst)
        case .onlySecond: .count(row.correctness.onlySecond)
        case .correctnessP: .probability(row.correctness.pValue)
        case .adjustedCorrectnessP: .probability(row.adjustedCorrectnessP)
        case .statistic: .number(row.classes.statistic)
        case .degreesOfFreedom: .count(row.classes.degreesOfFreedom)
        case .classesP: .probability(row.classes.pValue)
        case .adjustedClassesP: .probability(row.adjustedClassesP)
        case .evaluationProtocol: .text(table.info.evaluationProtocol.rawValue)
        case .profile: .text(table.info.profile.rawValue)
        case .deviations: .text(table.info.deviations.joined(separator: "; "))
        }
    }
}
