/// How a parameter lies in the engine's flat buffers, against torch's row-major order.
///
/// Some elements of a parameter can never get a gradient of their own. They are *dormant*: a gradient-free recurrence
/// moves them (``DormantDecay``), so a step does not touch them.
package enum WeightLayout {
    /// As in torch.
    case plain
    /// `[kh][kw][O][C]` over the live taps; the other taps are dormant, in torch's order.
    case liveTaps(ConvolutionGeometry)
    /// `[O][kw][kh][C]`, all taps: for strips of image columns, see ``Convolution``.
    case columnMajor(ConvolutionGeometry)
    /// `[O][group][C]`: a linear layer on a map in which the positions of a group always hold the same values, so
    /// that they have the same gradient. Learned are the groups' mean weights; how each position differs from its
    /// group's mean is dormant, `[O][C][position]`.
    case groupedPositions(PositionGroups)

    /// Learned elements of a parameter of `count` elements.
    func learnedCount(of count: Int) -> Int {
        switch self {
        case .plain, .columnMajor: count
        case .liveTaps(let g): g.output.channels * g.liveTaps * g.input.channels
        case .groupedPositions(let groups): count / groups.groupOfPosition.count * groups.sizes.count
        }
    }

    /// Dormant values kept for a parameter of `count` elements: those of the start.
    func dormantCount(of count: Int) -> Int {
        switch self {
        case .plain, .columnMajor: 0
        case .liveTaps: count - learnedCount(of: count)
        case .groupedPositions(let groups): groups.areSingle ? 0 : count
        }
    }

    /// Calls `body` with each element's place in torch's order and its place among the learned, or, if it is dormant
    /// altogether, among the dormant.
    func forEachElement(count: Int, _ body: (_ torch: Int, _ isLearned: Bool, _ place: Int) -> Void) {
        switch self {
        case .plain:
            for index in 0..<count { body(index, true, index) }
        case .liveTaps(let g):
            var torch = 0
            var dormant = 0
            for o in 0..<g.output.channels {
                for c in 0..<g.input.channels {
                    for ky in 0..<g.kernel {
                        for kx in 0..<g.kernel {
                            if g.liveRows.contains(ky), g.liveColumns.contains(kx) {
                                let tap = g.liveTap(row: ky, column: kx)
                                body(torch, true, (tap * g.output.channels + o) * g.input.channels + c)
                            } else {
                                body(torch, false, dormant)
                                dormant += 1
                            }
                            torch += 1
                        }
                    }
                }
            }
        case .columnMajor(let g):
            var torch = 0
            for o in 0..<g.output.channels {
                for c in 0..<g.input.channels {
                    for ky in 0..<g.kernel {
                        for kx in 0..<g.kernel {
                            body(torch, true, ((o * g.kernel + kx) * g.kernel + ky) * g.input.channels + c)
                            torch += 1
                        }
                    }
                }
            }
        case .groupedPositions(let groups):
            let positions = groups.groupOfPosition.count
            let rows = count / (positions * groups.channels)
            for o in 0..<rows {
                for c in 0..<groups.channels {
                    let torch = (o * groups.channels + c) * positions
                    for (position, group) in groups.groupOfPosition.enumerated() {
                        body(torch + position, true, (o * groups.sizes.count + group) * groups.channels + c)
                    }
                }
            }
        }
    }
}

/// Which positions of a map are known to hold the same values, as after an adaptive pooling that enlarges.
package struct PositionGroups: Equatable {
    package let channels: Int
    /// The group of each position.
    package let groupOfPosition: [Int]
    /// The number of positions in each group.
    package let sizes: [Int]

    package init(channels: Int, groupOfPosition: [Int]) {
        self.channels = channels
        self.groupOfPosition = groupOfPosition
        var sizes = [Int](repeating: 0, count: (groupOfPosition.max() ?? -1) + 1)
        for group in groupOfPosition { sizes[group] += 1 }
        self.sizes = sizes
    }

    /// Whether every group is one position.
    package var areSingle: Bool { sizes.count == groupOfPosition.count }
}
