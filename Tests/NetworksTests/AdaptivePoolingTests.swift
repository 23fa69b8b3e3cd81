import Networks
import Testing

/// Against torch.nn.AdaptiveAvgPool2d(7) by its definition, expanded to 49 positions.
@Suite struct AdaptivePoolingTests {
    static let channels = 3

    /// Output `[7·7][C][N]`.
    static func definition(_ x: [Double], height: Int, width: Int, row: Int) -> [Double] {
        func window(_ index: Int, _ size: Int) -> Range<Int> {
            let (first, last) = (Double(index * size) / 7, Double((index + 1) * size) / 7)
            return Int(first.rounded(.down))..<Int(last.rounded(.up))
        }
        return (0..<49).flatMap { position -> [Double] in
            let (rows, columns) = (window(position / 7, height), window(position % 7, width))
            return (0..<row).map { k in
                var sum = 0.0
                for y in rows { for x_ in columns { sum += x[(y * width + x_) * row + k] } }
                return sum / Double(rows.count * columns.count)
            }
        }
    }

    @Test(arguments: (1...9).map { ($0, $0) } + [(14, 14), (2, 5), (1, 9)], [1, 3, 17])
    func `Outputs and gradient are torch's`(map: (height: Int, width: Int), batch: Int) {
        let shape = MapShape(height: map.height, width: map.width, channels: Self.channels)
        let pool = AdaptivePooling(input: shape, maximumBatch: batch)
        let row = Self.channels * batch
        let groups = pool.groups
        #expect(groups == GroupedLinearTests.groups(height: map.height, width: map.width))
        #expect(groups.sizes.reduce(0, +) == 49 && pool.features == groups.sizes.count * Self.channels)

        let x = numbers(shape.elements * batch, stream: 1)
        let xs = FloatBuffer(x)
        func expanded(_ buffer: FloatBuffer, by factor: (Int) -> Double) -> [Double] {
            groups.groupOfPosition.flatMap { group in
                (0..<row).map { Double(buffer.pointer[group * row + $0]) * factor(group) }
            }
        }
        // Twice: the sums of the first pass must not stay.
        for _ in 0..<2 { pool.forward(xs.pointer, batch: batch) }
        let expected = Self.definition(x.doubles, height: map.height, width: map.width, row: row)
        #expect(relativeError(expanded(pool.means) { _ in 1 }, expected) < 1e-6)
        #expect(relativeError(expanded(pool.repeatedFeatures) { 1 / Double(groups.sizes[$0]) }, expected) < 1e-6)

        // The gradient of a repeated feature is that of each position of its group; positions of one group share it.
        let r = numbers(groups.sizes.count * row, stream: 2)
        let (dy, dx) = (FloatBuffer(r), FloatBuffer(numbers(x.count, stream: 3)))
        pool.backward(dy.pointer, into: dx.pointer, batch: batch)
        let weights = groups.groupOfPosition.flatMap { group in (0..<row).map { Double(r[group * row + $0]) } }
        func loss(_ x: [Double]) -> Double {
            Naive.dot(Self.definition(x, height: map.height, width: map.width, row: row), weights)
        }
        if x.count <= 500 {
            #expect(relativeError(dx.doubles, Naive.gradient(x.doubles, of: loss)) < 1e-6)
        } else {
            #expect(Naive.slopeError(dx.doubles, x.doubles, of: loss) < 1e-6)
        }
    }
}
