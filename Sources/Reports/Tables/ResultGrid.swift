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
    private let pairPlaces: [[Int]: Int]
    private let replicates: Int

    var all: some Collection<GridCell> { arms.lazy.flatMap { [byArm] in byArm[$0] ?? [] } }

    init(info: TableInfo, cells: [CellResult], metric: TableMetric, epoch: Int) {
        let pairs = info.pairs.sorted { $0.lexicographicallyPrecedes($1) }
        let replicates = 1...max(1, info.replicates)
        let armPlaces = Dictionary(info.arms.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let pairPlaces = Dictionary(pairs.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        func place(_ arm: Int, _ pair: Int, _ replicate: Int) -> Int { (arm * pairs.count + pair) * replicates.count + replicate - 1 }
        // Indices into `cells`, which is large.
        var given = [Int?](repeating: nil, count: info.arms.count * pairs.count * replicates.count)
        // Neighbours often have both in common.
        var (arm, pair) = (("", armPlaces[""]), ([Int](), pairPlaces[[]]))
        for index in cells.indices {
            if cells[index].arm != arm.0 { arm = (cells[index].arm, armPlaces[cells[index].arm]) }
            if cells[index].pair != pair.0 { pair = (cells[index].pair, pairPlaces[cells[index].pair]) }
            guard let arm = arm.1, let pair = pair.1, replicates.contains(cells[index].replicate) else { continue }
            let place = place(arm, pair, cells[index].replicate)
            precondition(given[place] == nil, "a cell is given twice")
            given[place] = index
        }
        var byArm: [String: [GridCell]] = [:]
        for (armPlace, arm) in info.arms.enumerated() {
            var ofArm: [GridCell] = []
            ofArm.reserveCapacity(pairs.count * replicates.count)
            for (pairPlace, pair) in pairs.enumerated() {
                for replicate in replicates {
                    let index = given[place(armPlace, pairPlace, replicate)]
                    var cell = GridCell(arm: arm, pair: pair, replicate: replicate, state: .missing)
                    if let index { cell.fill(from: cells, index, metric: metric, epoch: epoch) }
                    ofArm.append(cell)
                }
            }
            byArm[arm] = ofArm
        }
        self.byArm = byArm
        arms = info.arms
        self.pairPlaces = pairPlaces
        self.replicates = replicates.count
    }

    func cells(arm: String) -> [GridCell] { byArm[arm] ?? [] }

    /// A pair's, by replicate.
    func cells(arm: String, pair: [Int]) -> [GridCell] {
        guard let place = pairPlaces[pair], let cells = byArm[arm] else { return [] }
        return Array(cells[place * replicates..<(place + 1) * replicates])
    }

    /// A replicate's, by pair.
    func cells(arm: String, replicate: Int) -> [GridCell] {
        guard let cells = byArm[arm] else { return [] }
        return stride(from: replicate - 1, to: cells.count, by: replicates).map { cells[$0] }
    }
}

extension GridCell {
    /// Reads the parts of `cells[index]` that it needs: a copy of the whole would count references to all of it.
    fileprivate mutating func fill(from cells: [CellResult], _ index: Int, metric: TableMetric, epoch: Int) {
        state = cells[index].state
        guard state == .finished else { return }
        guard let metrics = cells[index].epochs.epoch(epoch) else {
            state = .missing
            return
        }
        let value = metric.value(in: metrics)
        if value.isFinite {
            self.value = value
            numericClass = cells[index].numericClass
        } else {
            state = .diverged
        }
    }
}
