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
    private let arms: [String]

    var all: some Collection<GridCell> { arms.lazy.flatMap { [byArm] in byArm[$0] ?? [] } }

    init(info: TableInfo, cells: [CellResult], metric: TableMetric, epoch: Int) {
        let pairs = info.pairs.sorted { $0.lexicographicallyPrecedes($1) }
        let replicates = 1...max(1, info.replicates)
        let armPlaces = Dictionary(info.arms.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let pairPlaces = Dictionary(pairs.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        func place(_ arm: Int, _ pair: Int, _ replicate: Int) -> Int { (arm * pairs.count + pair) * replicates.count + replicate - 1 }
        // Indices into `cells`, which is large.
        var given = [Int?](repeating: nil, count: info.arms.count * pairs.count * replicates.count)
        for (index, cell) in cells.enumerated() {
            guard let arm = armPlaces[cell.arm], let pair = pairPlaces[cell.pair], replicates.contains(cell.replicate) else { continue }
            precondition(given[place(arm, pair, cell.replicate)] == nil, "a cell is given twice")
            given[place(arm, pair, cell.replicate)] = index
        }
        var byArm: [String: [GridCell]] = [:]
        for (armPlace, arm) in info.arms.enumerated() {
            var ofArm: [GridCell] = []
            ofArm.reserveCapacity(pairs.count * replicates.count)
            for (pairPlace, pair) in pairs.enumerated() {
                for replicate in replicates {
                    let index = given[place(armPlace, pairPlace, replicate)]
                    ofArm.append(GridCell(arm, pair, replicate, index.map { cells[$0] }, metric: metric, epoch: epoch))
                }
            }
            byArm[arm] = ofArm
        }
        self.byArm = byArm
        arms = info.arms
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
