import Studies

/// One cell of the grid the study asks for, with its value if it has one.
struct GridCell: Equatable {
    enum State { case finished, failed, diverged, missing }

    /// Places in the grid's lists.
    var arm, pair: Int
    /// 1, 2, ….
    var replicate: Int
    var state = State.missing
    var value: Double?
    /// Its place among the results; `nil` where there is none.
    var result: Int?
}

/// The whole grid in sorted order: arm as in the study, pair, replicate. Its order is what fixes the order of all sums.
struct ResultGrid {
    private(set) var all: [GridCell] = []
    let arms: [String]
    let pairs: [[Int]]
    /// How many values come from each numeric class.
    private(set) var numericClasses: [String: Int] = [:]
    private let results: [CellResult]
    private let replicates: Int
    private let armPlaces: [String: Int]
    private let pairPlaces: [[Int]: Int]

    init(info: TableInfo, cells results: [CellResult], metric: TableMetric, epoch: Int) {
        self.results = results
        arms = info.arms
        pairs = info.pairs.sorted { $0.lexicographicallyPrecedes($1) }
        replicates = max(1, info.replicates)
        armPlaces = Dictionary(arms.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        pairPlaces = Dictionary(pairs.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        all.reserveCapacity(arms.count * pairs.count * replicates)
        for arm in arms.indices {
            for pair in pairs.indices {
                for replicate in 1...replicates { all.append(GridCell(arm: arm, pair: pair, replicate: replicate)) }
            }
        }
        fill(metric, epoch)
    }

    /// A large study has ten thousands of results, so what they need is read where it lies: a copy of one would count references to all
    /// of it.
    private mutating func fill(_ metric: TableMetric, _ epoch: Int) {
        // Neighbours often have all of this in common.
        var (arm, pair) = (("", armPlaces[""]), ([Int](), pairPlaces[[]]))
        var numericClass = (String?.none, 0)
        for index in results.indices {
            if results[index].arm != arm.0 { arm = (results[index].arm, armPlaces[results[index].arm]) }
            if results[index].pair != pair.0 { pair = (results[index].pair, pairPlaces[results[index].pair]) }
            let replicate = results[index].replicate
            guard let armPlace = arm.1, let pairPlace = pair.1, (1...replicates).contains(replicate) else { continue }
            let place = (armPlace * pairs.count + pairPlace) * replicates + replicate - 1
            precondition(all[place].result == nil, "a cell is given twice")
            all[place].result = index
            switch results[index].state {
            case .finished:
                let last = results[index].epochs.last
                guard let metrics = last?.epoch == epoch ? last : results[index].epochs.epoch(epoch) else { continue }
                let value = metric.value(in: metrics)
                all[place].state = value.isFinite ? .finished : .diverged
                guard value.isFinite else { continue }
                all[place].value = value
                if results[index].numericClass != numericClass.0 {
                    count(numericClass)
                    numericClass = (results[index].numericClass, 0)
                }
                numericClass.1 += 1
            case .failed: all[place].state = .failed
            case .diverged: all[place].state = .diverged
            case .missing: break
            }
        }
        count(numericClass)
    }

    private mutating func count(_ values: (numericClass: String?, count: Int)) {
        if values.count > 0 { numericClasses[values.numericClass ?? "not recorded", default: 0] += values.count }
    }

    func failureReason(of cell: GridCell) -> String {
        if let result = cell.result, case .failed(let reason) = results[result].state { reason } else { "" }
    }

    func cells(arm: String) -> ArraySlice<GridCell> {
        guard let place = armPlaces[arm] else { return [] }
        return all.dropFirst(place * pairs.count * replicates).prefix(pairs.count * replicates)
    }

    /// A pair's, by replicate.
    func cells(arm: String, pair: [Int]) -> ArraySlice<GridCell> {
        guard let place = pairPlaces[pair] else { return [] }
        return cells(arm: arm).dropFirst(place * replicates).prefix(replicates)
    }

    /// A replicate's, by pair.
    func cells(arm: String, replicate: Int) -> ArraySlice<GridCell> { cells(arm: arm).filter { $0.replicate == replicate }[...] }
}
