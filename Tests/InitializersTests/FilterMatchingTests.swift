import Initializers
import Tensors
import Testing

@Suite struct FilterMatchingTests {
    /// Two filters of two numbers a network. Their transforms' real parts are (a + b, a − b): of (1, 0) and (0, 1) they are
    /// (1, 1) and (1, −1); of (0, 2) and (3, 4), at unit length, (1, −1) and (1.4, −0.2). The first is √0 from the second
    /// network's first and √0.8 from its second; the other 2 and √1.6.
    private let pair = [
        Tensor(shape: [2, 1, 1, 2], values: [1, 0, 0, 1]), Tensor(shape: [2, 1, 1, 2], values: [0, 2, 3, 4]),
    ]

    @Test(arguments: FilterMatching.allCases) func `two networks by hand`(matching: FilterMatching) throws {
        let orders = try matching.orders(of: pair)
        #expect(orders == [[0, 1], [1, 0]])
        var second = pair[1]
        second.values = [3, 4, 0, 2]
        #expect(try MeanFilters.of([pair[0], second], unitLength: false).values == [2, 2, 0, 1.5])
        #expect(try MeanFilters.of([pair[0], second], unitLength: true).values == [0.8, 0.4, 0, 1])
    }

    @Test func `greedy takes cluster by cluster what is nearest, optimal the least sum`() {
        let costs: [Double] = [1, 2, 9, 1, 10, 9, 9, 9, 9]
        #expect(FilterMatching.greedy.assign(costs, count: 3) == [0, 2, 1])
        #expect(FilterMatching.optimal.assign(costs, count: 3) == [1, 0, 2])
        // Of equally near ones the first.
        #expect(FilterMatching.greedy.assign([2, 1, 1, 1], count: 2) == [1, 0])
    }

    @Test func `orders are those of a plain reading with NumPy and SciPy`() throws {
        for reference in try FilterReference.load().matching {
            let networks = reference.filters.map { Tensor(shape: reference.shape, values: $0) }
            #expect(try FilterMatching.greedy.orders(of: networks) == reference.greedy)
            #expect(try FilterMatching.optimal.orders(of: networks) == reference.optimal)
        }
    }

    @Test(arguments: FilterMatching.allCases)
    func `a network's own filters find their places again, at any length`(matching: FilterMatching) throws {
        let count = 24, size = 3 * 9
        let filters = ReferenceNumbers.bells(stream: 130, count: count * size)
        let order = (0..<count).map { ($0 * 7 + 5) % count }
        let moved = order.flatMap { place in filters[place * size..<(place + 1) * size].map { $0 * Float(1 + place) } }
        let orders = try matching.orders(of: [filters, moved].map { Tensor(shape: [count, 3, 3, 3], values: $0) })
        #expect(orders[1].map { order[$0] } == Array(0..<count))
    }

    @Test func `no two filters of one network are in one cluster, zeros and equals among them`() throws {
        var networks = (0..<4).map { Tensor(shape: [10, 2, 3, 3], values: ReferenceNumbers.bells(stream: 140 + $0, count: 180)) }
        for index in 0..<36 { networks[1].values[index] = 0 }
        for index in 0..<90 { networks[2].values[90 + index] = networks[2].values[index] }
        for matching in FilterMatching.allCases {
            for order in try matching.orders(of: networks) { #expect(order.sorted() == Array(0..<10)) }
        }
    }

    @Test func `what cannot be matched is an error`() throws {
        for matching in FilterMatching.allCases {
            #expect(throws: InitializerError.noPoints) { try matching.orders(of: []) }
            let wrong = InitializerError.wrongShape(
                what: "a layer's filters", actual: [3, 1, 1, 2], expected: "[2, 1, 1, 2], as in the first network")
            #expect(throws: wrong) {
                try matching.orders(of: [pair[0], Tensor(zeros: [3, 1, 1, 2])])
            }
            var bad = pair
            bad[1].values[3] = .infinity
            #expect(throws: InitializerError.notFinite(point: 1, coordinate: 1)) { try matching.orders(of: bad) }
        }
        #expect(throws: InitializerError.noPoints) { try MeanFilters.of([], unitLength: false) }
    }
}

@Suite struct LinearAssignmentTests {
    private func total(_ costs: [Double], _ tasks: [Int]) -> Double {
        tasks.enumerated().reduce(0) { $0 + costs[$1.offset * tasks.count + $1.element] }
    }

    @Test func `assignments are SciPy's, and their sum where several are the best`() throws {
        for reference in try FilterReference.load().assignment {
            var costs = ReferenceNumbers.bells(stream: reference.stream, count: reference.count * reference.count).map(Double.init)
            if reference.levels > 0 { costs = costs.map { ($0 * Double(reference.levels)).rounded(.down) } }
            let tasks = LinearAssignment.minimize(costs, count: reference.count)
            #expect(tasks.sorted() == Array(0..<reference.count))
            #expect(abs(total(costs, tasks) - reference.total) < 1e-9)
            if reference.levels == 0 { #expect(tasks == reference.columns) }
        }
    }

    /// All orders of 0…count − 1.
    private func orders(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return orders(count - 1).flatMap { shorter in
            (0..<count).map { Array(shorter[..<$0]) + [count - 1] + Array(shorter[$0...]) }
        }
    }

    @Test func `no order of up to five is better`() {
        for count in 0...5 {
            for stream in 0..<40 {
                // Half of them whole numbers, so that there are ties; large ones, so that signs and sizes differ.
                let bells = ReferenceNumbers.bells(stream: 200 + stream, count: count * count)
                let costs = bells.map { stream % 2 == 0 ? Double($0) : (Double($0) * 3).rounded() * 1e6 }
                let best = orders(count).map { total(costs, $0) }.min() ?? 0
                #expect(abs(total(costs, LinearAssignment.minimize(costs, count: count)) - best) <= 1e-9 * max(1, abs(best)))
            }
        }
    }
}
