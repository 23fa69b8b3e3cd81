import Studies

/// One cell of the grid the study asks for, with its value if it has one.
struct GridCell: Equatable {
    var arm: String
    var pair: [Int]
    var replicate: Int
    var state: CellState
    var value: Double?
    var numericClass: String?

    var isFailed: Bool {
        if case .failed = state { true } else { false }
    }
}

/// The whole grid in sorted order: arm as in the study, pair, replicate. Its order is what fixes the order of all sums.
struct ResultGrid {
    private let byArm: [String: [GridCell]]
    let all: [GridCell]

    init(info: TableInfo, cells: [CellResult], metric: TableMetric, epoch: Int) {
        struct Key: Hashable {
            let arm: String
            let pair: [Int]
            let replicate: Int
        }
        let given = Dictionary(
            cells.map { (Key(arm: $0.arm, pair: $0.pair, replicate: $0.replicate), $0) },
            uniquingKeysWith: { _, _ in preconditionFailure("a cell is given twice") })
        var byArm: [String: [GridCell]] = [:]
        var all: [GridCell] = []
        let pairs = info.pairs.sorted { $0.lexicographicallyPrecedes($1) }
        for arm in info.arms {
            var ofArm: [GridCell] = []
            for pair in pairs {
                for replicate in 1...max(1, info.replicates) {
                    let result = given[Key(arm: arm, pair: pair, replicate: replicate)]
                    ofArm.append(GridCell(arm, pair, replicate, result, metric: metric, epoch: epoch))
                }
            }
            byArm[arm] = ofArm
            all += ofArm
        }
        self.byArm = byArm
        self.all = all
    }

    func cells(arm: String) -> [GridCell] { byArm[arm] ?? [] }
}

extension GridCell {
    fileprivate init(
        _ arm: String, _ pair: [Int], _ replicate: Int, _ result: CellResult?, metric: TableMetric, epoch: Int
    ) {
        self.init(arm: arm, pair: pair, replicate: replicate, state: result?.state ?? .missing)
        guard let result, result.state == .finished else { return }
        guard let metrics = result.epochs?.first(where: { $0.epoch == epoch }) else {
            state = .missing
            return
        }
        let value = metric.value(in: metrics)
        if value.isFinite {
            self.value = value
            numericClass = result.numericClass
        } else {
            state = .diverged
        }
    }
}
